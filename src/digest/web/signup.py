"""Sign up: the page, the form that others embed, and the page to look for the mail."""

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from digest import subscribe
from digest.domain import Cadence
from digest.errors import AddressError, TokenError
from digest.web.archive import latest
from digest.web.forms import Form, read_form
from digest.web.pages import PRIVATE, PUBLIC, see_other
from digest.web.site import CONSENT, Letter, Site, client_address, evidence_of, site_of

router = APIRouter()

#: Seconds that every answer to a sign-up takes at least: what is known of an address shows in no time.
FLOOR = 0.12
#: The purpose of the sealed address on its way to "Check your mail".
CHECK = "check"
SEAL_LIFE = timedelta(days=7)
_PAUSE = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """The sign-up form as it is shown: what was typed, and what is wrong with it."""

    email: str = ""
    sections: tuple[str, ...]
    pace: str = Cadence.WEEKLY
    #: What to say about the address, "" when it is well.
    fault: str = ""
    #: The address they may have meant.
    offer: str = ""
    #: True when the address is well formed and only looks like a slip.
    is_likely: bool = False
    has_no_section: bool = False


def empty_form(letter: Letter) -> Typed:
    """The form with nothing typed and every section ticked."""
    return Typed(sections=tuple(section.key for section in letter.sections))


@router.api_route("/", methods=["GET", "HEAD"])
async def front(request: Request) -> Response:
    """The only newsletter's page, or a list of them."""
    site = site_of(request)
    keys = list(site.house.settings.newsletters)
    if len(keys) == 1:
        return await home(request, keys[0])
    return site.pages.page("front", headers=PUBLIC, letter=None, letters=[site.letter(key) for key in keys])


@router.api_route("/n/{key}", methods=["GET", "HEAD"])
async def home(request: Request, key: str) -> Response:
    """The sign-up page."""
    site = site_of(request)
    letter = site.letter(key)
    return await _form_page(site, letter, empty_form(letter), headers=PUBLIC)


async def _form_page(
    site: Site, letter: Letter, typed: Typed, *, status: int = 200, headers: dict[str, str] = PRIVATE
) -> Response:
    values = {"letter": letter, "typed": typed, "consent": CONSENT, "latest": await latest(site, letter.key)}
    return site.pages.page("signup", status=status, headers=headers, **values)


@router.post("/n/{key}/subscribe")
async def ask(request: Request, key: str) -> Response:
    """One answer for every address: 303 to "Check your mail", after the same time."""
    answer, _ = await asyncio.gather(_ask(request, key), asyncio.sleep(FLOOR))
    return answer


async def _ask(request: Request, key: str) -> Response:
    site = site_of(request)
    letter, form = site.letter(key), await read_form(request)
    if form.first("again"):
        return await _again(request, site, letter, form.first("again"))
    typed = check(letter, form)
    if typed.fault or typed.has_no_section:
        return await _form_page(site, letter, typed, status=422)
    if form.first("leave-empty"):
        return _check_mail(site, letter, typed.email)
    if wait := site.limits.wait(client_address(request), site.clock()):
        return too_many(site, letter, wait)
    kind = form.first("form") or "embed"
    return await _sign_up(request, site, letter, typed, kind=kind)


def check(letter: Letter, form: Form) -> Typed:
    """What was typed, normalised, or with what is wrong about it. A likely slip is asked about once."""
    email = form.first("email")
    chosen = tuple(section.key for section in letter.sections if section.key in form.every("sections"))
    # Our own page shows the sections, so none ticked means none; a small embedded form need not show them.
    is_ours = form.first("form") == "page"
    pace = Cadence.MONTHLY if form.first("pace") == Cadence.MONTHLY else Cadence.WEEKLY
    typed = Typed(email=email[:300], sections=chosen, pace=pace, has_no_section=is_ours and not chosen)
    try:
        address = subscribe.normalise(email)
    except AddressError as exc:
        near = subscribe.suggestion(email)
        offer = f"{email.strip().rpartition('@')[0]}@{near}" if near else ""
        return replace(typed, fault=exc.what, offer=offer)
    near = subscribe.suggestion(address)
    if near and form.first("sure") != email:
        local = address.rpartition("@")[0]
        return replace(typed, fault=f"Did you mean {near}?", offer=f"{local}@{near}", is_likely=True)
    return replace(typed, email=address)


async def _sign_up(request: Request, site: Site, letter: Letter, typed: Typed, *, kind: str) -> Response:
    await subscribe.sign_up(
        site.house,
        letter.key,
        typed.email,
        sections=typed.sections,
        cadence=Cadence(typed.pace) if letter.month_due and typed.sections else None,
        evidence=evidence_of(request, kind),
        now=site.clock(),
    )
    site.wake()
    return _check_mail(site, letter, typed.email)


async def _again(request: Request, site: Site, letter: Letter, sealed: str) -> Response:
    """ "Send it again": a day after the first, not before; the answer is the same for every address."""
    now = site.clock()
    email, asked_at = site.sealer.open(f"{CHECK}:{letter.key}", sealed, now=now, life=SEAL_LIFE)
    wait = asked_at + _PAUSE - now
    if wait <= timedelta(0):
        wait = site.limits.wait(client_address(request), now)
    if wait > timedelta(0):
        return too_many(site, letter, wait)
    return await _sign_up(request, site, letter, Typed(email=email, sections=()), kind="again")


def too_many(site: Site, letter: Letter, wait: timedelta) -> Response:
    """429, and when to come back."""
    seconds = max(1, int(wait.total_seconds()))
    headers = PRIVATE | {"Retry-After": str(seconds)}
    return site.pages.page(
        "too_many", status=429, headers=headers, letter=letter, hours=-(-seconds // 3600), seconds=seconds
    )


def _check_mail(site: Site, letter: Letter, email: str) -> Response:
    return see_other(check_mail_path(site, letter, email))


def check_mail_path(site: Site, letter: Letter, email: str) -> str:
    """The page that tells that address to look for the mail; the address stands in it sealed."""
    sealed = site.sealer.seal(f"{CHECK}:{letter.key}", email, site.clock())
    return f"{letter.home}/check-your-mail?a={sealed}"


@router.api_route("/n/{key}/check-your-mail", methods=["GET", "HEAD"])
async def check_mail(request: Request, key: str) -> Response:
    """ "Check your mail", with the address when the seal is whole and fresh."""
    site = site_of(request)
    letter, sealed = site.letter(key), request.query_params.get("a", "")
    try:
        email, _ = site.sealer.open(f"{CHECK}:{key}", sealed, now=site.clock(), life=SEAL_LIFE)
    except TokenError:
        email, sealed = "", ""
    return site.pages.page("check_mail", letter=letter, email=email, sealed=sealed)


@router.api_route("/n/{key}/embed", methods=["GET", "HEAD"])
async def embed(request: Request, key: str) -> Response:
    """The form as HTML to copy into another site."""
    site = site_of(request)
    letter = site.letter(key)
    action = site.house.page(key, "/subscribe")
    snippet = site.pages.text("embed_form", letter=letter, action=action, consent=CONSENT).strip()
    return site.pages.page("embed", headers=PUBLIC, letter=letter, snippet=snippet)
