"""Leave: by the page's button or with one click from a mail program (RFC 8058), and come back."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from digest import subscribe
from digest.domain import Cadence, Subscription, SubscriptionState
from digest.errors import NotFoundError, TokenExpiredError
from digest.tokens import Purpose
from digest.web.pages import see_other
from digest.web.site import Letter, Site, evidence_of, site_of

router = APIRouter(prefix="/n/{key}")


@router.api_route("/leave/{token}", methods=["GET", "HEAD"])
async def ask(request: Request, key: str, token: str) -> Response:
    """The button; or "You have left" for whoever has."""
    site = site_of(request)
    letter = site.letter(key)
    try:
        there = await subscribe.reader(site.house, key, token, Purpose.LEAVE, now=site.clock())
    except NotFoundError:
        return left_page(site, letter, None, token)
    if there.state is SubscriptionState.LEFT:
        return left_page(site, letter, there, token)
    preferences = site.house.token(Purpose.PREFERENCES, key, there.subscriber.id)
    return site.pages.page(
        "leave",
        letter=letter,
        email=subscribe.mask(there.subscriber.email),
        token=token,
        preferences=f"{letter.home}/preferences/{preferences}",
        is_monthly=there.cadence is Cadence.MONTHLY,
    )


@router.post("/leave/{token}")
async def press(request: Request, key: str, token: str) -> Response:
    """Left, at once: 200 without cookie or redirect, whatever the body, twice the same.

    A mail program posts `List-Unsubscribe=One-Click`, our page an empty form; both mean the same, so the
    body is not even read.
    """
    site = site_of(request)
    letter = site.letter(key)
    try:
        there = await subscribe.leave(
            site.house, key, token, evidence=evidence_of(request, "leave"), now=site.clock()
        )
    except NotFoundError:
        return left_page(site, letter, None, token)
    return left_page(site, letter, there, token)


def left_page(site: Site, letter: Letter, there: Subscription | None, token: str) -> Response:
    """ "You have left", with the way back while there is one; None stands for somebody erased."""
    return site.pages.page(
        "left",
        letter=letter,
        there=there,
        email=subscribe.mask(there.subscriber.email) if there else "",
        can_undo=there is not None and subscribe.can_undo(there, now=site.clock()),
        token=token,
    )


@router.post("/undo/{token}")
async def undo(request: Request, key: str, token: str) -> Response:
    """Back as before; 303 to the page that says so. Twice is the same."""
    site = site_of(request)
    letter = site.letter(key)
    try:
        await subscribe.undo(site.house, key, token, evidence=evidence_of(request, "undo"), now=site.clock())
    except TokenExpiredError:
        return site.pages.page("old", status=410, letter=letter)
    except NotFoundError:
        return site.pages.page("gone", status=410, letter=letter, token=token)
    return see_other(f"{letter.home}/undo/{token}")


@router.api_route("/undo/{token}", methods=["GET", "HEAD"])
async def back(request: Request, key: str, token: str) -> Response:
    """ "You are back", or "You have left" while they have not pressed."""
    site = site_of(request)
    letter = site.letter(key)
    try:
        there = await subscribe.reader(site.house, key, token, Purpose.LEAVE, now=site.clock())
    except NotFoundError:
        return site.pages.page("gone", status=410, letter=letter, token=token)
    if there.state is SubscriptionState.LEFT:
        return left_page(site, letter, there, token)
    preferences = site.house.token(Purpose.PREFERENCES, key, there.subscriber.id)
    return site.pages.page(
        "back", letter=letter, there=there, preferences=f"{letter.home}/preferences/{preferences}"
    )
