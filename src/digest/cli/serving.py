"""`digest run`: the daemon with its pages; `digest worker`: hands for it on other machines."""

import asyncio
import signal
import socket
import sys
from typing import Annotated

import typer

from digest import eventloop
from digest.cli.running import load_settings
from digest.cli.terminal import Terminal, of
from digest.config import Settings
from digest.errors import UsageError
from digest.house import open_house
from digest.jobs import QUEUES, Runner, Worker, open_hints, queues_of
from digest.log import Log
from digest.schedule import TICKS, Daemon, listen


def run(
    ctx: typer.Context,
    host: Annotated[str | None, typer.Option(help=r"Default: \[web] host.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help=r"Default: \[web] port; 0 takes any.")
    ] = None,
) -> None:
    """Gather, make issues, send them and serve the pages, until SIGTERM or Ctrl-C.

    A second daemon on the same database does no harm: a lease lets one do each job.
    """
    terminal = of(ctx)
    settings = load_settings(terminal)
    place = (host or settings.web.host, settings.web.port if port is None else port)
    with listen(*place) as listening:
        eventloop.run(_serve(terminal, settings, listening))


def worker(
    ctx: typer.Context,
    concurrency: Annotated[int, typer.Option(min=1, max=50, help="Jobs at a time.")] = 4,
    queues: Annotated[str, typer.Option(help="Which jobs, with commas between.")] = ",".join(QUEUES),
) -> None:
    """Work for a `digest run` elsewhere, until SIGTERM or Ctrl-C: send its issues and notices, gather.

    On as many machines as you like, with the same settings and one PostgreSQL. One that dies loses nothing.
    """
    terminal = of(ctx)
    wanted = queues_of(queues)
    settings = load_settings(terminal)
    eventloop.run(_work(terminal, settings, wanted, concurrency))


async def _work(terminal: Terminal, settings: Settings, queues: tuple[str, ...], concurrency: int) -> None:
    log = Log(sys.stderr)
    log.quiet = terminal.quiet
    async with open_house(settings, log=log) as house, open_hints(house.store) as told:
        if told is None:
            raise UsageError(
                "digest worker needs PostgreSQL: on SQLite digest run does all the work",
                hint='database = "postgresql://…"',
            )
        worker = Worker(house, told, queues=queues, concurrency=concurrency)
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, worker.stop)
        await worker.serve()


async def _serve(terminal: Terminal, settings: Settings, listening: socket.socket) -> None:
    from digest.web import create_app

    log = Log(sys.stderr)
    log.quiet = terminal.quiet
    async with open_house(settings, log=log) as house, open_hints(house.store) as told:
        ticks = TICKS if told else {job: seconds for job, seconds in TICKS.items() if job != "deliver"}
        daemon = Daemon(house, Runner(house=house, told=told), ticks=ticks)
        await daemon.serve(create_app(house, wake=daemon.wake), listening)
