"""`digest questions`, `digest answer`, `digest decisions`: what editors are asked, and what they said."""

from typing import Annotated

import typer

from digest import publish
from digest.cli.running import (
    AsJson,
    Newsletter,
    Number,
    local,
    newsletter_key,
    pick_issue,
    run,
    user,
)
from digest.cli.terminal import Terminal, counted, of
from digest.clock import utc_now
from digest.compose import pattern_words
from digest.domain import Decision, DecisionKind, Issue
from digest.errors import NotFoundError, UsageError
from digest.house import House
from digest.publish import Answered, Asked
from digest.store import decisions, sources


def questions(
    ctx: typer.Context, number: Number = None, as_json: AsJson = False, newsletter: Newsletter = None
) -> None:
    """List what the editor is asked about a draft: same story? which section?

    A question keeps its number until it is answered.
    """
    terminal = of(ctx)

    async def work(house: House) -> tuple[Issue, tuple[Asked, ...]]:
        issue = await pick_issue(house, newsletter_key(house.settings, newsletter), number)
        return issue, (await publish.desk(house, issue)).asked

    issue, asked = run(terminal, work)
    if as_json:
        terminal.json({"issue": issue.number, "questions": [plain_asked(each) for each in asked]})
    for each in () if as_json else asked:
        _write_question(terminal, each)
    if asked:
        terminal.then(f"answer {issue.number} {asked[0].number} {_ANSWERS[asked[0].question.kind]}")
    else:
        terminal.say("none", f"issue {issue.number} has no open question")
        terminal.then(f"preview {issue.number}")


_ANSWERS = {DecisionKind.STORY: "yes|no", DecisionKind.SECTION: "yes|SECTION"}


def plain_asked(asked: Asked) -> dict[str, object]:
    """A question as `--json` shows it."""
    names = ("kind", "urls", "titles", "sources", "confidence", "section")
    return {"number": asked.number} | {name: getattr(asked.question, name) for name in names}


def _write_question(terminal: Terminal, asked: Asked) -> None:
    question = asked.question
    if question.kind is DecisionKind.STORY:
        head = f"Same story? yes or no (likeness {question.confidence:.2f})"
    else:
        head = f"Is this {question.section}? yes, or the section it is ({question.confidence:.0%} sure)"
    terminal.write(f"{asked.number:>4}  {head}", style="bold")
    for title, source, url in zip(question.titles, question.sources, question.urls, strict=False):
        terminal.write(f"      “{title}” ({source})")
        terminal.write(f"          {url}", style="dim")


def answer(
    ctx: typer.Context,
    words: Annotated[
        list[str],
        typer.Argument(metavar="[N] QUESTION ANSWER", help="yes or no; of a section yes or its name."),
    ],
    as_json: AsJson = False,
    newsletter: Newsletter = None,
) -> None:
    """Answer a question for ever; the draft is composed again under the answer.

    Twice is the same; another answer takes the place of the earlier one.
    """
    terminal = of(ctx)
    *numbers, said = words
    if len(numbers) not in {1, 2} or not all(each.isdigit() for each in numbers):
        raise UsageError("which question, and what is the answer?", hint="digest answer 12 3 yes")

    async def work(house: House) -> tuple[Answered, int]:
        key = newsletter_key(house.settings, newsletter)
        issue = await pick_issue(house, key, int(numbers[0]) if len(numbers) == 2 else None)
        hand = publish.Hand(by=f"cli {user()}", at=utc_now())
        done = await publish.answer(house, issue, int(numbers[-1]), said, hand)
        return done, len((await publish.desk(house, done.issue)).asked)

    done, left = run(terminal, work)
    issue = done.issue
    if as_json:
        terminal.json({"issue": issue.number, "revision": issue.revision, "open": left})
    if done.before == done.answer:
        terminal.say("already", f"{said}; issue {issue.number} stays at revision {issue.revision}")
    else:
        instead = f" in place of {done.before}" if done.before else ""
        terminal.say("answered", f"{said}{instead}; issue {issue.number} is at revision {issue.revision}")
    if left:
        terminal.then(f"questions {issue.number}", f"{counted(left, 'question')} open")
    else:
        terminal.then(f"preview {issue.number}")


def list_(ctx: typer.Context, as_json: AsJson = False, newsletter: Newsletter = None) -> None:
    """List what editors decided for ever: answers, what moves taught, corrections that were dropped."""
    terminal = of(ctx)

    async def work(house: House) -> int:
        key = newsletter_key(house.settings, newsletter)
        async with house.store.read() as session:
            every = await decisions.all_of(session, key)
            titles = {each.id: each.title or each.url for each in await sources.all_of(session)}
        if as_json:
            terminal.json({"decisions": [_plain(each, titles) for each in every]})
        elif every:
            rows = [
                (str(each.id), _about(each, titles), each.answer, each.by, local(house, key, each.at))
                for each in every
            ]
            terminal.table(("id", "about", "answer", "by", "when"), rows)
        return len(every)

    if run(terminal, work):
        terminal.then("decisions remove ID", "forgets one")
    else:
        terminal.say("none", "nothing was decided yet")
        terminal.then("questions")


def _about(each: Decision, titles: dict[int, str]) -> str:
    if each.kind is DecisionKind.STORY:
        return f"same story? {each.words}"
    if each.kind is DecisionKind.SECTION:
        return f"which section? {each.words}"
    if each.kind is DecisionKind.CORRECTION:
        return f"correction: {each.words}"
    return f"rule: {titles.get(each.source_id, '?')}, {pattern_words(each)} ({each.words})"


def _plain(each: Decision, titles: dict[int, str]) -> dict[str, object]:
    names = ("id", "kind", "urls", "answer", "pattern", "words", "by", "at")
    source = titles.get(each.source_id, "")
    return {name: getattr(each, name) for name in names} | {"source": source}


def remove(
    ctx: typer.Context,
    ids: Annotated[list[int], typer.Argument(metavar="ID...", help="As `digest decisions list` shows them.")],
    as_json: AsJson = False,
    newsletter: Newsletter = None,
) -> None:
    """Forget decisions: the next draft is made without them, and may ask again."""
    terminal = of(ctx)

    async def work(house: House) -> int:
        key = newsletter_key(house.settings, newsletter)
        async with house.store.begin() as session:
            return await decisions.remove(session, key, ids)

    gone = run(terminal, work)
    if not gone:
        raise NotFoundError("there is no such decision", hint="digest decisions list")
    if as_json:
        terminal.json({"removed": gone})
    terminal.say("forgotten", counted(gone, "decision"))
    terminal.then("draft")
