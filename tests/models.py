"""A server on loopback that speaks the chat completions of OpenAI, well or badly, as a test scripts it."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Reply = Callable[[web.Request], Awaitable[web.StreamResponse]]


def says(content: Any, **headers: str) -> Reply:
    """A completion with this content."""

    async def reply(_request: web.Request) -> web.StreamResponse:
        return web.json_response({"choices": [{"message": {"content": content}}]}, headers=headers)

    return reply


def writes(summary: str, why: str = "") -> Reply:
    """A completion in the form that is asked for."""
    return says(json.dumps({"summary": summary, "why": why}))


def answers(status: int, body: str = "", *, kind: str = "application/json", **headers: str) -> Reply:
    """Any HTTP answer; underscores in names of headers are hyphens."""

    async def reply(_request: web.Request) -> web.StreamResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=status, text=body, content_type=kind, headers=named)

    return reply


async def stalls(_request: web.Request) -> web.StreamResponse:
    """An answer that never comes."""
    await asyncio.Event().wait()
    raise AssertionError


async def never_ends(request: web.Request) -> web.StreamResponse:
    """A body without an end."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    while True:
        await response.write(b'{"choices": [' + b" " * 65536)


async def drips(request: web.Request) -> web.StreamResponse:
    """Headers, and then nothing more."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    await asyncio.Event().wait()
    return response


@dataclass(slots=True)
class ModelServer:
    """Gives its replies in turn, the last one for ever, and keeps what it was asked."""

    url: str = ""
    replies: list[Reply] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(await request.json())
        self.headers.append(dict(request.headers))
        reply = self.replies[0] if len(self.replies) == 1 else self.replies.pop(0)
        return await reply(request)


@asynccontextmanager
async def open_model_server(*replies: Reply) -> AsyncIterator[ModelServer]:
    """The server, on a free port."""
    server = ModelServer(replies=list(replies))
    app = web.Application()
    app.router.add_post("/v1/chat/completions", server._handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    try:
        yield server
    finally:
        await runner.cleanup()
