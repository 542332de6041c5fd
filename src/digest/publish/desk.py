"""What an editor does to a draft: lock, rewrite, drop, take in. Each composes it again.

Nothing that came in since the draft was made enters with an edit; `draft` brings that in.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from digest.domain import Cadence, Edit, Issue, IssueState, Reason, Story
from digest.errors import UsageError, WrongStateError
from digest.house import House
from digest.publish.hand import with_decisions, with_edits
from digest.publish.making import Desk, Inputs, unpack_desk, unpack_inputs
from digest.publish.revise import Slip, revise
from digest.store import Session, audit, decisions, edits, revisions

#: Behind all others of its tier.
LAST = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Hand:
    """Whose hand it is, and when it moved."""

    by: str
    at: datetime


async def desk(house: House, issue: Issue) -> Desk:
    """The open questions of an issue and what it holds back."""
    async with house.store.read() as session:
        return unpack_desk(await revisions.making(session, issue.id))


async def recompose(
    house: House, issue: Issue, hand: Hand, *, what: str, note: str | None = None, subject: str | None = None
) -> Issue:
    """The draft composed again from what it was made of, under the editor's hand as it is now."""
    require_draft(issue)

    async def make() -> Inputs:
        async with house.store.read() as session:
            inputs = await inputs_now(session, issue)
        if inputs is None:
            raise WrongStateError(
                f"issue {issue.number} was drafted by an older version", hint="digest draft makes it again"
            )
        plan = inputs.plan
        if note is not None:
            plan = replace(plan, note=note)
        if subject is not None:
            plan = replace(plan, subject=subject)
        return replace(inputs, plan=plan)

    slip = Slip(
        newsletter=issue.newsletter,
        period=issue.period,
        due_at=issue.due_at,
        what=what,
        by=hand.by,
        at=hand.at,
    )
    return await revise(house, slip, make)


async def inputs_now(session: Session, issue: Issue) -> Inputs | None:
    """What the issue was made of, under the editor's hand as it is now; None where that was not kept."""
    kept = await revisions.making(session, issue.id)
    if kept is None:
        return None
    inputs = unpack_inputs(kept)
    said = await decisions.all_of(session, issue.newsletter)
    plan = with_decisions(inputs.plan, said, inputs.articles)
    return replace(inputs, plan=with_edits(plan, await edits.all_of(session, issue.id)))


def require_draft(issue: Issue) -> None:
    """WrongStateError unless the issue can still be changed."""
    if issue.cadence is Cadence.MONTHLY:
        raise WrongStateError(
            f"issue {issue.number} is the month's: its stories stay as the issues told them",
            hint=f"digest preview {issue.number}, then approve or cancel it",
        )
    if issue.state not in {IssueState.DRAFT, IssueState.REVIEW}:
        raise WrongStateError(
            f"issue {issue.number} is {issue.state} and not a draft any more",
            hint="digest cancel calls it off; what it told may be told again",
        )


async def edit(house: House, issue: Issue, story: Story, hand: Hand, *, what: str, place: int = 0) -> Issue:
    """The draft with this story as it is here, locked; without a `place` where it stands now."""
    require_draft(issue)
    kept = Edit(
        story=_locked(story, hand), place=place or place_of(issue, story) or LAST, by=hand.by, at=hand.at
    )
    async with house.store.begin() as session:
        await edits.keep(session, issue.id, kept)
        await audit.note(session, now=hand.at, actor=hand.by, action="story.locked", subject=_subject(issue))
    return await recompose(house, issue, hand, what=what)


def _locked(story: Story, hand: Hand) -> Story:
    rest = tuple(each for each in story.reasons if not each.rule.startswith("pick."))
    return replace(story, reasons=(*rest, Reason(rule="pick.locked", words=f"Locked by {hand.by}.")))


def place_of(issue: Issue, story: Story) -> int:
    """Where the story stands in its section, from 1; 0 when it does not stand there."""
    for section in issue.content.sections:
        if section.key == story.section:
            keys = [each.key for each in section.stories]
            return keys.index(story.key) + 1 if story.key in keys else 0
    return 0


async def unlock(house: House, issue: Issue, story: Story, hand: Hand) -> Issue:
    """The draft with this story given back to the rules; WrongStateError when it was not locked."""
    require_draft(issue)
    async with house.store.begin() as session:
        if not await edits.remove(session, issue.id, story.key):
            raise WrongStateError(f"“{story.title}” is not locked")
        await audit.note(
            session, now=hand.at, actor=hand.by, action="story.unlocked", subject=_subject(issue)
        )
    return await recompose(house, issue, hand, what=f"unlocked “{story.title}”")


async def drop(house: House, issue: Issue, story: Story, hand: Hand) -> Issue:
    """The draft without this story, also after the next gathering."""
    require_draft(issue)
    if len(issue.content.stories) == 1:
        raise WrongStateError(
            f"nothing would be left of issue {issue.number}", hint=f"digest cancel {issue.number}"
        )
    async with house.store.begin() as session:
        await edits.keep(session, issue.id, Edit(story=story, is_dropped=True, by=hand.by, at=hand.at))
        await audit.note(session, now=hand.at, actor=hand.by, action="story.dropped", subject=_subject(issue))
    return await recompose(house, issue, hand, what=f"dropped “{story.title}”")


async def take(house: House, issue: Issue, story: Story, hand: Hand) -> Issue:
    """The draft with a story that was held back or dropped, locked at the end of its tier."""
    known = {section.key for section in house.newsletter(issue.newsletter).sections}
    if story.section not in known:
        raise UsageError(f"“{story.title}” has no section any more")
    async with house.store.read() as session:
        done = await edits.all_of(session, issue.id)
    # What was dropped comes back in the words that it had then.
    story = next((each.story for each in done if each.is_dropped and each.story.key == story.key), story)
    return await edit(house, issue, story, hand, what=f"took in “{story.title}”", place=LAST)


def _subject(issue: Issue) -> str:
    return f"issue:{issue.id}"
