"""The terminal: data on standard output, everything else on standard error."""

import json
import shlex
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, is_dataclass
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any, Self

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from digest.cli.commands import with_options
from digest.errors import DigestError, UsageError
from digest.log import Log

#: Wide enough that nothing of a table is cut when a program reads it.
_UNCUT = 10_000
_STYLES = {"ok": "green", "warn": "yellow", "fail": "red", "failed": "red", "next": "cyan"}

Row = Sequence[str | Text]


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminal:
    """The global options and the two streams; what every command is handed as `ctx.obj`."""

    config: Path | None
    quiet: bool
    color: bool
    debug: bool
    out: Console
    err: Console

    @classmethod
    def open(
        cls, *, config: Path | None = None, quiet: bool = False, color: bool = True, debug: bool = False
    ) -> Self:
        """The terminal of this process; $NO_COLOR is heeded, and what is piped is never coloured."""
        return cls(
            config=config,
            quiet=quiet,
            color=color,
            debug=debug,
            out=_console(color=color),
            err=_console(color=color, stderr=True),
        )

    @property
    def is_interactive(self) -> bool:
        """True when a person can be asked."""
        return sys.stdin.isatty() and self.err.is_terminal

    def log(self) -> Log:
        """Where the use cases' events go: nowhere, a command says itself what it did; with --debug here."""
        return Log(sys.stderr) if self.debug else Log(StringIO(), as_json=True)

    def say(self, label: str, words: str) -> None:
        """One line about what was done; none when --quiet."""
        if not self.quiet:
            self._line(label, words)

    def warn(self, label: str, words: str) -> None:
        """One line that also --quiet shows."""
        self._line(label, words)

    def then(self, command: str, why: str = "") -> None:
        """The next command."""
        self.say("next", f"digest {command}{f'  {why}' if why else ''}")

    def hinted(self, words: str) -> str:
        """The words with the settings file that this command was given in each command that they name."""
        return with_options(words, f"--config {shlex.quote(str(self.config))}" if self.config else "")

    def _line(self, label: str, words: str) -> None:
        words = one_line(self.hinted(words))
        text = Text().append(f"{label:<10}", style=_STYLES.get(label, "bold")).append(words)
        self.err.print(text, soft_wrap=True)

    def error(self, exc: DigestError) -> None:
        """What went wrong and what to do next."""
        head = Text().append(f"error[{exc.id}]", style="bold red")
        self.err.print(head.append(f" {one_line(exc.what)}"), soft_wrap=True)
        if exc.hint:
            self.err.print(Text(f"  {one_line(self.hinted(exc.hint))}"), soft_wrap=True)

    def write(self, line: str = "", *, style: str = "") -> None:
        """One line of data."""
        self.out.print(Text(one_line(line), style=style), soft_wrap=True)

    def table(self, names: Sequence[str], rows: Sequence[Row]) -> None:
        """Rows of data under their names, uncut when they go to a program."""
        table = Table(box=None, pad_edge=False, header_style="bold")
        for name in names:
            table.add_column(name, overflow="fold")
        for row in rows:
            table.add_row(*(Text(one_line(cell)) if isinstance(cell, str) else cell for cell in row))
        with self.out.capture() as captured:
            self.out.print(table)
        lines = captured.get().splitlines()
        sys.stdout.write("\n".join(line.rstrip() for line in lines) + "\n")

    def json(self, value: Mapping[str, Any]) -> None:
        """One JSON object of data."""
        sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2, default=_plain) + "\n")

    @contextmanager
    def bar(self, words: str, total: int | None) -> Iterator[Callable[[int], None]]:
        """A progress bar while the block runs, and what moves it on; none but on a terminal."""
        if self.quiet or not self.err.is_terminal:
            yield lambda _step: None
            return
        parts = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*parts, console=self.err, transient=True) as progress:
            task = progress.add_task(words, total=total)
            yield lambda step: progress.advance(task, step)

    def ask(self, question: str, default: str = "") -> str:
        """A person's answer, `default` when they only press Enter; only call it when `is_interactive`."""
        offered = f" [{default}]" if default else ""
        # asyncio only notes the first Ctrl-C and would leave a person at the question.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            # input() itself would write its prompt to standard output, where only data belongs.
            self.err.print(Text(f"{question}{offered} ", style="bold"), end="", soft_wrap=True)
            return input().strip() or default
        finally:
            signal.signal(signal.SIGINT, before)

    def agree(self, question: str, *, yes: bool) -> bool:
        """True when a person or --yes agrees; UsageError when nobody can be asked."""
        if yes:
            return True
        if not self.is_interactive:
            raise UsageError(f"{question} Nobody is here to answer.", hint="--yes says yes")
        return self.ask(f"{question} y/n").lower() in {"y", "yes"}


def _console(*, color: bool, stderr: bool = False) -> Console:
    """A console that takes text as it is: no markup, no emoji codes, no guesses about what to colour."""
    probe = Console(stderr=stderr)
    plain = not color or probe.no_color
    return Console(
        stderr=stderr,
        color_system=None if plain else "auto",
        markup=False,
        emoji=False,
        highlight=False,
        width=None if probe.is_terminal else _UNCUT,
    )


def of(ctx: typer.Context) -> Terminal:
    """The terminal of a command."""
    found = ctx.obj
    return found if isinstance(found, Terminal) else Terminal.open()


def one_line(text: str) -> str:
    """The text with whatever a terminal could obey or hide (controls, direction marks) as spaces."""
    return "".join(char if char.isprintable() else " " for char in text)


def counted(count: int, noun: str) -> str:
    """ "1 source", "12,408 readers"."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _plain(value: object) -> object:
    """What JSON has no word for."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return str(value)
