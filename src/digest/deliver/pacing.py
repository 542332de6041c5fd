"""How much may leave now, and what a receiving domain's refusals teach. Pure: state, event, now → state."""

import re
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

from digest.config import RelaySettings
from digest.domain import Pace

#: A bucket holds what a second brings, and never less than one message.
_BUCKET_SECONDS = 1.0
#: A receiving domain that throttles is left alone for so long; what it says meanwhile is the same event.
_PAUSE = timedelta(minutes=1)
#: Messages a second: no domain is ever slower.
_SLOWEST = 1 / 60
#: From half the rate at which we were throttled back to it takes half of that; twice of it is no limit.
_MINUTES_TO_GROW = 60
#: A time without sending teaches nothing: no more than this counts between two messages.
_LONGEST_LESSON = timedelta(minutes=5)
#: A bucket that was filled later than that in the future was filled by a clock that was wrong.
_CLOCK_SLACK = timedelta(minutes=5)

#: Such codes are also said of a full mailbox, of a sender not yet known and of a server that is restarted.
_THROTTLE_CODE = re.compile(r"(?:421|45[0124])\b(?:[ -]4\.(\d+)\.\d+)?")
_ABOUT_RATE = re.compile(
    r"\b(rate|throttl\w*|too (?:many|much|fast)|quota|limit\w*|exceed\w*|unusual|slow(?:ed)? down|volume|"
    r"suspicious|deferred|blocked|reputation|concurren\w*|connections?)\b",
    re.IGNORECASE,
)
_NOT_ABOUT_RATE = re.compile(r"gr[ea]y-?list|mailbox|over ?quota", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What bounds a pace; None for no bound."""

    per_second: float | None = None
    #: Messages in one day (UTC).
    a_day: int | None = None


def limits_of(relay: RelaySettings, pace: Pace, now: datetime) -> Limits:
    """What a relay may carry today: its own cap, and that of its warm-up plan while the plan lasts."""
    caps = [] if relay.daily_cap is None else [relay.daily_cap]
    number = warm_up_day(relay.warm_up_start, pace, now)
    if relay.warm_up and number < len(relay.warm_up):
        caps.append(relay.warm_up[number] if number >= 0 else 0)
    return Limits(per_second=relay.per_second, a_day=min(caps, default=None))


def warm_up_day(start: date | None, pace: Pace, now: datetime) -> int:
    """The number of this day in a warm-up plan, from 0; negative before its start.

    Without a start it is the first day on which anything was sent.
    """
    first = date.fromisoformat(pace.first_day) if pace.first_day else _today(now)
    return (_today(now) - (start or first)).days


def take(pace: Pace, limits: Limits, wanted: int, now: datetime) -> tuple[Pace, int]:
    """The bucket after up to `wanted` tokens were taken from it, and how many there were."""
    pace = _on(pace, now)
    granted = wanted if limits.a_day is None else min(wanted, max(limits.a_day - pace.sent, 0))
    if limits.per_second is not None:
        tokens, at = _filled(pace, limits.per_second, now)
        granted = min(granted, int(tokens))
        pace = replace(pace, tokens=tokens - granted, filled_at=at)
    first = pace.first_day or (pace.day if granted else "")
    return replace(pace, sent=pace.sent + granted, first_day=first), granted


def put_back(pace: Pace, unspent: int, now: datetime) -> Pace:
    """The bucket when so many that were taken did not leave; tokens of a day that is over are gone."""
    pace = _on(pace, now)
    return replace(pace, sent=max(pace.sent - unspent, 0), tokens=pace.tokens + unspent)


def counted(pace: Pace, sent: int, now: datetime) -> Pace:
    """The pace of a relay without limits after so many left by it."""
    pace = _on(pace, now)
    return replace(pace, sent=pace.sent + sent, first_day=pace.first_day or pace.day)


def rested(pace: Pace, until: datetime | None, reply: str) -> Pace:
    """The pace of a relay that is left alone until then, or that works again."""
    return replace(pace, rests_until=until, reply=reply)


def next_at(pace: Pace, limits: Limits, wanted: int, now: datetime) -> datetime:
    """When so many tokens are there, as far as a bucket holds them; the next day when this one is used up."""
    pace = _on(pace, now)
    if limits.a_day is not None and pace.sent >= limits.a_day:
        return datetime.combine(_today(now) + timedelta(days=1), time(), UTC)
    if limits.per_second is None:
        return now
    tokens, at = _filled(pace, limits.per_second, now)
    missing = max(min(wanted, int(_capacity(limits.per_second))) - tokens, 0)
    return max(now, at + timedelta(seconds=missing / limits.per_second))


def throttled(pace: Pace, *, observed: float, reply: str, now: datetime) -> Pace:
    """A domain's pace after it said that we are too fast: half of what it was, after a pause.

    `observed` is the rate we sent at, in messages a second, for a domain that had no limit yet.
    """
    if pace.throttled_at is not None and abs(now - pace.throttled_at) < _PAUSE:
        return replace(pace, reply=reply)
    met = max(observed if pace.per_second is None else pace.per_second, _SLOWEST)
    return replace(
        pace,
        per_second=max(met / 2, _SLOWEST),
        met_at=met,
        throttled_at=now,
        changed_at=now,
        tokens=0.0,
        filled_at=now + _PAUSE,
        reply=reply,
    )


def grown(pace: Pace, now: datetime) -> Pace:
    """A domain's pace after a time without a refusal: a little faster, without limit in the end."""
    if pace.per_second is None or pace.met_at is None or pace.changed_at is None:
        return pace
    passed = min(max(now - pace.changed_at, timedelta(0)), _LONGEST_LESSON)
    faster = pace.per_second + pace.met_at * (passed / timedelta(minutes=_MINUTES_TO_GROW))
    return replace(pace, per_second=None if faster >= 2 * pace.met_at else faster, changed_at=now)


def is_throttle(reply: str) -> bool:
    """True when a server's words mean that we send too fast, rather than anything about one reader."""
    found = _THROTTLE_CODE.match(reply)
    if found is None:
        return False
    subject = found[1]
    if subject in {"1", "2"} or _NOT_ABOUT_RATE.search(reply):
        # RFC 3463: x.1 is about the address, x.2 about the mailbox, but for what Gmail says of a rate.
        return bool(re.search(r"\brate\b", reply, re.IGNORECASE))
    return subject == "7" or bool(_ABOUT_RATE.search(reply))


def _on(pace: Pace, now: datetime) -> Pace:
    """The pace with the count of this day."""
    today = _today(now).isoformat()
    return pace if pace.day == today else replace(pace, day=today, sent=0)


def _today(now: datetime) -> date:
    return now.astimezone(UTC).date()


def _filled(pace: Pace, per_second: float, now: datetime) -> tuple[float, datetime]:
    """The tokens in the bucket, and the time they are true at, which may lie ahead during a pause."""
    most = _capacity(per_second)
    if pace.filled_at is None or pace.filled_at > now + _CLOCK_SLACK:
        return most, now
    if pace.filled_at >= now:
        return min(pace.tokens, most), pace.filled_at
    fresh = (now - pace.filled_at).total_seconds() * per_second
    # Sums of parts of a second come out a hair below the whole.
    return min(pace.tokens + fresh + 1e-6, most), now


def _capacity(per_second: float) -> float:
    return max(per_second * _BUCKET_SECONDS, 1.0)
