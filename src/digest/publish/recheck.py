"""Look at the events of an approved issue again before it is sent; take it back when one has changed."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

from digest.compose import Recheck
from digest.compose import recheck as compare
from digest.domain import ChangedEvents, Issue, IssueState, Source
from digest.errors import WrongStateError
from digest.house import House
from digest.publish.draft import tell_editor
from digest.publish.gathering import gather_sources
from digest.publish.making import unpack_inputs
from digest.publish.putting_right import prepare, put_back
from digest.store import Session, articles, checks, issues, revisions, sources
from digest.store.checks import Check

#: From so long before its time on the events of an approved issue are looked at again.
AHEAD = timedelta(hours=24)
#: A source is read for that at most so often.
EVERY = timedelta(hours=6)
#: A gathering that began so long before a check may store what it found after it.
_GATHERING = timedelta(minutes=15)


async def recheck(house: House, issue: Issue, *, now: datetime) -> Issue:
    """The issue after its events were compared with what their sources say now; any other as it is.

    It is approved as before, byte for byte, or in review again, put right, with the reason in words. Sources
    that were not read within `EVERY` are read; one that cannot be read changes nothing. An issue of which
    anything may have left is never touched. Twice is safe: the same change asks, or is told, once.
    """
    told = {number for story in issue.content.stories if story.event for number in story.article_ids}
    if issue.state is not IssueState.APPROVED or not told:
        return issue
    async with house.store.read() as session:
        before = await checks.of_issue(session, issue.id)
        used = await _sources_of(session, told)
    unread = [source for source in used if _is_to_be_read(source, now)]
    if unread:
        await gather_sources(house, now=now, only=unread, with_pages=False)
    elif _is_known(issue, before) and not await _has_news(house, told, before):
        return issue
    known = {one.article_id: one.known for one in before}
    found, errors = await _compared(house, issue, told)
    # A source that says now this, now that, asks once for each.
    news = [each for each in found if each.mark and each.mark not in known.get(each.article_id, ())]
    house.log.event("issue.rechecked", n=issue.number, events=len(found), read=len(unread), changed=len(news))
    rows = [
        Check(
            article_id=each.article_id,
            at=now,
            words=_words(each, errors.get(each.article_id, "")),
            mark=each.mark,
            known=known.get(each.article_id, ()),
        )
        for each in found
    ]
    return await _settle(house, issue, found, news, rows, now=now)


def _is_known(issue: Issue, before: Sequence[Check]) -> bool:
    """True when each event of the issue was looked at before."""
    known = {one.article_id for one in before}
    return all(not known.isdisjoint(story.article_ids) for story in issue.content.stories if story.event)


def _is_to_be_read(source: Source, now: datetime) -> bool:
    """True for one that was not read lately and does not ask for patience."""
    is_resting = source.failures > 0 and source.next_check_at is not None and source.next_check_at > now
    was_read = source.checked_at is not None and source.checked_at > now - EVERY
    return source.enabled and not is_resting and not was_read


async def _sources_of(session: Session, told: Collection[int]) -> list[Source]:
    """The sources that have these articles."""
    ids = {article.source_id for article in await articles.by_ids(session, told)}
    return [source for source in await sources.all_of(session) if source.id in ids]


async def _has_news(house: House, told: Collection[int], before: Iterable[Check]) -> bool:
    since = max(one.at for one in before) - _GATHERING
    async with house.store.read() as session:
        return await checks.has_news(session, told, since=since)


async def _compared(
    house: House, issue: Issue, told: Collection[int]
) -> tuple[tuple[Recheck, ...], dict[int, str]]:
    """The issue's events beside what is stored of them, and by article why its source could not be read."""
    async with house.store.read() as session:
        making = await revisions.making(session, issue.id)
        there = {one.id: one for one in await articles.by_ids(session, told)}
        used = await _sources_of(session, told)
    then = {one.id: one for one in unpack_inputs(making).articles if one.event} if making else {}
    zone = house.newsletter(issue.newsletter).timezone
    errors = {source.id: source.last_error for source in used if source.failures}
    unknown = {one.id: errors[one.source_id] for one in there.values() if one.source_id in errors}
    return compare(issue.content, then=then, now=there, zone=zone), unknown


def _words(each: Recheck, error: str) -> str:
    if each.word:
        return each.words
    return f"its source could not be read ({error}); what was known holds" if error else each.words


async def _settle(
    house: House,
    issue: Issue,
    found: Sequence[Recheck],
    news: Sequence[Recheck],
    rows: Sequence[Check],
    *,
    now: datetime,
) -> Issue:
    """Store what was found; take the issue back or tell its editor when there is news."""
    chosen = house.newsletter(issue.newsletter)
    if news and chosen.changed_events is ChangedEvents.ASK:
        return await _take_back(house, issue, news, rows, now=now)
    async with house.store.begin() as session:
        await checks.keep(session, issue.id, rows)
        if news:
            mark = "-".join(each.mark for each in news)[:80]
            await tell_editor(session, issue, "changed", mark, editor=chosen.editor or "", now=now)
    if why := "; ".join(each.words for each in found if each.mark):
        house.log.warning("issue.changed_events", n=issue.number, why=why, goes="as approved")
    return issue


async def _take_back(
    house: House, issue: Issue, news: Sequence[Recheck], rows: Sequence[Check], *, now: datetime
) -> Issue:
    """The issue in review, put right, its editor told: all of it or nothing."""
    prepared = await prepare(house, issue, news, at=now)
    try:
        async with house.store.begin() as session:
            saved = await put_back(session, house, issue, prepared, now=now)
            await checks.keep(session, issue.id, rows)
    except WrongStateError:
        # Its sending began meanwhile, or another process took it back.
        async with house.store.read() as session:
            return await issues.get(session, issue.id)
    house.log.warning("issue.taken_back", n=saved.number, why=saved.reason)
    return saved
