"""`digest run`: the daemon with its pages."""

import asyncio
import socket
import sys
from typing import Annotated

import typer

from digest.cli.running import load_settings
from digest.cli.terminal import Terminal, of
from digest.config import Settings
from digest.house import open_house
from digest.jobs import Runner
from digest.log import Log
from digest.schedule import Daemon, listen


def run(
    ctx: typer.Context,
    host: Annotated[str | None, typer.Option(help="Default: [web] host.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Default: [web] port; 0 takes any.")
    ] = None,
) -> None:
    """Gather, make issues, send them and serve the pages, until SIGTERM or Ctrl-C.

    A second daemon on the same database does no harm: a lease lets one do each job.
    """
    terminal = of(ctx)
    settings = load_settings(terminal)
    place = (host or settings.web.host, settings.web.port if port is None else port)
    with listen(*place) as listening:
        asyncio.run(_serve(terminal, settings, listening))


async def _serve(terminal: Terminal, settings: Settings, listening: socket.socket) -> None:
    from digest.web import create_app

    log = Log(sys.stderr)
    log.quiet = terminal.quiet
    async with open_house(settings, log=log) as house:
        daemon = Daemon(house, Runner(house=house))
        await daemon.serve(create_app(house, wake=daemon.wake), listening)
