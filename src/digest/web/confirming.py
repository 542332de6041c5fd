"""The confirmation link: a page with a real button, and what else it can be pressed for."""

import contextlib
from datetime import timedelta

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from digest import subscribe
from digest.domain import Subscription, SubscriptionState
from digest.errors import NotFoundError, TokenError, TokenExpiredError
from digest.tokens import Purpose
from digest.web.archive import latest
from digest.web.forms import read_form
from digest.web.pages import see_other
from digest.web.signup import check_mail_path, too_many
from digest.web.site import Letter, Site, client_address, evidence_of, site_of

router = APIRouter(prefix="/n/{key}/confirm/{token}")

#: The purpose of the sealed address with which its owner can bar it after it was deleted.
BAR = "bar"
_BAR_LIFE = timedelta(days=7)


@router.api_route("", methods=["GET", "HEAD"])
async def ask(request: Request, key: str, token: str) -> Response:
    """The button; or "You are in" for whoever pressed it before; or why the link does nothing."""
    site = site_of(request)
    letter = site.letter(key)
    try:
        there = await subscribe.confirmation(site.house, key, token, now=site.clock())
    except (TokenExpiredError, NotFoundError) as exc:
        return _spent(site, letter, token, exc)
    if there.state is SubscriptionState.CONFIRMED:
        return await _in(site, letter, there)
    sealed = site.sealer.seal(f"{BAR}:{key}", there.subscriber.email, site.clock())
    return site.pages.page("confirm", letter=letter, there=there, token=token, sealed=sealed)


def _spent(site: Site, letter: Letter, token: str, exc: Exception) -> Response:
    """410 for a link that is too old, or whose address was deleted."""
    name = "too_old" if isinstance(exc, TokenExpiredError) else "gone"
    return site.pages.page(name, status=410, letter=letter, token=token)


async def _in(site: Site, letter: Letter, there: Subscription) -> Response:
    preferences = site.house.token(Purpose.PREFERENCES, letter.key, there.subscriber.id)
    return site.pages.page(
        "confirmed",
        letter=letter,
        there=there,
        preferences=f"{letter.home}/preferences/{preferences}",
        latest=await latest(site, letter.key),
    )


@router.post("")
async def press(request: Request, key: str, token: str) -> Response:
    """Confirm; 303 to the page that says so. Twice is the same."""
    site = site_of(request)
    letter = site.letter(key)
    try:
        await subscribe.confirm(
            site.house, key, token, evidence=evidence_of(request, "confirm"), now=site.clock()
        )
    except (TokenExpiredError, NotFoundError) as exc:
        return _spent(site, letter, token, exc)
    site.wake()
    return see_other(f"{letter.home}/confirm/{token}")


@router.post("/resend")
async def resend(request: Request, key: str, token: str) -> Response:
    """A new link for an old one, without typing; 303 to "Check your mail"."""
    site = site_of(request)
    letter = site.letter(key)
    if wait := site.limits.wait(client_address(request), site.clock()):
        return too_many(site, letter, wait)
    try:
        there = await subscribe.resend(
            site.house, key, token, evidence=evidence_of(request, "again"), now=site.clock()
        )
    except NotFoundError as exc:
        return _spent(site, letter, token, exc)
    site.wake()
    return see_other(check_mail_path(site, letter, there.subscriber.email))


@router.post("/not-me")
async def not_me(request: Request, key: str, token: str) -> Response:
    """ "I did not ask for this": the waiting address is deleted; twice is the same page. Whoever has
    confirmed is led to the page to leave: nothing may be said that is not true."""
    site = site_of(request)
    letter, form = site.letter(key), await read_form(request)
    if not await subscribe.forget(site.house, key, token, now=site.clock()):
        with contextlib.suppress(TokenExpiredError, NotFoundError):
            there = await subscribe.confirmation(site.house, key, token, now=site.clock())
            if there.state is SubscriptionState.CONFIRMED:
                # They are in, by another device perhaps: what is left to them is to leave.
                leave = site.house.token(Purpose.LEAVE, key, there.subscriber.id)
                return see_other(f"{letter.home}/leave/{leave}")
    return site.pages.page(
        "not_me", letter=letter, token=token, sealed=form.first("address"), is_barred=False
    )


@router.post("/never-again")
async def never_again(request: Request, key: str, token: str) -> Response:
    """The deleted address is barred; 404 when the sealed address is not whole."""
    site = site_of(request)
    letter, form = site.letter(key), await read_form(request)
    site.house.signer.read(token, Purpose.CONFIRM, key, now=site.clock())
    email, _ = site.sealer.open(f"{BAR}:{key}", form.first("address"), now=site.clock(), life=_BAR_LIFE)
    is_barred = await subscribe.never_again(site.house, key, email, now=site.clock())
    if not is_barred:
        raise TokenError("This link is for somebody who has confirmed.")
    return site.pages.page("not_me", letter=letter, token=token, sealed="", is_barred=True)
