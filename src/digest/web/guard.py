"""Around every answer: headers that keep pages to themselves, a cap on what is sent, no traceback."""

import traceback
from pathlib import Path

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from digest.web.pages import Pages
from digest.web.site import Letter, Site

#: The largest form is a hundredth of this.
MAX_BODY = 64 * 1024

CSP = "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
#: Asked by machines, which are told no times.
_MACHINES = frozenset({"/healthz", "/readyz"})
_HEADERS = {
    "Content-Security-Policy": CSP,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class Guard:
    """An ASGI middleware; a page's own headers win over its."""

    def __init__(self, app: ASGIApp, *, site: Site) -> None:
        """`site` has the pages for what goes wrong, and the log."""
        self._app = app
        self._site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def send_guarded(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            if _announced(scope) > MAX_BODY:
                await failure(self._site.pages, 413)(scope, receive, send_guarded)
                return
            if scope["path"] not in _MACHINES:
                await self._site.look_ahead()
            await self._app(scope, _capped(receive), send_guarded)
        except Exception as exc:
            self._site.house.log.warning("web.broke", method=scope["method"], error=_where(exc))
            if started:
                raise
            await failure(self._site.pages, 500)(scope, receive, send_guarded)


def _announced(scope: Scope) -> int:
    """The Content-Length, 0 when it is missing or no number."""
    value = dict(scope["headers"]).get(b"content-length", b"")
    return int(value) if value.isdigit() and len(value) < 20 else 0


def _capped(receive: Receive) -> Receive:
    seen = 0

    async def receive_capped() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > MAX_BODY:
            raise HTTPException(413)
        return message

    return receive_capped


def _where(exc: Exception) -> str:
    """The kind of error and its innermost line; never its words, which may hold an address."""
    last = traceback.extract_tb(exc.__traceback__)[-1]
    return f"{type(exc).__name__} at {Path(last.filename).name}:{last.lineno}"


#: Heading and sentence of what is nobody's own page, by status.
_WORDS = {
    400: (
        "This could not be read",
        "What was sent is cut off or garbled. Go back and send it again.",
    ),
    404: ("There is nothing here", "The address may be mistyped, or what was here is gone."),
    405: ("Not like this", "This page answers to its own button only. Open it from the link in your mail."),
    413: (
        "That is too much",
        "A form here has a few words in it; this was far larger. Nothing was kept.",
    ),
    500: (
        "Something broke",
        "The fault is ours. Nothing was lost; please try again in a few minutes.",
    ),
}


def failure(pages: Pages, status: int, *, letter: Letter | None = None, words: str = "") -> Response:
    """A page for a status that has no page of its own; `words` in place of ours."""
    heading, ours = _WORDS.get(status, _WORDS[400 if status < 500 else 500])
    return pages.page("failure", status=status, letter=letter, heading=heading, words=words or ours)
