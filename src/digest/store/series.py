"""Series of events that moved as a whole, say to another weekday: what each date became. Pure."""

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

#: How the gatherer names a date of a series: by the series' UID and when the date was first set to.
_OF_SERIES = re.compile(r"(.+) \d{8}T\d{4}Z")
#: Two dates at least make a series.
_MANY = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Date:
    """One event as far as its series is concerned."""

    name: str
    title: str
    place: str
    starts_at: datetime
    is_deadline: bool


def moved(missing: Collection[Date], fresh: Iterable[Date], stored: Iterable[Date]) -> dict[str, str]:
    """The new name of each missing date of a series that moved as a whole, by its old name.

    A series is what has one title and place, or one UID, and of which no stored date stayed. Each date became
    the nearest new one, no more than half a step away: a Thursday's the Tuesday of its week.
    """
    left, names = list(missing), {date.name for date in missing}
    free, there = list(fresh), list(stored)
    found: dict[str, str] = {}
    for key in (_by_title_and_place, _by_uid):
        stayed = {key(date) for date in there if date.name not in names}
        new = _grouped(free, key)
        for series, dates in _grouped(left, key).items():
            if series is not None and series not in stayed and len(dates) >= _MANY:
                found |= _paired(dates, new.get(series, []))
        left = [date for date in left if date.name not in found]
        free = [date for date in free if date.name not in found.values()]
    return found


def _by_title_and_place(date: Date) -> object:
    return date.title.casefold(), date.place.casefold(), date.is_deadline


def _by_uid(date: Date) -> object:
    named = _OF_SERIES.fullmatch(date.name)
    return (named[1], date.is_deadline) if named else None


def _grouped(dates: Iterable[Date], key: Callable[[Date], object]) -> Mapping[object, list[Date]]:
    groups: defaultdict[object, list[Date]] = defaultdict(list)
    for date in sorted(dates, key=lambda one: (one.starts_at, one.name)):
        groups[key(date)].append(date)
    return groups


def _paired(dates: list[Date], new: list[Date]) -> dict[str, str]:
    step = min(after.starts_at - before.starts_at for before, after in pairwise(dates))
    pairs: dict[str, str] = {}
    free = {date.name: date.starts_at for date in new}
    for date in dates:
        near = min(free, key=lambda name: _gap(free[name], date.starts_at), default=None)
        if near is not None and _gap(free[near], date.starts_at) * 2 <= step:
            pairs[date.name] = near
            del free[near]
    return pairs


def _gap(one: datetime, other: datetime) -> timedelta:
    return abs(one - other)
