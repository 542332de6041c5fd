"""`digest reconcile`: what the mail server's log says of the deliveries that a crash left open."""

import gzip
import io
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Annotated

import typer

from digest import publish
from digest.cli.files import is_binary
from digest.cli.running import AsJson, run, user
from digest.cli.terminal import counted, of
from digest.clock import utc_now
from digest.errors import UsageError
from digest.house import House
from digest.inbound import Fate
from digest.publish import Reconciled

_GZIP = b"\x1f\x8b"
#: A longer line is read in pieces, none of which is one of Postfix's.
_MAX_BYTES = 65_536


def reconcile(
    ctx: typer.Context,
    logs: Annotated[
        list[Path],
        typer.Option("--log", metavar="FILE", help='A Postfix log, also .gz; "-" reads it here. Repeatable.'),
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what the log says.")] = False,
    as_json: AsJson = False,
) -> None:
    """Settle deliveries that a crash left open by Message-ID, from the mail server's own log. Twice is safe.

    Several files, rotated ones too, are read from the oldest to the newest.
    """
    terminal = of(ctx)

    async def work(house: House) -> Reconciled:
        lines = _lines(_by_age(logs))
        return await publish.reconcile(house, lines, by=f"cli {user()}", now=utc_now(), dry_run=dry_run)

    done = run(terminal, work)
    if as_json:
        terminal.json({**_plain(done), "dry_run": dry_run})
    sent, taken = done.fates[Fate.SENT], done.fates[Fate.TAKEN]
    words = f"{counted(sent, 'mail')} sent, {taken} in the server's queue, {done.fates[Fate.BOUNCED]} bounced"
    rest = f"{done.fates[Fate.CUT_OFF]} cut off, {done.unknown} not in the log"
    terminal.say("would" if dry_run else "settled", f"of {done.in_doubt} in doubt: {words}; {rest}")
    if done.in_doubt > done.settled:
        terminal.then("retry N --uncertain", "sends the others again; digest who N --uncertain names them")
    else:
        terminal.then("status")


def _plain(done: Reconciled) -> dict[str, int]:
    fates = {fate.name.lower(): done.fates[fate] for fate in Fate}
    return {"in_doubt": done.in_doubt, "settled": done.settled, "unknown": done.unknown} | fates


def _by_age(logs: list[Path]) -> list[Path]:
    """The oldest first: a message's first lines may stand in the file before."""
    try:
        return sorted(logs, key=lambda file: file.stat().st_mtime if str(file) != "-" else float("inf"))
    except OSError as exc:
        raise UsageError(f"{exc.filename}: {exc.strerror}") from exc


def _lines(logs: list[Path]) -> Iterator[str]:
    """The lines of these files one after the other, never more than a piece of one in memory."""
    for file in logs:
        try:
            if str(file) == "-":
                yield from _text(sys.stdin.buffer, "standard input")
            else:
                with file.open("rb") as raw:
                    yield from _text(raw, str(file))
        except (gzip.BadGzipFile, EOFError, zlib.error) as exc:
            raise UsageError(f"{file} is damaged: {exc}") from exc
        except OSError as exc:
            raise UsageError(f"{file}: {exc.strerror}") from exc


def _text(raw: IO[bytes], name: str) -> Iterator[str]:
    buffered = raw if isinstance(raw, io.BufferedReader) else io.BufferedReader(raw)  # type: ignore[type-var]  # whatever can be read can be peeked at
    is_packed = buffered.peek(2)[:2] == _GZIP
    source = gzip.GzipFile(fileobj=buffered) if is_packed else buffered
    if is_binary(source.peek(_MAX_BYTES)):
        raise UsageError(f"{name} is no log: it is not text", hint="--log /var/log/mail.log")
    while line := source.readline(_MAX_BYTES):
        yield line.decode("utf-8", "replace").rstrip("\r\n")
