"""`digest explain`: why a story is in an issue and where, what was held back, what became of a reader."""

from typing import Annotated

import typer

from digest import publish
from digest.cli.correcting import plain_corrections, write_corrections
from digest.cli.editing import story_at
from digest.cli.readers import tell_reader
from digest.cli.running import AsJson, Newsletter, local, newsletter_key, pick_issue, run
from digest.cli.terminal import Terminal, of
from digest.compose import explain as explain_story
from digest.domain import Issue, IssueState, Story
from digest.errors import NotFoundError, UsageError
from digest.house import House
from digest.publish import Desk
from digest.store import checks
from digest.store.checks import Check

#: What was found of an event before its issue is sent, by its article, with the time as readers know it.
Checks = dict[int, tuple[str, Check]]

_WHICH = "digest explain issue 12 story 3, digest explain issue 12 --held, digest explain reader EMAIL"


def explain(
    ctx: typer.Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[issue] [N] [story] [K]",
            help="Issue and story, one number is the story; or `reader EMAIL`.",
        ),
    ] = None,
    held: Annotated[bool, typer.Option("--held", help="What was held back, or story K of it.")] = False,
    reader: Annotated[str, typer.Option(metavar="EMAIL", help="Why this reader gets what they get.")] = "",
    as_json: AsJson = False,
    newsletter: Newsletter = None,
) -> None:
    """Say why a story is in an issue and where it stands, what was held back, or what became of a reader.

    An issue alone tells what it corrects of earlier ones.
    """
    terminal, given = of(ctx), list(words or [])
    if given[:1] == ["reader"] and len(given) == 2:
        reader = given[1]
    if reader:
        run(terminal, lambda house: tell_reader(terminal, house, newsletter, reader, as_json=as_json))
        return
    number, position = _which(given, is_held=held)

    async def work(house: House) -> tuple[Issue, Desk, Checks]:
        issue = await pick_issue(house, newsletter_key(house.settings, newsletter), number)
        async with house.store.read() as session:
            found = {one.article_id: one for one in await checks.of_issue(session, issue.id)}
        told = {key: (local(house, issue.newsletter, one.at), one) for key, one in found.items()}
        return issue, await publish.desk(house, issue), told

    issue, desk, looked = run(terminal, work)
    if held and position is None:
        _write_held(terminal, issue, desk, as_json=as_json)
    elif position is None:
        _tell_corrections(terminal, issue, desk, as_json=as_json)
    else:
        story = _held_at(issue, desk, position) if held else story_at(issue, position)
        found = next((looked[number] for number in story.article_ids if number in looked), None)
        _write_story(terminal, issue, story, position, found, as_json=as_json)
        terminal.then(*_next(issue, position, is_held=held))


def _next(issue: Issue, position: int, *, is_held: bool) -> tuple[str, str]:
    """The next command about that story, and what it does."""
    place = f"{issue.number} {position}"
    if issue.state not in {IssueState.DRAFT, IssueState.REVIEW}:
        return f"issues show {issue.number}", ""
    if is_held:
        return f"take {place}", "takes it in"
    return (
        f"edit {place}",
        f"changes it; digest move {place} puts it elsewhere, digest drop {place} leaves it out",
    )


def _which(words: list[str], *, is_held: bool) -> tuple[int | None, int | None]:
    """The issue's number and the story's; UsageError shows what can be asked."""
    named: dict[str, int] = {}
    plain: list[int] = []
    kind = ""
    for word in words:
        if word in {"issue", "story"} and not kind:
            kind = word
        elif word.isdigit() and kind:
            named[kind], kind = int(word), ""
        elif word.isdigit():
            plain.append(int(word))
        else:
            raise UsageError(f'"{word}" is neither an issue nor a story', hint=_WHICH)
    if plain and "issue" not in named and (len(plain) == 2 or is_held or "story" in named):
        named["issue"] = plain.pop(0)
    if plain and "story" not in named:
        named["story"] = plain.pop(0)
    if kind or plain or not (named or is_held):
        raise UsageError("which story?", hint=_WHICH)
    return named.get("issue"), named.get("story")


def _tell_corrections(terminal: Terminal, issue: Issue, desk: Desk, *, as_json: bool) -> None:
    """What the issue says as a whole; UsageError when all there is to explain are its stories."""
    if not desk.corrections:
        raise UsageError("which story?", hint=_WHICH)
    if as_json:
        terminal.json({"issue": issue.number, "corrections": plain_corrections(issue, desk)})
        return
    write_corrections(terminal, issue, desk)
    terminal.then(f"explain issue {issue.number} story K", "a story")


def _write_story(
    terminal: Terminal,
    issue: Issue,
    story: Story,
    position: int,
    found: tuple[str, Check] | None,
    *,
    as_json: bool,
) -> None:
    lines = explain_story(story)
    if found:
        lines += (f"event.recheck: Looked at again {found[0]}: {found[1].words}.",)
    if as_json:
        again = {"at": found[1].at, "words": found[1].words} if found else None
        plain = _plain(story) | {"why": list(lines), "recheck": again}
        terminal.json({"issue": issue.number, "story": position} | plain)
        return
    for line in lines:
        terminal.write(line)


def _plain(story: Story) -> dict[str, object]:
    """A story as `--json` explains it: the terms of its score and each decision with its number."""
    terms = {
        each.rule.removeprefix("rank."): each.value for each in story.reasons if each.rule.startswith("rank.")
    }
    names = ("title", "url", "section", "tier", "score", "source", "also", "topics")
    reasons = [{"rule": each.rule, "words": each.words, "value": each.value} for each in story.reasons]
    return {name: getattr(story, name) for name in names} | {"terms": terms, "reasons": reasons}


def _held_at(issue: Issue, desk: Desk, position: int) -> Story:
    if not 1 <= position <= len(desk.held):
        hint = f"digest explain issue {issue.number} --held"
        raise NotFoundError(f"issue {issue.number} holds back no story {position}", hint=hint)
    return desk.held[position - 1]


def _write_held(terminal: Terminal, issue: Issue, desk: Desk, *, as_json: bool) -> None:
    if as_json:
        told = [{"position": number} | _plain(story) for number, story in enumerate(desk.held, 1)]
        terminal.json({"issue": issue.number, "held": told, "count": desk.held_count})
        return
    if desk.held:
        rows = [
            (str(number), story.section, f"{story.score:.2f}", story.title, story.reasons[-1].words)
            for number, story in enumerate(desk.held, 1)
        ]
        terminal.table(("held", "section", "score", "title", "why"), rows)
        if desk.held_count > len(desk.held):
            terminal.say("more", f"{desk.held_count - len(desk.held)} that score lower were not kept")
        terminal.then(f"take {issue.number} HELD", "takes one in")
    else:
        terminal.say("none", f"issue {issue.number} holds nothing back")
