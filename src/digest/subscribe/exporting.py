"""Readers as CSV, safe to open in a spreadsheet."""

import csv
from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from digest.domain import Subscription, SubscriptionState
from digest.house import House
from digest.store import subscribers

COLUMNS = (
    "email",
    "name",
    "state",
    "sections",
    "language",
    "pace",
    "zone",
    "hour",
    "requested",
    "confirmed",
    "left",
    "barred",
    "topics",
)

#: What a spreadsheet takes for the beginning of a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


async def export_csv(
    house: House, key: str, *, state: SubscriptionState | None = None, barred: bool | None = None
) -> AsyncIterator[str]:
    """Lines with their ends, a header first; a cell that looks like a formula gets a leading apostrophe.

    Only readers in `state`, only those who are `barred` or are not; None for all.
    """
    house.newsletter(key)
    yield _line(COLUMNS)
    async with house.store.read() as session:
        async for page in subscribers.pages(session, key, state=state, barred=barred):
            for one in page:
                yield _line(_cells(one))


def _cells(one: Subscription) -> tuple[str, ...]:
    person = one.subscriber
    times = (one.requested_at, one.confirmed_at, one.left_at)
    sections = " ".join(one.sections)
    return (
        person.email,
        person.name,
        one.state,
        sections,
        person.language,
        one.cadence,
        person.zone,
        "" if one.hour is None else str(one.hour),
        *map(_time, times),
        one.suppressed,
        " ".join(one.topics),
    )


def _time(moment: datetime | None) -> str:
    return moment.isoformat(timespec="seconds") if moment else ""


class _Echo:
    """A file that gives back what is written to it."""

    def write(self, line: str) -> str:
        return line


_WRITER = csv.writer(_Echo(), lineterminator="\n")


def _line(cells: Sequence[str]) -> str:
    # What writing gave is what the writer gives, whatever its stub says.
    line: object = _WRITER.writerow([f"'{cell}" if cell.startswith(FORMULA) else cell for cell in cells])
    return str(line)
