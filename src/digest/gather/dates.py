"""Dates as people and lists write them become moments."""

import re
from datetime import UTC, date, datetime, time

_MONTHS = (
    "jan|ene|gen|janv",
    "feb|fév|fev|févr",
    "mar|mär|mrz|mars|maa",
    "apr|avr|abr",
    "may|mai|mei|maj|mag",
    "jun|juin|giu",
    "jul|juil|lug",
    "aug|août|aou|ago",
    "sep|sept|set",
    "oct|okt|ott|out",
    "nov",
    "dec|dez|déc|dic|des",
)
_BY_NAME = {name: number for number, names in enumerate(_MONTHS, 1) for name in names.split("|")}
_ISO_DAY = re.compile(r"(?<!\d)(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?!\d)")
_DAY_FIRST = re.compile(
    r"(?<![\d\w])(\d{1,2})(?:st|nd|rd|th|\.)?(?:\s+(?:of|de))?\s+([^\W\d_]{3,10})\.?,?\s+(?:de\s+)?(\d{4})(?!\d)"
)
_MONTH_FIRST = re.compile(r"(?<!\w)([^\W\d_]{3,10})\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})(?!\d)")
_CJK = re.compile(r"(\d{4})\s*[年년]\s*(\d{1,2})\s*[月월]\s*(\d{1,2})\s*[日일]")
_ISO = re.compile(r"(?<!\d)\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?\d*\s?(?:Z|[+-]\d\d:?\d\d)?")
_IN_PATH = re.compile(r"/(20\d\d)[/-](\d{1,2})(?:[/-](\d{1,2}))?(?=[/-]|$)")
#: Numbers beyond this are milliseconds, not seconds, since 1970.
_MILLISECONDS = 100_000_000_000


def read_moment(value: object) -> datetime | None:
    """The moment that a list's field means, aware (UTC when it names no zone); None when it is none.

    Numbers are seconds or milliseconds since 1970; of a list the first counts.
    """
    if isinstance(value, list):
        return read_moment(value[0]) if value and not isinstance(value[0], list) else None
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return _since_1970(value)
    return find_moment(str(value)[:400])


def _since_1970(number: float) -> datetime | None:
    seconds = number / 1000 if abs(number) > _MILLISECONDS else number
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError, ValueError):
        return None


def find_moment(text: str) -> datetime | None:
    """The first moment or day in a text; a day is its beginning in UTC."""
    if found := _ISO.search(text):
        try:
            moment = datetime.fromisoformat(re.sub(r"\s(?=[+-]|Z)", "", found[0]).strip())
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        except ValueError:
            pass
    day = _day(text)
    return datetime.combine(day, time(), UTC) if day else None


def is_day(value: object) -> bool:
    """True when a field names a day and no time of it."""
    if isinstance(value, list):
        return bool(value) and is_day(value[0])
    if isinstance(value, int | float):
        return value % (86_400_000 if abs(value) > _MILLISECONDS else 86_400) == 0
    return not re.search(r"\d\d:\d\d", str(value)[:400])


def day_in_path(url: str) -> datetime | None:
    """The day that an address names (/2026/08/21/…); None when it names a month or nothing."""
    found = _IN_PATH.search(url)
    return _at(found[1], found[2], found[3]) if found and found[3] else None


def _day(text: str) -> date | None:
    for pattern in (_ISO_DAY, _CJK):
        if (found := pattern.search(text)) and (moment := _at(*found.groups())):
            return moment.date()
    for pattern, order in ((_DAY_FIRST, (3, 2, 1)), (_MONTH_FIRST, (3, 1, 2))):
        for found in pattern.finditer(text):
            month = _month(found[order[1]])
            if month and (moment := _at(found[order[0]], str(month), found[order[2]])):
                return moment.date()
    return None


def _month(name: str) -> int:
    low = name.lower()
    return next((_BY_NAME[low[:size]] for size in (4, 3) if low[:size] in _BY_NAME), 0)


def _at(year: str, month: str, day: str) -> datetime | None:
    try:
        return datetime(int(year), int(month), int(day), tzinfo=UTC)
    except ValueError:
        return None
