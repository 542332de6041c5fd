"""Many readers from a CSV: what can go in goes in, the rest is reported line by line."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice

from digest.config import local_zone
from digest.domain import Cadence, Subscriber, Subscription, SubscriptionState
from digest.errors import AddressError
from digest.house import House
from digest.store import Session, intake, notices, subscribers
from digest.subscribe.addresses import normalise
from digest.subscribe.evidence import Evidence, printable
from digest.subscribe.lookup import HOURS, known_sections, notice_of
from digest.subscribe.operator import require_basis
from digest.subscribe.table import Row, read_rows

#: Rows a transaction; SQLite allows 32,766 values in one statement.
_BATCH = 2000
#: Words for somebody who is to be sent nothing, in our own exports and in others'.
_GONE = frozenset({"left", "unsubscribed", "blocklisted", "bounced", "complained", "suppressed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What became of each row: added + vouched + already + kept_out + len(refused) is all of them."""

    added: int = 0
    #: Waited for their confirmation and are confirmed now, on the ground that the import states.
    vouched: int = 0
    #: Subscribed, waiting or in the file before.
    already: int = 0
    #: (line number, why).
    refused: tuple[tuple[int, str], ...] = ()
    #: Left or barred: only they can come back.
    kept_out: int = 0


@dataclass(slots=True, kw_only=True)
class _Count:
    added: int = 0
    vouched: int = 0
    already: int = 0
    kept_out: int = 0
    refused: list[tuple[int, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ground:
    """What all rows of one import share."""

    house: House
    key: str
    state: SubscriptionState
    evidence: Evidence
    now: datetime


#: State, sections, pace and hour: what a subscription of an import is.
_Kind = tuple[SubscriptionState, tuple[str, ...], Cadence, int | None]


async def import_csv(
    house: House,
    key: str,
    data: bytes,
    *,
    confirmed: bool,
    basis: str = "",
    now: datetime,
    progress: Callable[[int], None] | None = None,
) -> ImportReport:
    """What became of the rows of a CSV (email, name, sections, language, pace, zone, hour; or addresses).

    Columns `state` and `barred`, as our export writes them, are heeded: who left stays out, who was barred
    is barred, and who was waiting is asked to confirm.

    Not `confirmed`: each gets the confirmation mail. `confirmed` needs a `basis`, which is kept as evidence;
    who was waiting for the button here is confirmed by it too.
    Stored in batches, so a second run after an interruption adds only what is missing. `progress` is told the
    number of rows done since the last call.
    """
    require_basis(confirmed=confirmed, basis=basis)
    ground = _Ground(
        house=house,
        key=key,
        state=SubscriptionState.CONFIRMED if confirmed else SubscriptionState.PENDING,
        evidence=Evidence(form="import", wording=basis),
        now=now,
    )
    house.newsletter(key)
    count = _Count()
    for batch in _batches(read_rows(data)):
        people = _checked(ground, batch, count)
        async with house.store.begin() as session:
            await _store(session, ground, people, count)
        if progress:
            progress(len(batch))
    house.log.event("readers.imported", newsletter=key, added=count.added, refused=len(count.refused))
    return ImportReport(
        added=count.added,
        vouched=count.vouched,
        already=count.already,
        kept_out=count.kept_out,
        refused=tuple(count.refused),
    )


def _batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while batch := list(islice(rows, _BATCH)):
        yield batch


def _checked(ground: _Ground, rows: Iterable[Row], count: _Count) -> dict[str, tuple[Subscriber, Row]]:
    """Whom the rows name, by the hash of the address; refused and repeated ones are counted."""
    known = {section.key for section in ground.house.newsletter(ground.key).sections}
    people: dict[str, tuple[Subscriber, Row]] = {}
    for row in rows:
        fault = row.fault or _fault(row, known)
        try:
            email = "" if fault else normalise(row.email)
        except AddressError as exc:
            fault = f"{_shown(row.email)}: {exc.what}{f' {exc.hint}' if exc.hint else ''}"
        if fault:
            count.refused.append((row.line, fault))
            continue
        person = Subscriber(email=email, name=printable(row.name, 100), language=row.language, zone=row.zone)
        email_hash = ground.house.email_hash(email)
        count.already += email_hash in people
        people.setdefault(email_hash, (person, row))
    return people


def _fault(row: Row, known: Collection[str]) -> str:
    """What the newsletter or the world does not have."""
    if strange := next((one for one in row.sections if one not in known), ""):
        return f'no section "{strange[:40]}"'
    if row.pace and row.pace not in set(Cadence):
        return f'no pace "{row.pace[:40]}" (weekly or monthly)'
    if row.zone and local_zone(row.zone).key != row.zone:
        return f'no time zone "{row.zone[:40]}"'
    if row.hour not in HOURS:
        return f'no hour "{row.hour[:40]}" (0 to 23)'
    return ""


def _shown(cell: str) -> str:
    """A bad cell as it may stand in a report."""
    return f'"{printable(cell, 60)}"'


async def _store(
    session: Session, ground: _Ground, people: dict[str, tuple[Subscriber, Row]], count: _Count
) -> None:
    """Store those who are new to the newsletter, confirm those who wait; count the others."""
    barred = await subscribers.suppressed(session, list(people))
    there = await intake.states(session, ground.key, list(people))
    out = barred | {one for one, state in there.items() if state is SubscriptionState.LEFT}
    fresh = {one: pair for one, pair in people.items() if one not in there and one not in out}
    gone = {one for one, (_, row) in fresh.items() if row.barred or row.state in _GONE}
    count.kept_out += len(out) + len(gone)
    waiting = [one for one, state in there.items() if state is SubscriptionState.PENDING and one not in out]
    vouched = await _vouch(session, ground, [one for one in waiting if _is_vouched(ground, people[one][1])])
    count.vouched += vouched
    count.already += len(people) - len(out) - len(fresh) - vouched
    count.added += len(fresh) - len(gone)
    await intake.add_people(session, {one: pair[0] for one, pair in fresh.items()}, now=ground.now)
    for kind, hashes in _alike(ground, fresh).items():
        await _subscribe(session, ground, hashes, kind)
    reasons = {one: printable(row.barred, 16) for one, (_, row) in fresh.items() if row.barred}
    await intake.suppress_all(session, reasons, "as imported", now=ground.now)
    await _ask(session, ground, {one: pair for one, pair in fresh.items() if one not in reasons})


def _alike(ground: _Ground, fresh: dict[str, tuple[Subscriber, Row]]) -> dict[_Kind, list[str]]:
    """The hashes of those who get the same subscription: nearly all of a file share one."""
    groups: defaultdict[_Kind, list[str]] = defaultdict(list)
    for email_hash, (_, row) in fresh.items():
        sections = known_sections(ground.house, ground.key, row.sections) if row.sections else ()
        cadence, hour = Cadence(row.pace or Cadence.WEEKLY), HOURS[row.hour]
        groups[_state(ground, row), sections, cadence, hour].append(email_hash)
    return groups


def _state(ground: _Ground, row: Row) -> SubscriptionState:
    """What the file says of them, where that is less than what the whole import was given."""
    if row.state in _GONE:
        return SubscriptionState.LEFT
    return SubscriptionState.PENDING if row.state == "pending" or row.barred else ground.state


def _is_vouched(ground: _Ground, row: Row) -> bool:
    return _state(ground, row) is SubscriptionState.CONFIRMED


async def _vouch(session: Session, ground: _Ground, hashes: list[str]) -> int:
    """How many who waited were confirmed, and the evidence of it stored."""
    what = Subscription(subscriber=Subscriber(email=""), newsletter=ground.key)
    return await intake.confirm_all(session, hashes, ground.evidence.line(what, "imported", now=ground.now))


async def _subscribe(
    session: Session,
    ground: _Ground,
    hashes: list[str],
    kind: _Kind,
) -> None:
    """Store the same subscription for all of them, and the evidence of it."""
    state, sections, cadence, hour = kind
    what = Subscription(
        subscriber=Subscriber(email=""),
        newsletter=ground.key,
        state=state,
        sections=sections,
        cadence=cadence,
        hour=hour,
        requested_at=ground.now,
        confirmed_at=ground.now if state is SubscriptionState.CONFIRMED else None,
        left_at=ground.now if state is SubscriptionState.LEFT else None,
    )
    await intake.subscribe_all(session, hashes, what, ground.evidence.line(what, "imported", now=ground.now))


async def _ask(session: Session, ground: _Ground, fresh: dict[str, tuple[Subscriber, Row]]) -> None:
    """Queue the confirmation mail to those who have to confirm."""
    asked = {
        one: person
        for one, (person, row) in fresh.items()
        if _state(ground, row) is SubscriptionState.PENDING
    }
    known = await intake.ids(session, list(asked)) if asked else {}
    for email_hash, person in asked.items():
        waiting = Subscription(
            subscriber=replace(person, id=known[email_hash]),
            newsletter=ground.key,
            state=SubscriptionState.PENDING,
            requested_at=ground.now,
        )
        await notices.add(session, notice_of(waiting, "confirm", now=ground.now))
