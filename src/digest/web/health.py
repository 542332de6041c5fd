"""Alive and ready: for service managers, proxies and people."""

import asyncio
import shutil
from pathlib import Path

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from digest.errors import DigestError
from digest.house import House
from digest.store import schema
from digest.web.pages import STYLE
from digest.web.site import site_of

router = APIRouter()

#: The part of a disk that must be free.
_FREE = 0.05
#: Seconds within which the database must answer.
_PATIENCE = 5


@router.api_route("/healthz", methods=["GET", "HEAD"])
async def healthz() -> Response:
    """ "ok" while the process answers at all; a slow migration must not get it killed."""
    return PlainTextResponse("ok\n", headers={"Cache-Control": "no-store"})


@router.api_route("/readyz", methods=["GET", "HEAD"])
async def readyz(request: Request) -> Response:
    """200 when pages and sending can work, else 503; JSON with a reason for each part."""
    house = site_of(request).house
    found = {**await _database(house), "disk": _disk(house)}
    is_ready = all(words == "ok" for words in found.values())
    answer = {"ready": is_ready, **found}
    return JSONResponse(answer, status_code=200 if is_ready else 503, headers={"Cache-Control": "no-store"})


async def _database(house: House) -> dict[str, str]:
    try:
        async with asyncio.timeout(_PATIENCE):
            versions = await schema.versions(house.store)
    except TimeoutError:
        return {"database": f"no answer within {_PATIENCE} s", "schema": "unknown"}
    except (DigestError, OSError) as exc:
        return {"database": str(exc), "schema": "unknown"}
    except Exception as exc:  # the driver's own; each database has others
        return {"database": type(exc).__name__, "schema": "unknown"}
    behind = f"database {versions.database or 'empty'}, code {versions.code}: digest db upgrade"
    return {"database": "ok", "schema": "ok" if versions.is_current else behind}


def _disk(house: House) -> str:
    """How the disk of an SQLite file stands; another server's disk is that server's business."""
    file = house.store.url.database
    if not house.store.is_sqlite or not file or file == ":memory:":
        return "ok"
    try:
        usage = shutil.disk_usage(Path(file).parent)
    except OSError as exc:
        return str(exc.strerror)
    share = usage.free / usage.total
    return "ok" if share >= _FREE else f"{share:.0%} free where the database is"


@router.api_route("/static/base.css", methods=["GET", "HEAD"])
async def style() -> Response:
    """The one style sheet; its address carries a hash, so it may be kept for a year."""
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    return Response(STYLE, media_type="text/css", headers=headers)
