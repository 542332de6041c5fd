"""A web page as one file: asked of the application itself, its style sheets put inside."""

import re
from collections.abc import MutableMapping
from typing import Any

from fastapi import FastAPI

from digest.errors import DigestError

_SHEET = re.compile(r'<link\b(?=[^>]*rel="?stylesheet"?)[^>]*href="?([^">\s]+)"?[^>]*>')
#: A link or form that leads to a page of the same site.
_OWN = re.compile(r'\b(href=|action=)"/(?!/)')


async def page_as_file(app: FastAPI, path: str, *, home: str) -> str:
    """The page at that path with its style sheets inside and its links leading to the site at `home`.

    DigestError when the application has no such page.
    """
    page = await _get(app, path)
    for link in reversed(list(_SHEET.finditer(page))):
        sheet = await _get(app, link[1])
        page = f"{page[: link.start()]}<style>\n{sheet}\n</style>{page[link.end() :]}"
    return _OWN.sub(rf'\1"{home}/', page)


async def _get(app: FastAPI, path: str) -> str:
    """What the application answers to GET, without a socket between."""
    status, body = 0, bytearray()

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        nonlocal status
        status = message.get("status", status)
        body.extend(message.get("body", b""))

    await app(_scope(path), receive, send)
    if status != 200:
        raise DigestError(f"the page {path} answered {status}")
    return body.decode()


def _scope(path: str) -> dict[str, Any]:
    """A GET request as ASGI has it."""
    bare, _, query = path.partition("?")
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": bare,
        "raw_path": bare.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(b"host", b"127.0.0.1")],
        "client": ("127.0.0.1", 0),
        "server": ("127.0.0.1", 80),
    }
