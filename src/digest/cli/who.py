"""`digest who`: the readers of an issue by what became of their mail, however many there are."""

import csv
import json
import sys
from collections.abc import AsyncIterator, Callable
from enum import StrEnum
from typing import Annotated

import typer

from digest.cli.ledger import ledger_of
from digest.cli.running import Newsletter, Number, local, newsletter_key, pick_issue, run
from digest.cli.terminal import of, one_line
from digest.domain import DeliveryState, Issue
from digest.errors import UsageError
from digest.house import House
from digest.store import deliveries
from digest.store.tally import Named

_WAITING = (
    DeliveryState.QUEUED,
    DeliveryState.DEFERRED,
    DeliveryState.CLAIMED,
    DeliveryState.HANDED,
)
_NAMES = ("email", "state", "attempts", "updated_at", "reason", "reply")
#: How wide an address is shown; a longer one moves its own line only.
_WIDE = 36


class _Form(StrEnum):
    """How the list is written."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


def who(
    ctx: typer.Context,
    number: Number = None,
    missed: Annotated[
        bool, typer.Option("--missed", help="Who should have it and has not: failed, uncertain, waiting.")
    ] = False,
    failed: Annotated[bool, typer.Option("--failed", help="Whom the server refused.")] = False,
    uncertain: Annotated[bool, typer.Option("--uncertain", help="Whom a crash left open.")] = False,
    sent: Annotated[bool, typer.Option("--sent", help="Whose mail the server took.")] = False,
    skipped: Annotated[bool, typer.Option("--skipped", help="Who was left out, and why.")] = False,
    waiting: Annotated[bool, typer.Option("--waiting", help="Whose mail is still to go.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="CSV with a head.")] = False,
    newsletter: Newsletter = None,
) -> None:
    """List the readers of an issue by what became of their mail; without an option all of them."""
    terminal = of(ctx)
    if as_json and as_csv:
        raise UsageError("--json or --csv, not both")
    form = _Form.JSON if as_json else _Form.CSV if as_csv else _Form.TABLE
    chosen: set[DeliveryState] = set()
    for wanted, states in (
        (missed, (DeliveryState.FAILED, DeliveryState.UNCERTAIN, *_WAITING)),
        (failed, (DeliveryState.FAILED,)),
        (uncertain, (DeliveryState.UNCERTAIN,)),
        (sent, (DeliveryState.SENT,)),
        (skipped, (DeliveryState.SKIPPED,)),
        (waiting, _WAITING),
    ):
        chosen |= set(states) if wanted else set()

    async def work(house: House) -> int:
        issue = await pick_issue(house, newsletter_key(house.settings, newsletter), number)
        count = await _write(house, issue, chosen or set(DeliveryState), form)
        terminal.say("issue", f"{issue.number}: {(await ledger_of(house, issue)).words()}")
        return count

    count = run(terminal, work)
    terminal.say("shown", f"{count:,}")
    terminal.then("explain --reader EMAIL" if count else "issues list")


async def _write(house: House, issue: Issue, states: set[DeliveryState], form: _Form) -> int:
    """How many lines were written."""
    line = _writer(house, issue, form)
    count = 0
    async for one in _all(house, issue, states):
        line(one)
        count += 1
    return count


async def _all(house: House, issue: Issue, states: set[DeliveryState]) -> AsyncIterator[Named]:
    """The deliveries, each page in a transaction of its own, so that no sending is held up."""
    after = 0
    while True:
        async with house.store.read() as session:
            found = await deliveries.page(session, issue.id, sorted(states), after=after)
        if not found:
            return
        for one in found:
            yield one
        after = found[-1].delivery.subscriber_id


def _writer(house: House, issue: Issue, form: _Form) -> Callable[[Named], None]:
    if form is _Form.CSV:
        table = csv.writer(sys.stdout)
        table.writerow(_NAMES)
        return lambda one: table.writerow(_plain(one).values())
    if form is _Form.JSON:
        return lambda one: _line(json.dumps(_plain(one), ensure_ascii=False))
    return lambda one: _line(_told(house, issue, one))


def _line(text: str) -> None:
    sys.stdout.write(text + "\n")


def _plain(one: Named) -> dict[str, object]:
    row = one.delivery
    return {
        "email": one.email,
        "state": str(row.state),
        "attempts": row.attempts,
        "updated_at": row.updated_at.isoformat() if row.updated_at else "",
        "reason": row.reason,
        "reply": row.reply,
    }


def _told(house: House, issue: Issue, one: Named) -> str:
    row = one.delivery
    words = ": ".join(part for part in (row.reason, row.reply) if part)
    tries = f"{row.attempts}×" if row.attempts else ""
    when = local(house, issue.newsletter, row.updated_at)
    return one_line(f"{one.email or '(erased)':<{_WIDE}} {row.state:<9} {tries:>3} {when}  {words}").rstrip()
