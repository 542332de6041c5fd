"""How each relay and each throttled domain stands, for people to look at."""

from dataclasses import dataclass
from datetime import date, datetime

from digest.config import Settings
from digest.deliver import pacing
from digest.domain import Pace
from digest.store import Session, pace


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayStanding:
    """What one relay has carried today, and what it may still carry."""

    name: str
    weight: float
    connections: int
    sent_today: int
    #: The most for today, of the cap a day and the warm-up plan; None for no bound.
    cap_today: int | None
    #: Counted from 1; None when there is no plan or it is over.
    warm_up_day: int | None
    per_second: float | None
    #: Messages that may leave at this moment; None for no bound.
    tokens: int | None
    #: It could not be reached, and is left alone until then.
    rests_until: datetime | None
    reply: str

    def words(self) -> str:
        """What a person wants to know of it first."""
        of = "" if self.cap_today is None else f" of {self.cap_today}"
        warming = "" if self.warm_up_day is None else f", day {self.warm_up_day} of its warm-up"
        rests = "" if self.rests_until is None else f", could not be reached: {self.reply}"
        return f"{self.sent_today}{of} today{warming}{rests}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainStanding:
    """A receiving domain that said that we are too fast."""

    domain: str
    per_second: float
    throttled_at: datetime | None
    reply: str


async def relays(session: Session, settings: Settings, *, now: datetime) -> list[RelayStanding]:
    """Every relay of the settings, in their order."""
    known = {one.name: one for one in await pace.all_of(session, "relay")}
    return [
        _relay(name, settings, known.get(f"relay:{name}", Pace(name=name)), now) for name in settings.ways
    ]


def _relay(name: str, settings: Settings, known: Pace, now: datetime) -> RelayStanding:
    relay = settings.ways[name]
    limits = pacing.limits_of(relay, known, now)
    today, tokens = pacing.take(known, limits, 10**9, now)
    rests = known.rests_until if known.rests_until and known.rests_until > now else None
    return RelayStanding(
        name=name,
        weight=relay.weight,
        connections=relay.connections,
        sent_today=known.sent if known.day == today.day else 0,
        cap_today=limits.a_day,
        warm_up_day=_warm_up_day(relay.warm_up, relay.warm_up_start, known, now),
        per_second=relay.per_second,
        tokens=tokens if relay.is_limited else None,
        rests_until=rests,
        reply=known.reply if rests else "",
    )


def _warm_up_day(plan: tuple[int, ...], start: date | None, known: Pace, now: datetime) -> int | None:
    number = pacing.warm_up_day(start, known, now)
    return number + 1 if plan and 0 <= number < len(plan) else None


async def throttled(session: Session) -> list[DomainStanding]:
    """The receiving domains that have a limit at present, by name."""
    return [
        DomainStanding(
            domain=one.name.removeprefix("domain:"),
            per_second=round(one.per_second or 0.0, 3),
            throttled_at=one.throttled_at,
            reply=one.reply,
        )
        for one in await pace.limited(session)
    ]
