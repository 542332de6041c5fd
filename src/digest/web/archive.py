"""What was sent, for everybody: by month, issue by issue, as a feed and as calendar files."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from digest.domain import Issue, IssueState, Story
from digest.errors import NotFoundError
from digest.render import IssueView, see
from digest.store import issues
from digest.web.calendar import calendar_file
from digest.web.feed import atom
from digest.web.pages import PUBLIC
from digest.web.site import CONSENT, Letter, Site, site_of

router = APIRouter(prefix="/n/{key}")

#: An issue is public as soon as the first reader may have it.
SHOWN = (IssueState.SENDING, IssueState.PAUSED, IssueState.SENT)
#: Issues on one page of the archive: half a year of a weekly one.
_PAGE = 26
_FEED = 20
_ALL = "999999999"

#: An issue and when it went, on the newsletter's clocks.
_Dated = tuple[IssueView, datetime]


async def shown(site: Site, key: str) -> tuple[Issue, ...]:
    """Every issue that anybody may read, newest first."""
    async with site.house.store.read() as session:
        return await issues.all_of(session, key, states=SHOWN)


async def latest(site: Site, key: str) -> Issue | None:
    """The newest of them."""
    async with site.house.store.read() as session:
        newest = await issues.all_of(session, key, states=SHOWN, limit=1)
    return newest[0] if newest else None


def number_of(text: str) -> int:
    """The number in an address; NotFoundError for what is none."""
    if not (text.isascii() and text.isdigit()) or len(text) > 9:
        raise NotFoundError("There is no such issue.")
    return int(text)


@router.api_route("/issues", methods=["GET", "HEAD"])
async def listing(request: Request, key: str) -> Response:
    """Issues by month, newest first; `?before=` continues."""
    site = site_of(request)
    letter = site.letter(key)
    before = number_of(request.query_params.get("before", _ALL))
    found = [one for one in await shown(site, key) if one.number < before]
    page = found[:_PAGE]
    return site.pages.page(
        "archive",
        headers=PUBLIC,
        letter=letter,
        months=by_month(letter, page),
        older=page[-1].number if len(found) > _PAGE else 0,
    )


def by_month(letter: Letter, found: Iterable[Issue]) -> list[tuple[datetime, list[_Dated]]]:
    """(a day in the month, its issues with the day each went), on the newsletter's clocks."""
    zone = ZoneInfo(letter.masthead.zone)
    seen = [(see(one.content, letter.masthead), went(one).astimezone(zone)) for one in found]
    months = groupby(seen, key=lambda pair: (pair[1].year, pair[1].month))
    return [(pairs[0][1], pairs) for pairs in (list(group) for _, group in months)]


def went(issue: Issue) -> datetime:
    """When an issue went out, as readers see it."""
    return issue.started_at or issue.due_at


async def _neighbours(site: Site, key: str, number: int) -> tuple[Issue, int, int]:
    """(the issue, the number before, the number after); 0 where there is none.

    Mails of an issue that was called off while it was sent link here, so it can be read; nothing leads to it.
    """
    async with site.house.store.read() as session:
        every = await issues.all_of(session, key, states=(*SHOWN, IssueState.CANCELLED))
    issue = next((one for one in every if one.number == number and one.started_at), None)
    found = [one for one in every if one.state is not IssueState.CANCELLED]
    if issue is None:
        raise NotFoundError("There is no such issue.")
    older = max((one.number for one in found if one.number < number), default=0)
    newer = min((one.number for one in found if one.number > number), default=0)
    return issue, older, newer


@router.api_route("/issues/{number}", methods=["GET", "HEAD"])
async def one(request: Request, key: str, number: str) -> Response:
    """One issue as a page of its own, without anything personal."""
    site = site_of(request)
    letter = site.letter(key)
    issue, older, newer = await _neighbours(site, key, number_of(number))
    return site.pages.page(
        "issue",
        headers=PUBLIC,
        letter=letter,
        issue=see(issue.content, letter.masthead),
        went=went(issue).astimezone(ZoneInfo(letter.masthead.zone)),
        older=older,
        newer=newer,
        consent=CONSENT,
    )


@router.api_route("/issues/{number}/events/{name}.ics", methods=["GET", "HEAD"])
async def event(request: Request, key: str, number: str, name: str) -> Response:
    """One event of an issue for a calendar; the same event has the same UID in every issue."""
    site = site_of(request)
    letter = site.letter(key)
    issue, _, _ = await _neighbours(site, key, number_of(number))
    story = next((one for one in issue.content.stories if one.key == name and one.event), None)
    if story is None:
        raise NotFoundError("There is no such event.")
    return _calendar(letter, issue, [story], name="event")


@router.api_route("/issues/{number}/events.ics", methods=["GET", "HEAD"])
async def events(request: Request, key: str, number: str) -> Response:
    """All events and deadlines of an issue for a calendar."""
    site = site_of(request)
    issue, _, _ = await _neighbours(site, key, number_of(number))
    dated = [story for story in issue.content.stories if story.event]
    if not dated:
        raise NotFoundError("There are no events in this issue.")
    return _calendar(site.letter(key), issue, dated, name=f"{key}-{issue.number}")


def _calendar(letter: Letter, issue: Issue, stories: Sequence[Story], *, name: str) -> Response:
    title = f"{letter.name} {issue.number}" if len(stories) > 1 else ""
    data = calendar_file(stories, letter.masthead, number=issue.number, made_at=went(issue), name=title)
    headers = PUBLIC | {"Content-Disposition": f'attachment; filename="{name}.ics"'}
    return Response(data, media_type="text/calendar; charset=utf-8", headers=headers)


@router.api_route("/feed.atom", methods=["GET", "HEAD"])
async def feed(request: Request, key: str) -> Response:
    """The newest issues as Atom (RFC 4287)."""
    site = site_of(request)
    letter = site.letter(key)
    found = (await shown(site, key))[:_FEED]
    seen = [(one, see(one.content, letter.masthead)) for one in found]
    stories = [site.pages.text("feed_entry", issue=view) for _, view in seen]
    data = atom(letter.masthead, list(zip(found, (view for _, view in seen), stories, strict=True)))
    return Response(data, media_type="application/atom+xml; charset=utf-8", headers=PUBLIC)
