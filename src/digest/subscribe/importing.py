"""Many readers from a CSV: what can go in goes in, the rest is reported line by line."""

import io
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import BinaryIO

from digest.config import local_zone
from digest.domain import SubscriptionState
from digest.errors import AddressError
from digest.house import House
from digest.subscribe.addresses import normalise
from digest.subscribe.admitting import PACES, Count, Ground, admit
from digest.subscribe.evidence import Evidence, printable
from digest.subscribe.lookup import HOURS
from digest.subscribe.operator import require_basis
from digest.subscribe.table import NO_WISHES, Row, read_rows

#: Rows in the first transaction, and the most in those of a long file: one holds up other writers for about
#: half a second.
_FIRST, _MOST = 2000, 32_000


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


async def import_csv(
    house: House,
    key: str,
    data: bytes | BinaryIO,
    *,
    confirmed: bool,
    basis: str = "",
    now: datetime,
    progress: Callable[[int], None] | None = None,
) -> ImportReport:
    """What became of the rows of a CSV: email, name, sections, topics, language, pace, zone, hour.

    Addresses alone will do. A topic that is not there is passed over, so that an older export comes in.

    Columns `state` and `barred`, as our export writes them, are heeded: who left stays out, who was barred
    is barred, and who was waiting is asked to confirm.

    Not `confirmed`: each gets the confirmation mail. `confirmed` needs a `basis`, which is kept as evidence;
    who was waiting for the button here is confirmed by it too.
    Stored in batches, so a second run after an interruption adds only what is missing. `progress` is told the
    number of rows done since the last call. A file is read twice, and never held whole.
    """
    require_basis(confirmed=confirmed, basis=basis)
    ground = Ground(
        house=house,
        key=key,
        state=SubscriptionState.CONFIRMED if confirmed else SubscriptionState.PENDING,
        evidence=Evidence(form="import", wording=basis),
        now=now,
    )
    house.newsletter(key)
    count = Count()
    file = io.BytesIO(data) if isinstance(data, bytes) else data
    # Read first and then stored, so that others can write meanwhile.
    for batch in _batches(ground, read_rows(file)):
        async with house.store.begin() as session:
            await admit(session, ground, batch.people, count)
        count.already += batch.repeated
        count.refused += batch.refused
        if progress:
            progress(batch.rows)
    house.log.event("readers.imported", newsletter=key, added=count.added, refused=len(count.refused))
    return ImportReport(
        added=count.added,
        vouched=count.vouched,
        already=count.already,
        kept_out=count.kept_out,
        refused=tuple(count.refused),
    )


@dataclass(slots=True, kw_only=True)
class _Batch:
    """Rows as they may be stored, by the hash of the address, and those that may not."""

    rows: int
    people: dict[str, Row] = field(default_factory=dict)
    #: Rows whose address another row of the batch has.
    repeated: int = 0
    refused: list[tuple[int, str]] = field(default_factory=list)


def _batches(ground: Ground, rows: Iterator[Row]) -> Iterator[_Batch]:
    """Twice as many rows each time: a short file is told of early, a long one costs few transactions."""
    size = _FIRST
    while some := list(islice(rows, size)):
        yield _checked(ground, some)
        size = min(size * 2, _MOST)


def _checked(ground: Ground, rows: Sequence[Row]) -> _Batch:
    known = {section.key for section in ground.house.newsletter(ground.key).sections}
    batch = _Batch(rows=len(rows))
    for row in rows:
        fault = row.fault or _fault(row, known)
        try:
            email = "" if fault else normalise(row.email)
        except AddressError as exc:
            fault = f"{_shown(row.email)}: {exc.what}{f' {exc.hint}' if exc.hint else ''}"
        if fault:
            batch.refused.append((row.line, fault))
            continue
        email_hash = ground.house.email_hash(email)
        name = printable(row.name, 100)
        as_it_is = email == row.email and name == row.name
        if row.wishes.barred or email_hash not in batch.people:
            batch.people[email_hash] = row if as_it_is else row._replace(email=email, name=name)
    batch.repeated = len(rows) - len(batch.refused) - len(batch.people)
    return batch


def _fault(row: Row, known: Collection[str]) -> str:
    """What the newsletter or the world does not have."""
    if row.zone and local_zone(row.zone).key != row.zone:
        return f'no time zone "{row.zone[:40]}"'
    if row.wishes is NO_WISHES:
        return ""
    sections, pace, hour, *_ = row.wishes
    if strange := next((one for one in sections if one not in known), ""):
        return f'no section "{strange[:40]}"'
    if pace not in PACES:
        return f'no pace "{pace[:40]}" (weekly or monthly)'
    return f'no hour "{hour[:40]}" (0 to 23)' if hour not in HOURS else ""


def _shown(cell: str) -> str:
    """A bad cell as it may stand in a report."""
    return f'"{printable(cell, 60)}"'
