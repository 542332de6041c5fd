"""An approved issue of which an event has changed: back in review, told as it is now."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from digest.compose import Recheck, Review, put_right, story_now
from digest.compose import review as compose_review
from digest.domain import Cadence, Content, Edit, Issue, Policy
from digest.errors import WrongStateError
from digest.house import House
from digest.publish.desk import inputs_now
from digest.publish.draft import tell_editor
from digest.publish.hand import with_edits
from digest.publish.making import Inputs
from digest.publish.revise import Slip, keep
from digest.store import Session, articles, audit, edits, issues

#: Who takes an issue back.
BY = "re-check"


#: Between two changes in an issue's reason; each change begins with a title in quotes.
_BETWEEN = re.compile("; (?=“)")


def changes_in(reason: str) -> tuple[str, ...]:
    """The changes for which an issue was taken back, one by one; none of an empty reason."""
    return tuple(_BETWEEN.split(reason)) if reason else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What becomes of an issue, worked out before anything is stored."""

    why: str
    #: What the changes are, told from others; part of a mail's key.
    mark: str
    content: Content
    #: What it is composed from, and what came of it; None for an issue that is not composed from articles.
    made: tuple[Inputs, Review] | None
    #: The editor's hand on the changed stories as it was and as it is to be; None lets go.
    edits: tuple[tuple[Edit, Edit | None], ...] = ()


async def prepare(house: House, issue: Issue, news: Sequence[Recheck], *, at: datetime) -> Prepared:
    """How the issue tells its events as they are now; nothing is stored.

    A weekly issue is composed again from what it was made of, with its events as stored now; a month's
    issue is changed where it stands.
    """
    async with house.store.read() as session:
        done = await edits.all_of(session, issue.id)
        inputs = await inputs_now(session, issue) if issue.cadence is Cadence.WEEKLY else None
        known = [one.id for one in inputs.articles if one.event] if inputs else []
        fresh = {one.id: one for one in await articles.by_ids(session, known)}
    righted = tuple(_righted(done, news, at))
    why = "; ".join(each.words for each in news)
    mark = "-".join(each.mark for each in news)[:80]
    if inputs is None:
        content = put_right(issue.content, news)
        return Prepared(why=why, mark=mark, content=content, made=None, edits=righted)
    after = {edit.story.key: now for edit, now in righted}
    hand = [kept for edit in done if (kept := after.get(edit.story.key, edit)) is not None]
    inputs = replace(
        inputs,
        articles=tuple(fresh.get(one.id, one) for one in inputs.articles),
        plan=with_edits(inputs.plan, hand),
    )
    found = compose_review(inputs.articles, inputs.plan, now=inputs.now)
    return Prepared(why=why, mark=mark, content=found.content, made=(inputs, found), edits=righted)


def _righted(
    done: Iterable[Edit], news: Iterable[Recheck], at: datetime
) -> Iterable[tuple[Edit, Edit | None]]:
    """A locked story keeps its words and place with the event as it is now; one called off is let go."""
    changed = {each.story.key: each for each in news}
    for edit in done:
        found = changed.get(edit.story.key)
        if found is None or edit.is_dropped:
            continue
        now = story_now(replace(found, story=edit.story))
        yield edit, None if found.is_off else replace(edit, story=now, by=BY, at=at)


async def put_back(
    session: Session, house: House, issue: Issue, prepared: Prepared, *, now: datetime
) -> Issue:
    """The issue in review as prepared, its editor told; WrongStateError when its sending has begun.

    When nothing would be left, it stays as it was, and waits for a person whatever the policy.
    """
    at = None if prepared.content.is_empty else _goes_at(house, issue, now)
    why = prepared.why + ("; nothing else is left of it" if prepared.content.is_empty else "")
    saved = await issues.take_back(session, issue, reason=why, approve_at=at)
    if not prepared.content.is_empty:
        saved = await _stored(session, saved, prepared, now=now)
    await audit.note(session, now=now, actor=BY, action="issue.taken_back", subject=f"issue:{issue.id}")
    if at is None or at > now:
        editor = house.newsletter(issue.newsletter).editor or ""
        mark = f"r{saved.revision}:{prepared.mark}"
        await tell_editor(session, saved, "draft", mark, editor=editor, now=now)
    return saved


async def _stored(session: Session, back: Issue, prepared: Prepared, *, now: datetime) -> Issue:
    for edit, after in prepared.edits:
        if after is None:
            await edits.remove(session, back.id, edit.story.key)
        else:
            await edits.keep(session, back.id, after)
    if prepared.made is None:
        return await issues.save_draft(session, replace(back, content=prepared.content), now=now)
    inputs, found = prepared.made
    slip = Slip(
        newsletter=back.newsletter,
        period=back.period,
        due_at=back.due_at,
        what=f"put right {prepared.why}",
        by=BY,
        at=now,
    )
    saved = await keep(session, slip, inputs, found, seen=back.revision)
    if saved is None:
        raise WrongStateError(f"issue {back.number} was changed meanwhile")
    return saved


def _goes_at(house: House, issue: Issue, now: datetime) -> datetime | None:
    """When it goes by itself: at once where no person approved it, else as the policy says; None waits."""
    chosen = house.newsletter(issue.newsletter)
    if chosen.release is Policy.AUTO_AFTER:
        return now + chosen.auto_after
    is_by_itself = chosen.release is Policy.AUTO and issue.approved_by.startswith("policy")
    return now if is_by_itself else None
