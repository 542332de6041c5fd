"""When a source is read again, and what polling it has taught us: pure changes of a Source."""

import hashlib
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from digest.domain import Source
from digest.gather.clean import title_text
from digest.gather.document import Document

MAX_INTERVAL = timedelta(hours=24)
_MOST_INTERVALS = 6
_MAX_BACK_OFF = timedelta(hours=24)
_MAX_RETRY_AFTER = timedelta(days=7)


def is_due(source: Source, now: datetime) -> bool:
    """True when the source is switched on and its time has come."""
    return source.enabled and (source.next_check_at is None or source.next_check_at <= now)


def succeeded(
    source: Source,
    *,
    now: datetime,
    every: timedelta,
    document: Document | None = None,
    wait: timedelta = timedelta(0),
    is_news: bool = True,
) -> Source:
    """The source after a good answer; the document, if there was one, fills in what was empty.

    It is read again after its interval, which grows while there is no news and shrinks when there is, and
    not before `wait`, which the server asked for (up to a day). What the document itself asks for is kept
    as the interval: an answer that nothing changed does not repeat it.
    """
    interval = _interval(source, every, is_news=is_news or source.first_read_at is None)
    interval = max(interval, min(document.wait, MAX_INTERVAL)) if document else interval
    source = replace(
        source,
        checked_at=now,
        next_check_at=now + max(interval, min(wait, MAX_INTERVAL)),
        interval_minutes=round(interval / timedelta(minutes=1)),
        first_read_at=source.first_read_at or now,
        failures=0,
        last_error="",
    )
    if document is None:
        return source
    return replace(
        source,
        title=source.title or title_text(document.title),
        site_url=source.site_url or document.site_url,
    )


def _interval(source: Source, every: timedelta, *, is_news: bool) -> timedelta:
    """How long to wait now, between the operator's interval and six of it, at most a day.

    A quarter more after each reading without news, half after one with: a source that publishes once a
    week is soon read four times a day, and one that wakes up is followed at once. What it asked for itself
    may be longer, and then holds until there is news.
    """
    before = timedelta(minutes=source.interval_minutes) or every
    most = max(every, before, min(every * _MOST_INTERVALS, MAX_INTERVAL))
    return min(max(before / 2 if is_news else before * 1.25, every), most)


def failed(
    source: Source, error: str, *, now: datetime, every: timedelta, not_before: timedelta = timedelta(0)
) -> Source:
    """The source after a failure: asked again later and later, never before `not_before` has passed."""
    failures = source.failures + 1
    wait = max(_back_off(source.url, failures, every), not_before)
    return replace(source, checked_at=now, next_check_at=now + wait, failures=failures, last_error=error)


def _back_off(url: str, failures: int, every: timedelta) -> timedelta:
    """Twice as long with each failure, at most a day, less up to a tenth that the address decides.

    The tenth spreads the sources of a server that was down, and comes out the same for every run.
    """
    wait: timedelta = min(every * 2 ** min(failures, 16), max(_MAX_BACK_OFF, every))
    share = int.from_bytes(hashlib.sha256(url.encode("utf-8", "replace")).digest()[:2]) / 65536
    return wait - wait * share / 10


def retry_after(value: str, now: datetime) -> timedelta:
    """How long a server asks to be left alone (RFC 9110 §10.2.3), at most 7 days; 0 when it says nothing."""
    if re.fullmatch(r"\s*[0-9]{1,9}\s*", value):
        wait = timedelta(seconds=int(value))
    else:
        try:
            moment = parsedate_to_datetime(value)
            wait = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now
        except (ValueError, OverflowError, TypeError):
            return timedelta(0)
    return min(max(wait, timedelta(0)), _MAX_RETRY_AFTER)
