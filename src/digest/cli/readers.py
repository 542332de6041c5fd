"""`digest subscribers add|list|show|remove|undo|erase`: one reader, or a look at all of them."""

import sys
from collections.abc import AsyncIterator
from datetime import datetime
from enum import StrEnum
from typing import Annotated, TypedDict

import typer

from digest import subscribe
from digest.cli.history import time_line
from digest.cli.running import AsJson, Newsletter, Yes, local, newsletter_key, run
from digest.cli.terminal import Terminal, of
from digest.clock import utc_now
from digest.domain import Cadence, Subscription, SubscriptionState
from digest.errors import NotFoundError
from digest.house import House
from digest.store import subscribers
from digest.subscribe import Evidence
from digest.tokens import Purpose

Email = Annotated[str, typer.Argument(metavar="EMAIL", help="The reader's address.")]
Basis = Annotated[str, typer.Option(help="Where a --confirmed consent comes from; kept as evidence.")]
Confirmed = Annotated[bool, typer.Option("--confirmed", help="Without a confirmation mail; needs --basis.")]


class Shown(StrEnum):
    """Which readers are meant."""

    #: Waits for the button in the confirmation mail.
    PENDING = "pending"
    #: Gets issues.
    CONFIRMED = "confirmed"
    #: Wants no more.
    LEFT = "left"
    #: Barred after a complaint, a hard bounce, or by hand.
    SUPPRESSED = "suppressed"


def shown_as(one: Subscription) -> Shown:
    """What a list calls a reader's state."""
    return Shown.SUPPRESSED if one.suppressed else Shown(one.state)


def add(
    ctx: typer.Context,
    email: Email,
    name: Annotated[str, typer.Option(help="As it stands in a greeting.")] = "",
    confirmed: Confirmed = False,
    basis: Basis = "",
    newsletter: Newsletter = None,
) -> None:
    """Add a reader: they get the confirmation mail and nothing else until they press its button.

    Who is there already stays as they are; --confirmed confirms who still waits. Who left stays out.
    """
    terminal, now = of(ctx), utc_now()

    async def work(house: House) -> Subscription:
        key = newsletter_key(house.settings, newsletter)
        one = await subscribe.add(house, key, email, name=name, confirmed=confirmed, basis=basis, now=now)
        if one.requested_at == now:
            terminal.say("added", _standing(one))
        elif one.confirmed_at == now:
            terminal.say("confirmed", f"{one.subscriber.email}, who waited for it")
        else:
            terminal.say("already", f"{_standing(one)} since {_since(house, key, one)}")
        return one

    one = run(terminal, work)
    email = one.subscriber.email
    if one.state is SubscriptionState.PENDING and (offer := subscribe.suggestion(email)):
        terminal.warn("hint", f"is it {offer}? digest subscribers erase {email} undoes it")
    if one.state is SubscriptionState.PENDING and one.requested_at == now:
        terminal.then("run", "sends the confirmation mail")
    else:
        terminal.then(f"subscribers show {email}")


def _standing(one: Subscription) -> str:
    waits = one.state is SubscriptionState.PENDING
    return f"{one.subscriber.email}, {'waits for their confirmation' if waits else one.state}"


def list_(
    ctx: typer.Context,
    state: Annotated[Shown | None, typer.Option(help="Only these.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
    as_json: AsJson = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="CSV on standard output, without a limit.")] = False,
    newsletter: Newsletter = None,
) -> None:
    """List readers, and count them by state."""
    terminal = of(ctx)

    async def work(house: House) -> None:
        key = newsletter_key(house.settings, newsletter)
        if as_csv:
            async for line in subscribe.export_csv(house, key, **_which(state)):
                sys.stdout.write(line)
            return
        async with house.store.read() as session:
            counts = await subscribers.counts(session, key)
        some = [one async for one in _some(house, key, state, limit)]
        if as_json:
            terminal.json({"subscribers": [plain(one) for one in some], "counts": counts})
            return
        names = ("email", "name", "state", "sections", "since")
        terminal.table(names, [(*_cells(one), _since(house, key, one)) for one in some])
        total = ", ".join(f"{count} {name}" for name, count in counts.items()) or "no readers yet"
        terminal.say("shown", f"{len(some)}; all: {total}")
        terminal.then("subscribers show EMAIL" if some else "subscribers add EMAIL")

    run(terminal, work)


async def _some(house: House, key: str, state: Shown | None, limit: int) -> AsyncIterator[Subscription]:
    """The first `limit` readers in that state."""
    left = limit
    async with house.store.read() as session:
        async for page in subscribers.pages(session, key, **_which(state)):
            for one in page[:left]:
                yield one
            left -= len(page)
            if left <= 0:
                return


class _Which(TypedDict):
    """What the store is asked for."""

    state: SubscriptionState | None
    barred: bool | None


def _which(shown: Shown | None) -> _Which:
    """The readers that a list shows in that state: who is barred is that and nothing else."""
    if shown is None or shown is Shown.SUPPRESSED:
        return {"state": None, "barred": True if shown else None}
    return {"state": SubscriptionState(shown), "barred": False}


def _cells(one: Subscription) -> tuple[str, str, str, str]:
    person = one.subscriber
    return person.email, person.name, shown_as(one), ", ".join(one.sections) or "all"


def _since(house: House, key: str, one: Subscription) -> str:
    return local(house, key, one.left_at or one.confirmed_at or one.requested_at)


def plain(one: Subscription) -> dict[str, object]:
    """A reader as `--json` shows them."""
    person = one.subscriber
    names = ("sections", "topics", "requested_at", "confirmed_at", "left_at", "suppressed")
    chosen = {"pace": one.cadence, "hour": one.hour, "zone": person.zone, "paused_until": one.paused_until}
    return (
        {"id": person.id, "email": person.email, "name": person.name, "state": shown_as(one)}
        | {name: getattr(one, name) for name in names}
        | chosen
    )


def show(ctx: typer.Context, email: Email, as_json: AsJson = False, newsletter: Newsletter = None) -> None:
    """Everything that is known of one reader, as a time line."""
    terminal = of(ctx)
    run(terminal, lambda house: tell_reader(terminal, house, newsletter, email, as_json=as_json))


async def tell_reader(
    terminal: Terminal, house: House, newsletter: str | None, email: str, *, as_json: bool
) -> None:
    """Print one reader's subscription and time line."""
    key = newsletter_key(house.settings, newsletter)
    one = await subscribe.find(house, key, email)
    line = await time_line(house, one)
    if as_json:
        terminal.json(plain(one) | {"history": line})
        return
    address, name, state, sections = _cells(one)
    barred = f" ({one.suppressed})" if one.suppressed else ""
    who = f"{address}{f', {name}' if name else ''}: {state}{barred}"
    terminal.write(f"{who}, sections: {sections}{topics_words(house, one)}")
    for moment in line:
        terminal.write(f"  {local(house, key, moment.at)}  {moment.what}")
    if one.state is not SubscriptionState.LEFT:
        terminal.write(f"  wants: {wants(house, one, now=utc_now())}")
    what = "the issue of the month" if one.cadence is Cadence.MONTHLY else "the next issue"
    out = one.exclusion_at(utc_now())
    until = f" until {local(house, key, one.paused_until)}" if out == "paused" else ""
    why = f"gets no issue: {out}{until}" if out else f"gets {what}{_at(one)}"
    terminal.write(f"  now: {why}")


def wants(house: House, one: Subscription, *, now: datetime) -> str:
    """What the reader chose, in a line: "the issue of the month, at 18:00, Asia/Tokyo time"."""
    zone = one.subscriber.zone
    is_paused = one.paused_until is not None and one.paused_until > now
    parts = [
        "the issue of the month" if one.cadence is Cadence.MONTHLY else "every issue",
        "" if one.hour is None else f"at {one.hour:02}:00",
        f"{zone} time" if zone else "",
        f"paused until {local(house, one.newsletter, one.paused_until)}" if is_paused else "",
    ]
    return ", ".join(part for part in parts if part)


def topics_words(house: House, one: Subscription) -> str:
    """ ", topics: agents", or ""; one that the settings no longer have counts for nothing."""
    known = house.newsletter(one.newsletter).topics
    named = (topic if topic in known else f"{topic} (no topic any more)" for topic in one.topics)
    return f", topics: {', '.join(named)}" if one.topics else ""


def _at(one: Subscription) -> str:
    """Which hour they wait for, if they chose one."""
    if one.hour is None:
        return ""
    return f" at {one.hour:02}:00{f' {one.subscriber.zone} time' if one.subscriber.zone else ''}"


def remove(ctx: typer.Context, email: Email, newsletter: Newsletter = None, yes: Yes = False) -> None:
    """Stop all mail to a reader, as if they had left: no import brings them back."""
    terminal = of(ctx)

    async def work(house: House) -> str:
        key = newsletter_key(house.settings, newsletter)
        there = await subscribe.find(house, key, email)
        if there.state is SubscriptionState.LEFT:
            return f"already, {local(house, key, there.left_at)}"
        if not terminal.agree(f"Send {there.subscriber.email} nothing more?", yes=yes):
            raise typer.Exit(0)
        await subscribe.leave_by_operator(house, key, email, now=utc_now())
        return f"{there.subscriber.email} gets nothing more"

    terminal.say("left", run(terminal, work))
    terminal.then(f"subscribers undo {email}", "takes it back within seven days")


def undo(ctx: typer.Context, email: Email, newsletter: Newsletter = None) -> None:
    """Take back a removal of the last seven days."""
    terminal = of(ctx)

    async def work(house: House) -> Subscription:
        key = newsletter_key(house.settings, newsletter)
        there = await subscribe.find(house, key, email)
        token = house.token(Purpose.LEAVE, key, there.subscriber.id)
        return await subscribe.undo(house, key, token, evidence=Evidence(form="operator"), now=utc_now())

    one = run(terminal, work)
    terminal.say("back", f"{one.subscriber.email} is {one.state} again")
    terminal.then(f"subscribers show {email}")


def erase(ctx: typer.Context, email: Email, newsletter: Newsletter = None, yes: Yes = False) -> None:
    """Delete a reader and everything that hangs on them. There is no undo; remove only stops the mail."""
    terminal = of(ctx)

    async def work(house: House) -> None:
        key = newsletter_key(house.settings, newsletter)
        there = await subscribe.find(house, key, email)
        if not terminal.agree(f"Delete {there.subscriber.email} and their history for good?", yes=yes):
            raise typer.Exit(0)
        await subscribe.remove(house, key, email)

    try:
        run(terminal, work)
    except NotFoundError:
        terminal.say("erased", "nobody of that address is here")
        return
    terminal.say("erased", email)
    terminal.then("subscribers list")
