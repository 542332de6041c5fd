"""Which sections a reader wants, changed on one page."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from digest import subscribe
from digest.domain import Subscription, SubscriptionState
from digest.errors import NotFoundError, UsageError, WrongStateError
from digest.tokens import Purpose
from digest.web.forms import read_form
from digest.web.leaving import left_page
from digest.web.pages import see_other
from digest.web.site import Letter, Site, evidence_of, site_of

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
    before = () if saved is None else tuple(saved[:400].split(","))
    known = tuple(section.key for section in letter.sections if section.key in before)
    return _page(site, letter, there, token, is_saved=saved is not None, before=known)


def _page(
    site: Site,
    letter: Letter,
    there: Subscription,
    token: str,
    *,
    status: int = 200,
    is_saved: bool = False,
    before: tuple[str, ...] = (),
    is_empty: bool = False,
) -> Response:
    leave = site.house.token(Purpose.LEAVE, letter.key, there.subscriber.id)
    if there.state is SubscriptionState.LEFT:
        return left_page(site, letter, there, leave)
    every = tuple(section.key for section in letter.sections)
    return site.pages.page(
        "preferences",
        status=status,
        letter=letter,
        there=there,
        email=subscribe.mask(there.subscriber.email),
        ticked=() if is_empty else there.sections or every,
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
        await subscribe.choose_sections(
            site.house,
            key,
            token,
            form.every("sections"),
            evidence=evidence_of(request, "preferences"),
            now=now,
        )
    except NotFoundError:
        return site.pages.page("gone", status=410, letter=letter, token=token)
    except (UsageError, WrongStateError):
        return _page(site, letter, there, token, status=422, is_empty=True)
    before = ",".join(there.sections or (section.key for section in letter.sections))
    return see_other(f"{letter.home}/preferences/{token}?saved={before}")
