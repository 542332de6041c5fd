"""The app: every route in one place, and what becomes of each error."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from urllib.parse import urlsplit

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from digest.clock import utc_now
from digest.errors import BusyError, NotFoundError, StoreError, TokenError, TokenExpiredError
from digest.house import House
from digest.web import archive, confirming, health, leaving, preferences, review, signup
from digest.web.forms import Form
from digest.web.guard import Guard, failure
from digest.web.limits import Limits
from digest.web.pages import PRIVATE, Pages
from digest.web.seal import Sealer
from digest.web.site import Letter, Site, site_of

#: Fields that a page which asks to try again keeps.
_KEPT = ("email", "name", "sections", "form", "sure", "again", "address", "revision", "was")


def create_app(
    house: House,
    *,
    clock: Callable[[], datetime] = utc_now,
    wake: Callable[[], None] = lambda: None,
) -> FastAPI:
    """The pages of every newsletter of the house.

    `wake` is called after a mail was queued. Behind a proxy the server must be told whom to believe
    (`settings.web.trusted_proxies`), or all readers share one limit.
    """
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    prefix = urlsplit(house.settings.public_url).path.rstrip("/")
    site = Site(
        house=house,
        clock=clock,
        wake=wake,
        limits=Limits(),
        pages=Pages(house.templates, prefix=prefix),
        sealer=Sealer(house.settings.secret.get_secret_value()),
    )
    app.state.site = site
    for room in (health, signup, confirming, leaving, preferences, archive, review):
        app.include_router(room.router)
    for kind, answer in _ANSWERS.items():
        app.add_exception_handler(kind, answer)
    app.add_middleware(Guard, site=site)
    return app


def _letter(request: Request) -> Letter | None:
    """The newsletter whose page failed, if it was one's."""
    site, key = site_of(request), request.path_params.get("key", "")
    return site.letter(key) if key in site.house.settings.newsletters else None


async def _broken_link(request: Request, _exc: Exception) -> Response:
    """404: mail programs sometimes cut links."""
    return site_of(request).pages.page("broken_link", status=404, letter=_letter(request))


async def _too_old(request: Request, _exc: Exception) -> Response:
    """410 where a page has nothing better to say."""
    return site_of(request).pages.page("old", status=410, letter=_letter(request))


async def _missing(request: Request, exc: Exception) -> Response:
    """404 in words."""
    words = exc.what if isinstance(exc, NotFoundError) else ""
    return _failure(request, 404, words)


async def _other(request: Request, exc: Exception) -> Response:
    """What the framework refuses: unknown paths, wrong methods, unreadable forms."""
    return _failure(request, exc.status_code if isinstance(exc, HTTPException) else 500, "")


def _failure(request: Request, status: int, words: str) -> Response:
    letter = _letter(request)
    said = {"words": words[:1].upper() + words[1:].rstrip(".") + "."} if words else {}
    return failure(site_of(request).pages, status, letter=letter, **said)


async def _busy(request: Request, exc: Exception) -> Response:
    """503, with everything that was typed kept in a form that sends it again."""
    site = site_of(request)
    site.house.log.warning("web.busy", method=request.method, error=getattr(exc, "id", ""))
    form: Form = getattr(request.state, "form", Form())
    kept = [(name, value[:1000]) for name, value in form.fields if name in _KEPT]
    return site.pages.page(
        "busy",
        status=503,
        headers=PRIVATE | {"Retry-After": "10"},
        letter=_letter(request),
        action=site.prefix + request.url.path,
        is_form=request.method == "POST",
        kept=kept,
        email=form.first("email"),
    )


_ANSWERS: dict[type[Exception], Callable[[Request, Exception], Awaitable[Response]]] = {
    TokenExpiredError: _too_old,
    TokenError: _broken_link,
    NotFoundError: _missing,
    StoreError: _busy,
    BusyError: _busy,
    HTTPException: _other,
}
