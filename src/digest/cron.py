"""When a newsletter is due: a cron expression in a time zone; weekdays 0 and 7 are Sunday, as in cron."""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

from apscheduler.triggers.cron import CronTrigger

from digest.errors import ConfigError

_NAMES = ("sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun")
_END = datetime(2100, 1, 1, tzinfo=UTC)
#: A Monday from which a rhythm is read off, and how far one looks: two weeks.
_FROM = datetime(2026, 1, 5, tzinfo=UTC)
_FORTNIGHT = timedelta(days=14)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_LOOK_BACK = (timedelta(days=8), timedelta(days=32), timedelta(days=370))


@lru_cache(maxsize=64)
def _trigger(expression: str) -> CronTrigger:
    """The parsed expression over clock faces, without a zone.

    APScheduler numbers weekdays from Monday, cron from Sunday, so names go in. Asked in a zone it never
    returns for a time that the spring change of clocks leaves out, so the zone is ours to apply.
    """
    fields = expression.lower().split()
    if len(fields) != 5:
        raise ConfigError(f'"{expression}" is not a cron expression of five fields')
    fields[4] = ",".join(_weekdays(part) for part in fields[4].split(","))
    try:
        trigger = CronTrigger.from_crontab(" ".join(fields), timezone=UTC)
    except (ValueError, KeyError) as exc:
        raise ConfigError(f'"{expression}" is not a cron expression: {exc}') from exc
    # Without an end APScheduler looks for 31 February for ever.
    trigger.end_date = _END
    return trigger


def _weekdays(part: str) -> str:
    """One item of the weekday field with names for numbers; a range over Saturday becomes a list."""
    span = re.fullmatch(r"([0-7])-([0-7])", part)
    if not span:
        return re.sub(r"^[0-7]$", lambda found: _NAMES[int(found[0])], part)
    first, last = int(span[1]), int(span[2])
    if last < first:
        last += 7
    return ",".join(_NAMES[day % 7] for day in range(first, last + 1))


def next_due(expression: str, zone: str, now: datetime) -> datetime:
    """The first time after `now` (not at it) that the expression names, with the zone's offset.

    A time that the spring change leaves out comes an hour later; one that the autumn change brings twice
    comes the first time.
    """
    local = ZoneInfo(zone)
    face, moved = now.astimezone(local).replace(tzinfo=UTC), None
    while True:
        found: datetime | None = _trigger(expression).get_next_fire_time(None, face)
        if found is None:
            raise ConfigError(f'"{expression}" never comes')
        # Through UTC and back, a time that does not exist becomes the one that does.
        due = found.replace(tzinfo=local, fold=0).astimezone(UTC).astimezone(local)
        if due > now:
            if moved is not None or _face(due) == found:
                return min(due, moved or due)
            # A time that was left out comes later, and one that stands after it on the clock may be sooner.
            moved = due
        face = found + timedelta(microseconds=1)


def _face(moment: datetime) -> datetime:
    """What the clock shows then, without its zone."""
    return moment.replace(tzinfo=UTC, fold=0)


def last_due(expression: str, zone: str, now: datetime) -> datetime | None:
    """The last time at or before `now` that the expression names; None when none is in a year."""
    for span in _LOOK_BACK:
        latest, at = None, next_due(expression, zone, now - span)
        while at <= now:
            latest, at = at, next_due(expression, zone, at)
        if latest is not None:
            return latest
    return None


@lru_cache(maxsize=64)
def rhythm(expression: str) -> str:
    """How often that is, in words: "every Monday", "every day", "once a month"; "" when no word fits."""
    dues = [next_due(expression, "UTC", _FROM - timedelta(seconds=1))]
    while dues[-1] < _FROM + _FORTNIGHT or len(dues) < 4:
        dues.append(next_due(expression, "UTC", dues[-1]))
    within = [due for due in dues if due < _FROM + _FORTNIGHT]
    days = sorted({due.weekday() for due in within})
    if days and len(within) == 2 * len(days):
        return _on(days)
    gaps = [after.date() - before.date() for before, after in pairwise(dues[:4])]
    is_monthly = all(timedelta(days=27) < gap < timedelta(days=36) for gap in gaps)
    return "once a month" if is_monthly else ""


def _on(days: list[int]) -> str:
    """ "every Monday and Thursday", by weekdays from Monday = 0."""
    if days == [*range(7)]:
        return "every day"
    if days == [*range(5)]:
        return "every weekday"
    *others, last = [_DAYS[day] for day in days]
    return f"every {', '.join(others)}{' and ' if others else ''}{last}"
