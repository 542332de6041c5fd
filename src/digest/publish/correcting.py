"""Corrections of what was sent: which pages are asked for, what is proposed, what an editor says to it."""

import asyncio
import contextlib
from collections.abc import Iterable, Mapping
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime, timedelta

from digest import gather
from digest.compose import Plan, Telling, correction_words, corrections, is_retitled, tellings
from digest.domain import Article, Correction, Decision, DecisionKind, Issue, PageCheck, Source
from digest.errors import NotFoundError
from digest.house import House
from digest.publish.desk import Hand, desk, recompose, require_draft
from digest.publish.making import unpack_inputs
from digest.store import Session, articles, audit, decisions, issues, items, page_checks, revisions, sources

#: What was due longer ago is not corrected any more; the last issue is in any case.
_LATELY = timedelta(weeks=4)
#: So many pages are asked for in one gathering, and so long, in seconds.
_MAX_PAGES = 40
_SECONDS = 60.0
#: So many corrections are kept beside a draft.
_MAX_PROPOSED = 100


async def with_corrections(house: House, plan: Plan, *, period: str, now: datetime) -> Plan:
    """The plan of that period's issue with what may be corrected of the issues that were sent lately."""
    async with house.store.read() as session:
        own = await issues.of_period(session, plan.newsletter, period)
        since = now - _LATELY
        found = await issues.lately(session, plan.newsletter, since=since, but=own.id if own else 0)
        told = await _told_by(session, found, is_final=False)
        ids = {each.article_id for each in told}
        stored = {each.id: each for each in await articles.by_ids(session, ids)}
        checks = await page_checks.of_articles(session, ids)
        known = {each.id: each for each in await sources.all_of(session)}
        told = await _as_written(session, found, told, stored, known)
    return replace(plan, corrections=corrections(told, stored, checks, known)[:_MAX_PROPOSED])


async def _told_by(session: Session, found: Iterable[Issue], *, is_final: bool) -> tuple[Telling, ...]:
    """What readers know by these issues and is still stored.

    Corrections in issues that were not sent yet count as told, unless only what `is_final` counts.
    """
    every = tuple(found)
    sent = [issue for issue in every if issue.state in issues.LEFT]
    others = [issue for issue in every if issue.state not in issues.LEFT]
    stored = await items.stored_of(session, [issue.id for issue in sent])
    told = tellings([one.content for one in sent], [] if is_final else [one.content for one in others])
    return tuple(each for each in told if (each.story.key, each.article_id) in stored)


async def _as_written(
    session: Session,
    found: Iterable[Issue],
    told: Iterable[Telling],
    stored: Mapping[int, Article],
    known: Mapping[int, Source],
) -> tuple[Telling, ...]:
    """The same, and of titles that may be an editor's what the source wrote when the issue was made."""
    ids = {issue.number: issue.id for issue in found}
    titles: dict[int, Mapping[int, str]] = {}
    written = []
    for each in told:
        article = stored.get(each.article_id)
        if each.is_locked and article and is_retitled(each, article, known.get(article.source_id)):
            if each.number not in titles:
                # Unpacking takes a moment, so only what an editor's title asks for is unpacked.
                titles[each.number] = await _titles(session, ids[each.number])
            each = replace(each, was=titles[each.number].get(article.id, each.was))
        written.append(each)
    return tuple(written)


async def _titles(session: Session, issue_id: int) -> Mapping[int, str]:
    kept = await revisions.making(session, issue_id)
    return {each.id: each.title for each in unpack_inputs(kept).articles} if kept else {}


async def ask_told_pages(house: House, client: "gather.Client", *, now: datetime) -> int:
    """How many pages of what was sent lately were asked whether they are still there.

    Those that are due; each answer is stored as it comes, so that a second run asks for the rest.
    """
    asked = 0
    with contextlib.suppress(TimeoutError):
        async with (
            asyncio.timeout(_SECONDS),
            aclosing(gather.ask_pages(await _due(house, now=now), client=client, now=now)) as checks,
        ):
            async for check in checks:
                async with house.store.begin() as session:
                    await page_checks.keep(session, check)
                asked += 1
    return asked


async def _due(house: House, *, now: datetime) -> "list[gather.ToldPage]":
    """The pages to ask for: first those that were missing, then those that were asked longest ago."""
    told: list[Telling] = []
    async with house.store.read() as session:
        for key in house.settings.newsletters:
            # What a draft proposes is asked about further: it may be taken away.
            found = await issues.lately(session, key, since=now - _LATELY)
            told += await _told_by(session, found, is_final=True)
        ids = {each.article_id for each in told}
        if not ids:
            return []
        known = {each.id: each for each in await sources.all_of(session) if each.enabled}
        checks = await page_checks.of_articles(session, ids)
        stored = await articles.by_ids(session, ids)
    pages = [_page(each, known[each.source_id], checks) for each in stored if each.source_id in known]
    return sorted((each for each in pages if gather.is_page_due(each.before, now)), key=_turn)[:_MAX_PAGES]


def _page(article: Article, source: Source, checks: Mapping[int, PageCheck]) -> "gather.ToldPage":
    check = checks.get(article.id)
    is_same = check is not None and check.url == article.url
    return gather.ToldPage(article=article, site_url=source.site_url, before=check if is_same else None)


def _turn(page: "gather.ToldPage") -> tuple[bool, float, int]:
    before = page.before
    is_waiting = before is not None and before.missing_since is not None and not before.is_gone
    return not is_waiting, before.asked_at.timestamp() if before else 0.0, -page.article.id


async def drop_correction(house: House, issue: Issue, key: str, hand: Hand) -> Issue:
    """The draft without this correction, which is not proposed again. Twice is the same."""
    found = await _proposed(house, issue, key)
    decision = Decision(
        newsletter=issue.newsletter,
        kind=DecisionKind.CORRECTION,
        urls=(found.url,),
        answer="drop",
        pattern=key,
        words=correction_words(found),
        by=hand.by,
        at=hand.at,
    )
    async with house.store.begin() as session:
        await decisions.keep(session, decision)
        await _note(session, issue, hand, "correction.dropped")
    return await recompose(house, issue, hand, what=f"dropped the correction of “{found.title}”")


async def keep_correction(house: House, issue: Issue, key: str, hand: Hand) -> Issue:
    """The draft with a correction that was dropped. Twice is the same."""
    found = await _proposed(house, issue, key)
    async with house.store.begin() as session:
        said = await decisions.all_of(session, issue.newsletter)
        ids = [each.id for each in said if each.kind is DecisionKind.CORRECTION and each.pattern == key]
        if not await decisions.remove(session, issue.newsletter, ids):
            require_draft(issue)
            return issue
        await _note(session, issue, hand, "correction.kept")
    return await recompose(house, issue, hand, what=f"kept the correction of “{found.title}”")


async def _proposed(house: House, issue: Issue, key: str) -> Correction:
    require_draft(issue)
    for each in (await desk(house, issue)).corrections:
        if each.key == key:
            return each
    raise NotFoundError(
        f"issue {issue.number} has no such correction", hint=f"digest corrections list {issue.number}"
    )


async def _note(session: Session, issue: Issue, hand: Hand, action: str) -> None:
    await audit.note(session, now=hand.at, actor=hand.by, action=action, subject=f"issue:{issue.id}")
