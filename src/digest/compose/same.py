"""Which articles are the same by what they are called: one address, one title, one event, one series."""

import re
import unicodedata
from collections.abc import Iterable
from datetime import UTC
from zoneinfo import ZoneInfo

from digest.compose.plan import Plan
from digest.domain import Article, Event, Source

_VERSION = re.compile(
    r"(?:^|\s)(?:v\d+(?:\.\d+)*|\d+(?:\.\d+){2,})(?:[-. ]?(?:rc|beta|alpha)[-. ]?\d*)?$", re.I
)
_NO_LETTER = re.compile(r"[\W_]+")
_TAIL = re.compile(r"\s+[|–—-]\s+")
_WIDE = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


def title_key(title: str, source: Source | None = None) -> str:
    """A title as it is compared: no case, punctuation or spacing, and without the site's name at its end."""
    parts = _TAIL.split(title)
    if source and len(parts) > 1 and _plain(parts[-1]) == _plain(source.title):
        title = title[: title.rindex(parts[-1])]
    return _plain(title)


def is_release(title: str) -> bool:
    """True for a short title that ends in a version of three numbers or more ("Atlas 2.3.15", "v4")."""
    return len(title.split()) <= 5 and _VERSION.search(title.strip()) is not None


def _plain(text: str) -> str:
    return _NO_LETTER.sub(" ", unicodedata.normalize("NFKC", text).casefold()).strip()


def is_telling(key: str) -> bool:
    """False for titles such as "Changelog" or "Weekly links" that different stories have in common."""
    return len(key) >= 6 if _WIDE.search(key) else len(key.split()) >= 3 or len(key) >= 18


def shared_addresses(articles: Iterable[Article]) -> frozenset[tuple[int, str]]:
    """The (source, address) pairs with several titles: some feeds have one link for all they publish."""
    first: dict[tuple[int, str], str] = {}
    shared = set()
    for article in articles:
        place = article.source_id, article.canonical_url
        title = _plain(article.title)
        if first.setdefault(place, title) != title:
            shared.add(place)
    return frozenset(shared)


def identity(article: Article, plan: Plan, shared: frozenset[tuple[int, str]]) -> str:
    """What makes it the same article: address, an event's day, the title where the address says nothing."""
    parts = [article.canonical_url]
    if article.event is not None:
        parts.append(_day(article.event, plan.zone))
    if (article.source_id, article.canonical_url) in shared:
        parts.append(_plain(article.title))
    return "\n".join(parts)


def marks_of(article: Article, plan: Plan, shared: frozenset[tuple[int, str]]) -> list[str]:
    """What the article is joined to others by: two articles with a mark in common are one story."""
    is_event = "event" if article.event else "article"
    marks = [f"{is_event} {identity(article, plan, shared)}"]
    title = title_key(article.title, plan.sources[article.source_id])
    told_one = [pair for pair in sorted(plan.same) if article.canonical_url in pair]
    marks += [f"editor {one} {other}" for one, other in told_one]
    if any(article.canonical_url in pair for pair in plan.different):
        return marks
    if article.event is not None:
        what = "deadline" if article.event.is_deadline else "event"
        marks.append(f"{what} {title}\n{_day(article.event, plan.zone)}")
    elif is_release(article.title):
        marks.append(f"release {article.source_id} {_plain(_VERSION.sub('', article.title.strip()))}")
    elif is_telling(title):
        marks.append(f"title {title}")
    return marks


def _day(event: Event, zone: str) -> str:
    # An all-day event has the day that its organiser wrote, wherever the reader is.
    named = (event.zone or "UTC") if event.all_day else zone
    try:
        return event.starts_at.astimezone(ZoneInfo(named)).date().isoformat()
    except (KeyError, ValueError, OSError, OverflowError):
        return event.starts_at.astimezone(UTC).date().isoformat()
