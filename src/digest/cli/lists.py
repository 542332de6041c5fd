"""`digest subscribers import|export`: many readers at a time, as CSV."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from digest import subscribe
from digest.cli.failures import PARTLY
from digest.cli.files import is_binary, new_file, open_file
from digest.cli.readers import Basis, Confirmed
from digest.cli.running import AsJson, Newsletter, newsletter_key, run
from digest.cli.terminal import counted, of
from digest.clock import utc_now
from digest.errors import UsageError
from digest.house import House
from digest.subscribe import ImportReport

#: Bytes read at a time to count lines.
_PIECE = 1 << 20


def import_(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help='A CSV file; "-" for standard input.')],
    confirmed: Confirmed = False,
    basis: Basis = "",
    as_json: AsJson = False,
    newsletter: Newsletter = None,
) -> None:
    """Add a CSV of readers: columns email, name, sections, language, pace, zone, hour; or addresses alone.

    A bad row is reported with its line number and the rest goes in (exit 4). Whoever left stays out;
    --confirmed also confirms those who were waiting here for their own confirmation.
    """
    terminal = of(ctx)

    async def work(house: House) -> ImportReport:
        key = newsletter_key(house.settings, newsletter)
        with terminal.bar("importing", lines) as step:
            return await subscribe.import_csv(
                house, key, data, confirmed=confirmed, basis=basis, now=utc_now(), progress=step
            )

    with open_file(file) as data:
        lines = _count_lines(file, data)
        report = run(terminal, work)
    for line, why in report.refused:
        terminal.warn("refused", f"line {line}: {why}")
    if as_json:
        refused = [{"line": line, "why": why} for line, why in report.refused]
        terminal.json(
            {
                "added": report.added,
                "vouched": report.vouched,
                "already": report.already,
                "kept_out": report.kept_out,
                "refused": refused,
            }
        )
    if report == ImportReport():
        terminal.say("none", f"nobody is named in {file}; nothing was added")
    else:
        terminal.say("added", _words(report))
    if report.added and not confirmed:
        terminal.then("run", "sends the confirmation mails")
    else:
        terminal.then("subscribers list")
    if report.refused:
        raise typer.Exit(PARTLY)


def _count_lines(path: Path, file: BinaryIO) -> int | None:
    """How many lines there are, if they end as most do; UsageError for what is no text."""
    piece, count = file.read(_PIECE), 0
    if is_binary(piece):
        raise UsageError(f"{path} is no CSV: it is not text", hint="a spreadsheet exports its table as CSV")
    while piece:
        count += piece.count(b"\n")
        piece = file.read(_PIECE)
    return count or None


def _words(report: ImportReport) -> str:
    vouched = f"{report.vouched} confirmed who waited, " if report.vouched else ""
    return (
        f"{report.added}; {vouched}{report.already} were there already, "
        f"{report.kept_out} left or are barred, {counted(len(report.refused), 'row')} refused"
    )


def export(
    ctx: typer.Context,
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="Default: standard output.")] = None,
    newsletter: Newsletter = None,
) -> None:
    """Write every reader as CSV, safe to open in a spreadsheet."""
    terminal = of(ctx)

    async def work(house: House) -> int:
        key = newsletter_key(house.settings, newsletter)
        if file is None or str(file) == "-":
            return await _write(house, key, sys.stdout.write)
        with new_file(file) as out:
            return await _write(house, key, lambda line: out.write(line.encode()))

    count = run(terminal, work)
    terminal.say("wrote", f"{counted(count - 1, 'reader')}{f' to {file}' if file else ''}")


async def _write(house: House, key: str, write: Callable[[str], object]) -> int:
    """How many lines there were; one at a time, however many."""
    count = 0
    async for line in subscribe.export_csv(house, key):
        write(line)
        count += 1
    return count
