"""What a reader wants, how often, and on which clocks: changed on one page."""

from datetime import datetime, timedelta
from urllib.parse import parse_qsl, quote, urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from digest import subscribe
from digest.domain import Cadence, Subscription, SubscriptionState
from digest.errors import NotFoundError, UsageError, WrongStateError
from digest.tokens import Purpose
from digest.web.forms import Form, read_form
from digest.web.leaving import left_page
from digest.web.pages import see_other
from digest.web.site import Letter, Site, evidence_of, site_of
from digest.web.zones import offered

router = APIRouter(prefix="/n/{key}/preferences/{token}")


@router.api_route("", methods=["GET", "HEAD"])
async def show(request: Request, key: str, token: str) -> Response:
    """The form with what is true now; `?saved=` says that it was just changed, and from what."""
    site = site_of(request)
    letter = site.letter(key)
    try:
        there = await subscribe.reader(site.house, key, token, Purpose.PREFERENCES, now=site.clock())
    except NotFoundError:
        return site.pages.page("gone", status=410, letter=letter, token=token)
    if there.suppressed:
        return await _stopped(site, letter, there, token)
    saved = request.query_params.get("saved")
    return _page(site, letter, there, token, is_saved=saved is not None, before=_fields(letter, saved or ""))


def _as_query(letter: Letter, there: Subscription) -> str:
    """What was true, for the page that offers to undo."""
    fields = [("sections", key) for key in there.sections or (section.key for section in letter.sections)]
    if letter.topics:
        fields += [("topics", ""), *(("topics", key) for key in there.topics)]
    until = there.paused_until.isoformat() if there.paused_until else "0"
    fields += [("pace", there.cadence), ("pause", until), ("zone", there.subscriber.zone)]
    fields.append(("hour", "" if there.hour is None else str(there.hour)))
    return quote(urlencode(fields), safe="")


def _fields(letter: Letter, query: str) -> tuple[tuple[str, str], ...]:
    """The fields of the form that brings back what was true; whatever else stands there is left out."""
    sections = {section.key for section in letter.sections}
    topics = {"", *(topic.key for topic in letter.topics)} if letter.topics else set()
    found = parse_qsl(query[:1000], keep_blank_values=True)
    if not any(name == "sections" and value in sections for name, value in found):
        return ()
    return tuple(
        (name, value)
        for name, value in found
        if name in {"pace", "pause", "zone", "hour"}
        or (name == "sections" and value in sections)
        or (name == "topics" and value in topics)
    )


def _wishes(form: Form, *, now: datetime) -> subscribe.Wishes:
    """What the form asks for; a field that is not there leaves a thing as it is."""
    names = {name for name, _ in form.fields}
    pace, hour = form.first("pace"), form.first("hour")
    return subscribe.Wishes(
        sections=None if form.first("keep") == "sections" else form.every("sections"),
        topics=form.every("topics") if "topics" in names else None,
        cadence=Cadence(pace) if pace in set(Cadence) else None,
        pause=_pause(form.first("pause"), now),
        zone=form.first("zone") if "zone" in names else None,
        hour=hour if "hour" in names and hour in subscribe.HOURS else None,
    )


def _pause(text: str, now: datetime) -> timedelta | None:
    """Weeks, or until a moment; None for what says nothing."""
    if text.isascii() and text.isdigit() and len(text) < 4:
        return timedelta(weeks=int(text))
    try:
        return datetime.fromisoformat(text) - now
    except (ValueError, TypeError):
        return None


def _page(
    site: Site,
    letter: Letter,
    there: Subscription,
    token: str,
    *,
    status: int = 200,
    is_saved: bool = False,
    before: tuple[tuple[str, str], ...] = (),
    is_empty: bool = False,
) -> Response:
    leave = site.house.token(Purpose.LEAVE, letter.key, there.subscriber.id)
    if there.state is SubscriptionState.LEFT:
        return left_page(site, letter, there, leave)
    every = tuple(section.key for section in letter.sections)
    is_paused = there.paused_until is not None and there.paused_until > site.clock()
    return site.pages.page(
        "preferences",
        status=status,
        letter=letter,
        there=there,
        email=subscribe.mask(there.subscriber.email),
        ticked=() if is_empty else there.sections or every,
        pause_ends=there.paused_until if is_paused else None,
        zones=offered(there.subscriber.zone, letter.masthead.zone),
        token=token,
        leave=f"{letter.home}/leave/{leave}",
        is_saved=is_saved,
        before=before,
        is_empty=is_empty,
    )


async def _stopped(site: Site, letter: Letter, there: Subscription, token: str) -> Response:
    """Why nothing is sent, with a way to start again where the mail only came back."""
    words, when = await subscribe.stopped(site.house, there) or ("", None)
    return site.pages.page(
        "stopped",
        letter=letter,
        email=subscribe.mask(there.subscriber.email),
        came_back=there.suppressed == "bounce",
        words=words,
        when=when,
        token=token,
    )


@router.post("/try-again")
async def try_again(request: Request, key: str, token: str) -> Response:
    """Sending starts again; 303 to the preferences, which say what is true. Twice is the same."""
    site = site_of(request)
    letter = site.letter(key)
    try:
        await subscribe.try_again(
            site.house, key, token, evidence=evidence_of(request, "preferences"), now=site.clock()
        )
    except NotFoundError:
        return site.pages.page("gone", status=410, letter=letter, token=token)
    return see_other(f"{letter.home}/preferences/{token}")


@router.post("")
async def save(request: Request, key: str, token: str) -> Response:
    """Saved; 303 to the page that repeats what is now true. 422 when nothing would be left to send."""
    site = site_of(request)
    letter, form, now = site.letter(key), await read_form(request), site.clock()
    try:
        there = await subscribe.reader(site.house, key, token, Purpose.PREFERENCES, now=now)
        await subscribe.choose(
            site.house,
            key,
            token,
            _wishes(form, now=now),
            evidence=evidence_of(request, "preferences"),
            now=now,
        )
    except NotFoundError:
        return site.pages.page("gone", status=410, letter=letter, token=token)
    except (UsageError, WrongStateError):
        return _page(site, letter, there, token, status=422, is_empty=True)
    return see_other(f"{letter.home}/preferences/{token}?saved={_as_query(letter, there)}")
