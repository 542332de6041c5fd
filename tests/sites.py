"""A real HTTP server on loopback whose answers a test sets, and which remembers what it was asked."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request as it came in; `path` with its query."""

    path: str
    headers: Mapping[str, str]


@dataclass(slots=True, kw_only=True)
class Answer:
    """What a path gives. `hangs` never answers; `breaks_off` sends half of the body."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    hangs: bool = False
    breaks_off: bool = False


class Site:
    """Answers by path (with query, else without); 404 for every other."""

    def __init__(self) -> None:
        self.url = ""
        self.answers: dict[str, Answer] = {}
        self.asked: list[Asked] = []
        #: How many requests were being answered at the same moment, at most.
        self.most_at_once = 0
        self._at_once = 0

    def put(
        self,
        path: str,
        body: str | bytes = b"",
        *,
        status: int = 200,
        content_type: str = "application/xml",
        **headers: str,
    ) -> str:
        """Set what a path gives, and return its address. Headers: `etag=…` for ETag, `retry_after=…`."""
        data = body.encode() if isinstance(body, str) else body
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers[path] = Answer(body=data, status=status, headers={"Content-Type": content_type} | named)
        return self.url + path

    def redirect(self, path: str, to: str, *, status: int = 301) -> str:
        """Let a path lead elsewhere, and return its address."""
        return self.put(path, status=status, location=to)

    def hang(self, path: str) -> str:
        """Let a path never answer, and return its address."""
        self.answers[path] = Answer(hangs=True)
        return self.url + path

    def break_off(self, path: str, body: str) -> str:
        """Let a path promise the whole body and send half, and return its address."""
        self.answers[path] = Answer(body=body.encode(), breaks_off=True)
        return self.url + path

    def paths(self) -> list[str]:
        """What was asked for, in order."""
        return [asked.path for asked in self.asked]

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(Asked(path=request.path_qs, headers=dict(request.headers)))
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            return await self._given(request)
        finally:
            self._at_once -= 1

    async def _given(self, request: web.Request) -> web.StreamResponse:
        answer = self.answers.get(request.path_qs) or self.answers.get(request.path)
        if answer is None:
            return web.Response(status=404, text="no such page")
        if answer.hangs:
            await asyncio.Event().wait()
        if answer.breaks_off:
            return await _half(request, answer.body)
        etag = answer.headers.get("etag")
        if etag and request.headers.get("If-None-Match") == etag:
            return web.Response(status=304, headers={"etag": etag})
        return web.Response(body=answer.body, status=answer.status, headers=answer.headers)


async def _half(request: web.Request, body: bytes) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": str(len(body))})
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    if request.transport:
        request.transport.close()
    return response


@asynccontextmanager
async def open_site() -> AsyncIterator[Site]:
    """A site on a free port of 127.0.0.1, closed at the end of the block."""
    site = Site()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", site._answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    server = web.TCPSite(runner, "127.0.0.1", 0)
    await server.start()
    host, port = runner.addresses[0][:2]
    site.url = f"http://{host}:{port}"
    try:
        yield site
    finally:
        await runner.cleanup()
