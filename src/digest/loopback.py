"""Pages for the one person at this machine: the demo's mailbox and the preview share this guard."""

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

HOST = "127.0.0.1"

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def only_here(policy: str) -> Any:
    """A middleware that refuses other names for this machine, so that no site can read a mail through a name
    of its own, and sets `policy` as the Content-Security-Policy where a page has none yet."""

    @web.middleware
    async def guard(request: web.Request, handler: _Handler) -> web.StreamResponse:
        if request.host.partition(":")[0] not in {HOST, "localhost"}:
            raise web.HTTPForbidden(text="This page is only for this machine.")
        response = await handler(request)
        response.headers.setdefault("Content-Security-Policy", policy)
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["Cache-Control"] = "no-store"
        return response

    return guard
