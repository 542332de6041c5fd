"""`digest demo`: what is asked on the command line, and what it ends with."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from digest import eventloop
from digest.demo.options import DemoOptions
from digest.demo.telling import Teller
from digest.demo.week import run_demo
from digest.errors import UsageError


def demo(
    ctx: typer.Context,
    out: Annotated[Path, typer.Option(help="Folder for its results.")] = Path("demo"),
    feeds: Annotated[
        Path | None, typer.Option(help="Make the issue from the feed files of this folder instead.")
    ] = None,
    now: Annotated[
        str, typer.Option(help=r"The time to play at, as 2026-08-22T18:00Z. \[default: now]")
    ] = "",
    readers: Annotated[int, typer.Option(help="How many sample readers there are.")] = 40,
    serve: Annotated[
        bool, typer.Option("--serve", help="Keep the readers' pages and a mailbox up until Ctrl-C.")
    ] = False,
    port: Annotated[int, typer.Option(help="Of the readers' pages with --serve; 0 takes a free one.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="End with one JSON object.")] = False,
) -> None:
    """Play one week end to end on this machine: sample sites, 40 readers, a mailbox that takes everything.

    It works in a temporary folder and over loopback only, leaves its results in --out and nothing else.
    Exit code 1 when a reader got no mail who should have, or two.
    """
    options = DemoOptions(now=_moment(now), out=out, feeds=feeds, readers=readers, serve=serve, port=port)
    plain = not getattr(ctx.obj, "color", True)
    tell = Teller(
        out=Console(no_color=plain, markup=False, highlight=False),
        err=Console(no_color=plain, markup=False, highlight=False, stderr=True),
        as_json=as_json,
        quiet=getattr(ctx.obj, "quiet", False),
    )
    with _ending_on_sigterm():
        result = eventloop.run(run_demo(options, tell=tell))
    sys.stdout.flush()
    if not result.is_good:
        raise typer.Exit(1)


def _moment(written: str) -> datetime:
    """The time in UTC; one without an offset is taken as UTC. UsageError when it cannot be read."""
    if not written:
        return datetime.now(UTC)
    try:
        moment = datetime.fromisoformat(written)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as exc:
        raise UsageError(f'--now "{written}" is no time', hint="it looks like 2026-08-22T18:00Z") from exc


@contextmanager
def _ending_on_sigterm() -> Iterator[None]:
    """Inside, SIGTERM ends the demo as Ctrl-C does, so that its temporary folder is removed."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
