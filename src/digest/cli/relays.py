"""`digest relays`: what each relay has carried and may still carry, and which domains throttle us."""

from dataclasses import asdict

import typer

from digest.cli.running import AsJson, run
from digest.cli.terminal import of
from digest.clock import utc_now
from digest.house import House
from digest.standing import DomainStanding, RelayStanding, relay_standings, throttled_domains


def relays(ctx: typer.Context, as_json: AsJson = False) -> None:
    """What each relay has carried today and may still carry, and which receiving domains throttle us."""
    terminal = of(ctx)

    async def work(house: House) -> None:
        async with house.store.read() as session:
            ways = await relay_standings(session, house.settings, now=utc_now())
            slow = await throttled_domains(session)
        if as_json:
            terminal.json(
                {"relays": [asdict(one) for one in ways], "throttled": [asdict(one) for one in slow]}
            )
            return
        for way in ways:
            terminal.write(f"{way.name:<12} {_limits(way)}")
        for domain in slow:
            terminal.write(f"{domain.domain:<12} {domain_words(domain)}", style="yellow")

    run(terminal, work)
    terminal.then("doctor", "tries each of them")


def plain(ways: list[RelayStanding], slow: list[DomainStanding]) -> dict[str, object]:
    """Both as `--json` shows them."""
    return {"relays": [asdict(one) for one in ways], "throttled": [asdict(one) for one in slow]}


def _limits(way: RelayStanding) -> str:
    rate = "as fast as it takes them" if way.per_second is None else f"{way.per_second:g} a second"
    now = "" if way.tokens is None else f", {way.tokens} may leave now"
    return f"{way.words()}; {rate} on {way.connections} connections, weight {way.weight:g}{now}"


def domain_words(domain: DomainStanding) -> str:
    """How fast a throttled domain is sent to, and what it said."""
    return f"throttled to {domain.per_second:g} a second: {domain.reply}"
