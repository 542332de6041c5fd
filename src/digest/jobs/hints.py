"""Tells workers on other machines that there is work. A hint may be lost or come twice: it only says look."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from digest.errors import StoreError
from digest.store import Store, hints, leases

if TYPE_CHECKING:
    from procrastinate import App

#: What workers can be asked for; the first to be served comes first.
QUEUES = ("notices", "deliver", "gather")
#: The names of workers' leases begin so.
_WORKER = "worker "


class Hints:
    """Puts hints where workers find them."""

    def __init__(self, app: "App") -> None:
        """`open_hints` makes it and closes what it needs."""
        self.app = app

    async def give(self, queue: str, issue_id: int = 0, *, later: timedelta = timedelta(0)) -> None:
        """Say that there is work, on that issue if it is one's; nothing when the same hint waits already."""
        from procrastinate.exceptions import AlreadyEnqueued, ConnectorException

        job = self.app.configure_task(
            queue,
            queue=queue,
            queueing_lock=f"{queue} {issue_id}",
            priority=-QUEUES.index(queue),
            schedule_in={"seconds": later.total_seconds()} if later else None,
        )
        try:
            await job.defer_async(issue_id=issue_id)
        except AlreadyEnqueued:
            return
        except ConnectorException as exc:
            raise StoreError(f"the workers' queue cannot be used: {exc}", hint="digest db upgrade") from exc


@asynccontextmanager
async def open_hints(store: Store) -> AsyncIterator[Hints | None]:
    """Where hints are given; None on SQLite, where this process does all the work."""
    if store.is_sqlite:
        yield None
        return
    import logging

    from procrastinate import App, PsycopgConnector

    # What it has to say is said by our own log.
    logging.getLogger("procrastinate").setLevel(logging.CRITICAL)
    connector = PsycopgConnector(
        conninfo=hints.conninfo(store),
        kwargs={"options": f"-c search_path={hints.SCHEMA}"},
        min_size=1,
        max_size=4,
    )
    app = App(connector=connector)
    async with app.open_async():
        yield Hints(app)


def worker_lease(holder: str) -> str:
    """The name of the lease by which a worker shows that it lives."""
    return f"{_WORKER}{holder}"


async def workers(store: Store, *, now: datetime) -> dict[str, tuple[str, ...]]:
    """Who works on this database right now (host, number, a unique part), and at which queues."""
    async with store.read() as session:
        found = await leases.all_of(session, _WORKER)
    return {one.name.removeprefix(_WORKER): tuple(one.holder.split(",")) for one in found if one.until >= now}


async def forget_workers(store: Store, *, before: datetime) -> None:
    """Forget workers that were last seen before then."""
    async with store.begin() as session:
        gone = [one.name for one in await leases.all_of(session, _WORKER) if one.until < before]
        await leases.drop(session, gone)
