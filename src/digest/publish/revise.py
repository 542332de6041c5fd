"""The next revision of a draft: composed, and stored only while nobody else made one meanwhile."""

import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from digest.compose import Review
from digest.compose import review as compose_review
from digest.domain import Issue, IssueState
from digest.errors import BusyError, NothingToDoError
from digest.house import House
from digest.publish.making import Inputs, desk_of, pack, unpack_desk
from digest.store import Session, issues, revisions

_TRIES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Slip:
    """Which draft, and what made its next revision: kept for whoever asks later."""

    newsletter: str
    period: str
    due_at: datetime
    what: str
    by: str = ""
    at: datetime


async def revise(house: House, slip: Slip, make: Callable[[], Awaitable[Inputs]]) -> Issue:
    """The stored draft, composed from what `make` gives; an issue in review stays in review.

    `make` reads the editor's hand anew for each try, so that of two who work at once neither undoes the
    other. NothingToDoError when there is nothing to tell, WrongStateError when it is no draft any more.
    """
    for _ in range(_TRIES):
        async with house.store.read() as session:
            there = await issues.of_period(session, slip.newsletter, slip.period)
        seen = there.revision if there else 0
        inputs = await make()
        found = compose_review(inputs.articles, inputs.plan, now=inputs.now)
        if found.content.is_empty:
            since = house.local(slip.newsletter, inputs.plan.since)
            raise NothingToDoError(f"nothing new to tell since {since}", hint="digest gather, or wait")
        saved = None
        with contextlib.suppress(BusyError):
            async with house.store.begin() as session:
                saved = await keep(session, slip, inputs, found, seen=seen)
        if saved is not None:
            stories = len(saved.content.stories)
            house.log.event("issue.drafted", n=saved.number, stories=stories, revision=saved.revision)
            return saved
    raise BusyError("the draft is being changed by others again and again", hint="run it again in a moment")


async def keep(session: Session, slip: Slip, inputs: Inputs, found: Review, *, seen: int) -> Issue | None:
    """The draft as stored; None when it was changed since revision `seen`, or is no draft any more."""
    content = found.content
    there = await issues.of_period(session, slip.newsletter, slip.period)
    if (there.revision if there else 0) != seen:
        return None
    values = Issue(
        newsletter=slip.newsletter,
        number=content.number,
        period=slip.period,
        due_at=slip.due_at,
        content=content,
        state=IssueState.REVIEW if there and there.state is IssueState.REVIEW else IssueState.DRAFT,
        approve_at=there.approve_at if there else None,
        reason=there.reason if there else "",
    )
    saved = await issues.save_draft(session, values, now=slip.at)
    before = unpack_desk(await revisions.making(session, saved.id))
    kept = pack(inputs, desk_of(found, before, inputs.plan))
    await revisions.keep(session, saved, kept, what=slip.what, by=slip.by, now=slip.at)
    return saved
