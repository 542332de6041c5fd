"""A web server on loopback that answers with the demo's feeds, and a port where nobody answers."""

import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager

from aiohttp import web

from digest.demo.feeds import Page

LOOPBACK = "127.0.0.1"


@asynccontextmanager
async def open_server(app: web.Application, port: int = 0) -> AsyncIterator[str]:
    """The address of the running application, without a slash at the end; it ends with the block."""
    # Cookies and browsers' keep-alive would hold up the end; a demo has nobody to wait for.
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, LOOPBACK, port).start()
        yield f"http://{LOOPBACK}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def open_sites(pages: Mapping[str, Page]) -> AsyncIterator[str]:
    """The address of a server with these pages by name."""

    async def answer(request: web.Request) -> web.Response:
        page = pages.get(request.match_info["name"])
        if page is None:
            raise web.HTTPNotFound
        return web.Response(body=page.body, content_type=page.content_type)

    app = web.Application()
    app.router.add_get("/{name}", answer)
    async with open_server(app) as address:
        yield address


@contextmanager
def dead_port() -> Iterator[str]:
    """An address that refuses: bound, so that nobody else gets it, and never listened at."""
    with socket.socket() as held:
        held.bind((LOOPBACK, 0))
        yield f"http://{LOOPBACK}:{held.getsockname()[1]}"
