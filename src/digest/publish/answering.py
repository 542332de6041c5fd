"""An editor's answers: remembered for ever by the addresses they are about, and never asked for again."""

from dataclasses import dataclass

from digest.compose import contradicts
from digest.domain import Decision, DecisionKind, Issue
from digest.errors import NotFoundError, UsageError, WrongStateError
from digest.house import House
from digest.publish.desk import Hand, desk, recompose, require_draft
from digest.publish.making import Asked
from digest.store import audit, decisions


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """The draft under an answer, and the answer that stood before: "" when there was none."""

    issue: Issue
    answer: str
    before: str = ""


async def answer(house: House, issue: Issue, number: int, said: str, hand: Hand) -> Answered:
    """The draft under one more answer, remembered for ever. Another answer later takes its place.

    The same answer twice is the same: the draft stays at its revision. NotFoundError when the issue never
    asked that; UsageError for an answer that the question does not take.
    """
    require_draft(issue)
    asked, earlier = await _asked(house, issue, number)
    decision = _decision(house, issue, asked, said, hand)
    if earlier == decision.answer:
        return Answered(issue=issue, answer=earlier, before=earlier)
    async with house.store.begin() as session:
        known = await decisions.all_of(session, issue.newsletter)
        _require_no_contradiction(decision, known)
        await decisions.keep(session, decision)
        await audit.note(
            session, now=hand.at, actor=hand.by, action="question.answered", subject=f"issue:{issue.id}"
        )
    done = await recompose(house, issue, hand, what=f"answered question {number}: {decision.answer}")
    return Answered(issue=done, answer=decision.answer, before=earlier)


async def _asked(house: House, issue: Issue, number: int) -> tuple[Asked, str]:
    """The question of that number, and what it was answered with: "" for one that is open."""
    there = await desk(house, issue)
    for each in there.asked:
        if each.number == number:
            return each, ""
    async with house.store.read() as session:
        known = {
            (one.kind, one.urls): one.answer for one in await decisions.all_of(session, issue.newsletter)
        }
    for each in there.closed:
        about = (each.question.kind, tuple(sorted(each.question.urls)))
        if each.number == number and about in known:
            return each, known[about]
    raise NotFoundError(
        f"issue {issue.number} has no open question {number}", hint=f"digest questions {issue.number}"
    )


def _decision(house: House, issue: Issue, asked: Asked, said: str, hand: Hand) -> Decision:
    question = asked.question
    return Decision(
        newsletter=issue.newsletter,
        kind=question.kind,
        urls=question.urls,
        answer=_meant(house, issue, asked, said),
        words=" / ".join(question.titles),
        by=hand.by,
        at=hand.at,
    )


def _meant(house: House, issue: Issue, asked: Asked, said: str) -> str:
    """What the answer stands for: "yes" or "no" of stories, a section's key of sections."""
    word = {"y": "yes", "n": "no"}.get(said.casefold(), said.casefold())
    if asked.question.kind is DecisionKind.STORY:
        if word not in {"yes", "no"}:
            raise UsageError(f'"{said}" is no answer to "same story?"', hint="yes or no")
        return word
    if word == "yes":
        return asked.question.section
    return section_key(house, issue.newsletter, said)


def section_key(house: House, newsletter: str, said: str) -> str:
    """The key of the section that is meant, by key or label; UsageError names those there are."""
    sections = house.newsletter(newsletter).sections
    for each in sections:
        if said.casefold() in {each.key.casefold(), each.label.casefold()}:
            return each.key
    raise UsageError(f'there is no section "{said}"', hint=", ".join(each.key for each in sections))


def _require_no_contradiction(decision: Decision, known: tuple[Decision, ...]) -> None:
    if decision.kind is not DecisionKind.STORY:
        return
    about = tuple(sorted(decision.urls))
    others = [each for each in known if each.kind is DecisionKind.STORY and each.urls != about]
    pairs = {
        word: [(each.urls[0], each.urls[1]) for each in others if each.answer == word]
        for word in ("yes", "no")
    }
    if contradicts(
        (about[0], about[1]), is_same=decision.answer == "yes", same=pairs["yes"], different=pairs["no"]
    ):
        raise WrongStateError(
            "earlier answers, taken together, say the opposite",
            hint="digest decisions list, then digest decisions remove the one that is wrong",
        )
