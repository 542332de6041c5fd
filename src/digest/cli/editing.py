"""`digest edit`, `digest move`, `digest drop` and `digest take`: an editor's hand on a draft."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Annotated

import typer

from digest import publish
from digest.cli.plain import plain_issue
from digest.cli.running import AsJson, Newsletter, newsletter_key, pick_issue, run, user
from digest.cli.terminal import Terminal, of
from digest.clock import utc_now
from digest.compose import pattern_words
from digest.domain import Issue, Reason, Story, Tier
from digest.errors import NotFoundError, UsageError
from digest.house import House
from digest.publish import Hand

Of = Annotated[
    list[int], typer.Argument(metavar="[N] STORY", help="Issue and story, as `digest draft` numbers them.")
]
Change = Callable[[House, Issue, Hand], Awaitable[tuple[Issue, str]]]


def _change(
    terminal: Terminal, newsletter: str | None, number: int | None, change: Change, *, as_json: bool
) -> None:
    """Do it to the issue, show what came of it, and name the next command."""

    async def work(house: House) -> tuple[Issue, str]:
        issue = await pick_issue(house, newsletter_key(house.settings, newsletter), number)
        return await change(house, issue, Hand(by=f"cli {user()}", at=utc_now()))

    issue, words = run(terminal, work)
    if as_json:
        terminal.json(plain_issue(issue))
    terminal.say("done", f"{words}; issue {issue.number} is at revision {issue.revision}")
    terminal.then(f"preview {issue.number}", f"digest diff {issue.number} shows what changed")


def _split(numbers: list[int]) -> tuple[int | None, int]:
    """The issue, if it is named, and the story."""
    if len(numbers) not in {1, 2}:
        raise UsageError("which story?", hint="story 3 of issue 12 is 12 3")
    return (numbers[0] if len(numbers) == 2 else None), numbers[-1]


def story_at(issue: Issue, position: int) -> Story:
    """The story that `digest draft` shows under that number; NotFoundError names the numbers there are."""
    stories = issue.content.stories
    if not 1 <= position <= len(stories):
        raise NotFoundError(
            f"issue {issue.number} has no story {position}", hint=f"it has 1 to {len(stories)}"
        )
    return stories[position - 1]


def edit(
    ctx: typer.Context,
    numbers: Annotated[
        list[int] | None,
        typer.Argument(metavar="[N] [STORY]", help="Issue and story; neither for the note and subject."),
    ] = None,
    title: Annotated[str | None, typer.Option(help="The story's headline.")] = None,
    summary: Annotated[str | None, typer.Option(help='The words under it; "" for none.')] = None,
    why: Annotated[str | None, typer.Option(help='The line "why it matters"; "" for none.')] = None,
    tier: Annotated[Tier | None, typer.Option(help="How much room it gets.")] = None,
    topics: Annotated[
        str | None, typer.Option(metavar="KEYS", help='Its topics, with commas; "" for none.')
    ] = None,
    lock: Annotated[
        bool | None, typer.Option("--lock/--unlock", help="Keep it as it is, or give it back to the rules.")
    ] = None,
    note: Annotated[str | None, typer.Option(help='The note at the top of the issue; "" for none.')] = None,
    subject: Annotated[str | None, typer.Option(help='The subject of the mail; "" lets us write it.')] = None,
    as_json: AsJson = False,
    newsletter: Newsletter = None,
) -> None:
    """Rewrite or lock a story of a draft, or change the issue's note and subject.

    What you changed stays as it is when the draft is made again.
    """
    terminal, given = of(ctx), numbers or []
    of_story = {"title": title, "summary": summary, "why": why, "tier": tier, "topics": topics}
    changes = {name: value for name, value in of_story.items() if value is not None}
    is_head = note is not None or subject is not None
    if is_head and (changes or lock is not None):
        raise UsageError("the note and the subject are the issue's, the rest is a story's: one at a time")
    if is_head:

        async def head(house: House, issue: Issue, hand: Hand) -> tuple[Issue, str]:
            words = " and ".join(
                name for name, one in (("note", note), ("subject", subject)) if one is not None
            )
            done = await publish.recompose(
                house, issue, hand, what=f"changed the {words}", note=note, subject=subject
            )
            return done, f"changed the {words}"

        if len(given) > 1:
            raise UsageError("the note and the subject are the issue's", hint="name the issue only")
        _change(terminal, newsletter, given[0] if given else None, head, as_json=as_json)
        return
    if not changes and lock is None:
        raise UsageError(
            "what shall change?", hint="--title, --summary, --why, --tier, --topics, --lock, --unlock"
        )
    number, position = _split(given)

    async def one(house: House, issue: Issue, hand: Hand) -> tuple[Issue, str]:
        return await _edit(house, issue, hand, story_at(issue, position), changes, is_unlock=lock is False)

    _change(terminal, newsletter, number, one, as_json=as_json)


async def _edit(
    house: House, issue: Issue, hand: Hand, story: Story, changes: Mapping[str, object], *, is_unlock: bool
) -> tuple[Issue, str]:
    if is_unlock:
        if changes:
            raise UsageError("a story is changed or given back to the rules, not both")
        return await publish.unlock(house, issue, story, hand), f"unlocked “{story.title}”"
    if changes.get("title") == "":
        raise UsageError("a story needs a title")
    what = f"{'rewrote' if changes else 'locked'} “{story.title}”"
    written = _written(house, issue, story, dict(changes))
    return await publish.edit(house, issue, written, hand, what=what), f"{what}, which is locked now"


def _written(house: House, issue: Issue, story: Story, changes: dict[str, object]) -> Story:
    """The story as the editor wants it; UsageError names the topics there are."""
    if "topics" not in changes:
        return story.rewritten(**changes)
    known = house.newsletter(issue.newsletter).topics
    asked = [one for one in re.split(r"[\s,]+", str(changes.pop("topics"))) if one]
    if strange := next((one for one in asked if one not in known), ""):
        hint = f"there is: {', '.join(known)}" if known else "the newsletter has none in digest.toml"
        raise UsageError(f'there is no topic "{strange}"', hint=hint)
    topics = tuple(key for key in known if key in asked)
    labels = ", ".join(known[key].label for key in topics) or "none"
    rest = tuple(each for each in story.reasons if not each.rule.startswith("topic."))
    said = Reason(rule="topic.editor", words=f"Its topics, by an editor's word: {labels}.")
    return replace(story, topics=topics, reasons=(*rest, said)).rewritten(**changes)


def move(
    ctx: typer.Context,
    words: Annotated[
        list[str],
        typer.Argument(metavar="[N] STORY [SECTION]", help="Where from, and the section it goes to."),
    ],
    place: Annotated[int | None, typer.Option(min=1, help="Where in the section it goes, from 1.")] = None,
    always: Annotated[bool, typer.Option("--always", help="Learn it for all of this source.")] = False,
    once: Annotated[bool, typer.Option("--once", help="Learn nothing from it about the source.")] = False,
    as_json: AsJson = False,
    newsletter: Newsletter = None,
) -> None:
    """Move a story to another section, another place, or both, and lock it there.

    A section is learnt for what else the source tells of that kind; `digest decisions` shows and forgets it.
    """
    *_, last = words
    section = "" if last.isdigit() else last
    numbers = words if last.isdigit() else words[:-1]
    if not all(each.isdigit() for each in numbers) or not (section or place):
        raise UsageError("what goes where?", hint="digest move 12 3 learnings, or digest move 12 3 --place 1")
    if always and once:
        raise UsageError("--always and --once contradict each other")
    number, position = _split([int(each) for each in numbers])
    learn = "source" if always else "nothing" if once else ""

    async def change(house: House, issue: Issue, hand: Hand) -> tuple[Issue, str]:
        story = story_at(issue, position)
        key = publish.section_key(house, issue.newsletter, section) if section else ""
        done, rule = await publish.move(house, issue, story, hand, section=key, place=place or 0, learn=learn)
        learnt = ""
        if rule:
            learnt = f"; learnt for its source: {pattern_words(rule)}"
        elif key and not once:
            learnt = "; no rule is learnt: nothing in its title or address is its kind's alone"
        return done, f"moved “{story.title}”{_whither(done, story)}{learnt}"

    _change(of(ctx), newsletter, number, change, as_json=as_json)


def _whither(issue: Issue, story: Story) -> str:
    """Where the story stands now, " to place 2 of News": as near to what was asked for as its tier allows."""
    for section in issue.content.sections:
        for place, one in enumerate(section.stories, 1):
            if one.key == story.key:
                return f" to place {place} of {section.label}"
    return ""


def drop(ctx: typer.Context, numbers: Of, as_json: AsJson = False, newsletter: Newsletter = None) -> None:
    """Drop a story from a draft; it stays out when the draft is made again. `digest take` undoes it."""
    number, position = _split(numbers)

    async def change(house: House, issue: Issue, hand: Hand) -> tuple[Issue, str]:
        story = story_at(issue, position)
        return await publish.drop(house, issue, story, hand), f"dropped “{story.title}”"

    _change(of(ctx), newsletter, number, change, as_json=as_json)


def take(
    ctx: typer.Context,
    numbers: Annotated[
        list[int],
        typer.Argument(
            metavar="[N] HELD", help="Issue and story, as `digest explain issue N --held` numbers them."
        ),
    ],
    as_json: AsJson = False,
    newsletter: Newsletter = None,
) -> None:
    """Take a story into a draft that was held back or dropped, and lock it there."""
    number, position = _split(numbers)

    async def change(house: House, issue: Issue, hand: Hand) -> tuple[Issue, str]:
        held = (await publish.desk(house, issue)).held
        if not 1 <= position <= len(held):
            raise NotFoundError(
                f"issue {issue.number} holds back no story {position}",
                hint=f"digest explain issue {issue.number} --held",
            )
        story = held[position - 1]
        return await publish.take(house, issue, story, hand), f"took in “{story.title}”"

    _change(of(ctx), newsletter, number, change, as_json=as_json)
