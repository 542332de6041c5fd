"""The feed files of a folder, as they were at a given time: what is dated later is not there yet."""

import gzip
import json
import mimetypes
import re
import zlib
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from digest.demo.feeds import Page
from digest.errors import UsageError

SUFFIXES = (".xml", ".rss", ".rdf", ".atom", ".json", ".ics")
_MAX_BYTES = 50_000_000
_OPENING = re.compile(rb"<(item|entry)(?=[\s>])")
#: In this order: an entry that was edited later was still there before.
_DATES = tuple(
    re.compile(rb"<%s(?:\s[^>]{0,200})?>\s*(?:<!\[CDATA\[)?\s*([^<\]]{6,60})" % name)
    for name in (b"pubDate", b"published", b"dc:date", b"date", b"updated")
)


def feed_pages(folder: Path, now: datetime) -> dict[str, Page]:
    """Every feed file of the folder by its name (without ".gz"); UsageError when there is none to read."""
    if not folder.is_dir():
        raise UsageError(f"--feeds {folder}: there is no such folder")
    try:
        places = sorted(place for place in folder.iterdir() if _is_feed(place))
        pages = {place.name.removesuffix(".gz"): _page(place, now) for place in places}
    except OSError as exc:
        raise UsageError(f"--feeds {exc.filename or folder}: {exc.strerror}") from exc
    if not pages:
        raise UsageError(f"--feeds {folder}: no feed files", hint=f"their names end in {' '.join(SUFFIXES)}")
    return pages


def _is_feed(place: Path) -> bool:
    return place.name.removesuffix(".gz").lower().endswith(SUFFIXES) and place.is_file()


def _page(place: Path, now: datetime) -> Page:
    name = place.name.removesuffix(".gz")
    content_type = "text/calendar" if name.lower().endswith(".ics") else mimetypes.guess_type(name)[0]
    return Page(body=as_of(_read(place), now), content_type=content_type or "application/xml")


def _read(place: Path) -> bytes:
    """The file inflated; one that is not what its name says is served as it is, for the gatherer to judge."""
    if place.suffix != ".gz":
        return place.read_bytes()
    try:
        with gzip.open(place) as file:
            return file.read(_MAX_BYTES)
    except (gzip.BadGzipFile, EOFError, zlib.error):
        return place.read_bytes()


def as_of(data: bytes, now: datetime) -> bytes:
    """The feed without the items that are dated after `now`; what cannot be read is left as it is."""
    if data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{":
        return _json_as_of(data, now)
    kept, place = bytearray(), 0
    while opening := _OPENING.search(data, place):
        closing = b"</%s" % opening[1]
        end = data.find(closing, opening.end())
        if end < 0:
            break
        end += len(closing)
        block = data[opening.start() : end]
        kept += data[place : opening.start()]
        if not _is_later(_date_in(block), now):
            kept += block
        else:
            # The ">" of the closing tag goes with it.
            end = data.find(b">", end) + 1 or end
        place = end
    return bytes(kept + data[place:])


def _date_in(block: bytes) -> str:
    found = next((match for pattern in _DATES if (match := pattern.search(block))), None)
    return found[1].decode("utf-8", "replace").strip() if found else ""


def _json_as_of(data: bytes, now: datetime) -> bytes:
    try:
        feed = json.loads(data)
    except (ValueError, RecursionError):
        return data
    if not isinstance(feed, dict) or not isinstance(feed.get("items"), list):
        return data
    feed["items"] = [item for item in feed["items"] if not _is_later(_json_date(item), now)]
    return json.dumps(feed).encode()


def _json_date(item: Any) -> str:
    value = item.get("date_published") or item.get("date_modified") if isinstance(item, dict) else None
    return value if isinstance(value, str) else ""


def _is_later(written: str, now: datetime) -> bool:
    """False for what is no date."""
    for parse in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            moment = parse(written)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) > now
        except (ValueError, TypeError, OverflowError, IndexError):
            continue
    return False
