"""Recurrence rules made finite: how many steps an event's repetition costs, and what is refused."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from icalendar.cal import Component

from digest.gather.component import start_of

#: Days between two candidates of a rule; what is not here comes more than once a day.
_STEP_DAYS = {"DAILY": 1, "WEEKLY": 7, "MONTHLY": 30, "YEARLY": 365}
_MULTIPLIERS = ("BYHOUR", "BYMINUTE", "BYSECOND")
#: With COUNT, days that never come (30 February) are searched for until the year 9999.
_ENDLESS = ("BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYSETPOS")
#: A step that finds nothing costs this part of one that does.
_EMPTY_STEPS = 10
_MAX_COUNT = 2000


def tame(event: Component, stop: datetime) -> int | None:
    """How many steps it takes to repeat this event until `stop`; None when it must be refused.

    Every rule of the event gets an end: without one, a rule that never comes true runs until the year
    9999 and one with an interval of 0 for ever.
    """
    rules = event.get("RRULE", [])
    rules = [rule for rule in (rules if isinstance(rules, list) else [rules]) if _is_rule(rule)]
    event.pop("RRULE", None)
    if rules:
        event["RRULE"] = rules
    costs = [_tame_rule(rule, start_of(event), stop) for rule in rules]
    return None if None in costs else 1 + sum(cost or 0 for cost in costs)


def _is_rule(rule: Any) -> bool:
    """True for one that could be read; of an event with an empty or broken one, the first date is left."""
    return isinstance(rule, Mapping) and bool(_first(rule, "FREQ", ""))


def _tame_rule(rule: Any, start: date, stop: datetime) -> int | None:
    days = _STEP_DAYS.get(str(_first(rule, "FREQ", "")).upper())
    if days is None or any(name in rule for name in _MULTIPLIERS) or _first(rule, "INTERVAL", 1) < 1:
        return None
    count = int(_first(rule, "COUNT", 0))
    if 0 < count <= _MAX_COUNT:
        is_endless = any(name in rule for name in _ENDLESS)
        return count + (365 * (9999 - start.year) // days // _EMPTY_STEPS if is_endless else 0)
    rule.pop("COUNT", None)
    _end(rule, start, stop)
    span = max(0, (stop.date() - _day(start)).days)
    return min(span, span // days * _a_step(rule, days)) + 1


def _a_step(rule: Any, days: int) -> int:
    """How many dates one step of the rule can hold, counted generously."""
    names = [str(name) for name in _all(rule, "BYDAY")]
    weeks = 1 if days <= _STEP_DAYS["WEEKLY"] else 53 if days == _STEP_DAYS["YEARLY"] else 5
    by_day = sum(1 if any(char.isdigit() for char in name) else weeks for name in names)
    others = [len(_all(rule, name)) for name in ("BYMONTHDAY", "BYYEARDAY", "BYSETPOS")]
    return max(1, by_day, *others, 7 * len(_all(rule, "BYWEEKNO"))) * max(1, len(_all(rule, "BYMONTH")))


def _all(rule: Any, name: str) -> list[Any]:
    value = rule.get(name, [])
    return value if isinstance(value, list) else [value]


def _first(rule: Any, name: str, default: Any) -> Any:
    value = rule.get(name, default)
    return (value[0] if value else default) if isinstance(value, list) else value


def _end(rule: Any, start: date, stop: datetime) -> None:
    """Let the rule end at `stop`, written as its start is: a date, or a time in UTC (RFC 5545 §3.3.10)."""
    until = _first(rule, "UNTIL", None)
    if isinstance(until, date) and _day(until) <= stop.date():
        return
    last = stop + timedelta(days=1)
    rule["UNTIL"] = [last.astimezone(UTC) if isinstance(start, datetime) else last.date()]


def _day(moment: date) -> date:
    return moment.date() if isinstance(moment, datetime) else moment
