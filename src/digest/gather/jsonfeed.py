"""A JSON Feed (jsonfeed.org, versions 1 and 1.1) becomes a document."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from digest.errors import ParseError
from digest.gather.document import Document, Item
from digest.gather.urls import web_url


def read(text: str, url: str) -> Document:
    """The feed's items in its own order; ParseError when the JSON is broken or something else."""
    feed = load(text)
    if not isinstance(feed, dict) or not isinstance(feed.get("items"), list):
        raise ParseError("this is JSON, but not a JSON Feed: it has no list of items")
    return Document(
        title=words(feed, "title"),
        site_url=web_url(words(feed, "home_page_url"), url),
        language=words(feed, "language"),
        base=url,
        items=tuple(_item(entry) for entry in feed["items"] if isinstance(entry, dict)),
    )


def load(text: str) -> Any:
    """The value of a JSON text; ParseError says where it is broken."""
    try:
        # Line breaks inside of strings are against the standard, and met.
        return json.loads(text, strict=False)
    except ValueError as exc:
        raise ParseError(f"this JSON is damaged: {_where(exc)}") from exc
    except RecursionError as exc:
        raise ParseError("this JSON is nested too deeply") from exc


def _where(exc: ValueError) -> str:
    if isinstance(exc, json.JSONDecodeError):
        return f"line {exc.lineno}, column {exc.colno}"
    return "a number is too long"


def _item(entry: Mapping[str, Any]) -> Item:
    """One item. A link post (`external_url`) leads to what it is about."""
    markup = words(entry, "content_html")
    content = markup or words(entry, "content_text")
    return Item(
        guid=words(entry, "id"),
        url=words(entry, "external_url") or words(entry, "url") or _attached(entry),
        title=words(entry, "title"),
        description=words(entry, "summary") or content,
        content=content,
        author=_author(entry),
        language=words(entry, "language"),
        published=_moment(words(entry, "date_published") or words(entry, "date_modified")),
    )


def words(entry: Mapping[str, Any], name: str) -> str:
    """The text of a field, a number's as well; "" when it holds something else."""
    value = entry.get(name)
    # Ids are numbers in many feeds, though the standard wants text.
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _author(entry: Mapping[str, Any]) -> str:
    authors = entry.get("authors") or [entry.get("author")]
    names = [words(author, "name") for author in authors if isinstance(author, dict)]
    return ", ".join(name for name in names if name)


def _attached(entry: Mapping[str, Any]) -> str:
    files = entry.get("attachments")
    first = files[0] if isinstance(files, list) and files else None
    return words(first, "url") if isinstance(first, dict) else ""


def _moment(text: str) -> datetime | None:
    """RFC 3339; Python reads all of it from 3.11 on but a space before the zone."""
    try:
        moment = datetime.fromisoformat(re.sub(r"\s+(?=[+-]\d\d:?\d\d$)", "", text.strip()))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
