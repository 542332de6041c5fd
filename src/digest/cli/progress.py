"""The bar of a sending: how far, how fast, how long still, and what is put off for which reason."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from digest.cli.terminal import Terminal, one_line
from digest.deliver import gist
from digest.domain import Outcome, OutcomeKind

#: Reasons that are shown beside the bar.
_SHOWN = 2


class _Rate(ProgressColumn):
    """Messages a second, over the last half minute."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:,.0f}/s" if speed else "–/s")


class Tally:
    """What a sending has seen so far."""

    def __init__(self) -> None:
        self.put_off: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()

    def add(self, outcome: Outcome) -> None:
        """Count an outcome."""
        if outcome.kind in {OutcomeKind.DEFERRED, OutcomeKind.UNCERTAIN}:
            self.put_off[gist(outcome.reply)] += 1
        elif outcome.kind is OutcomeKind.FAILED:
            self.refused[gist(outcome.reply)] += 1

    def words(self) -> str:
        """ "12 put off (450 4.2.1 later); 3 refused (550 5.1.1 unknown)", or ""."""
        parts = []
        for label, counted in (("put off", self.put_off), ("refused", self.refused)):
            if counted:
                parts.append(f"{counted.total():,} {label} ({listed(counted, _SHOWN)})")
        return one_line("; ".join(parts))


def listed(counted: Counter[str], most: int) -> str:
    """The most frequent reasons with their numbers, and how many more there are."""
    shown = counted.most_common(most)
    alone = len(counted) == 1
    parts = [words if alone else f"{words}: {count:,}" for words, count in shown]
    more = len(counted) - len(shown)
    return "; ".join(parts) + (f"; {more} more reasons" if more > 0 else "")


@contextmanager
def sending_bar(terminal: Terminal, count: int) -> Iterator[Callable[[Outcome], None]]:
    """What takes each outcome; on a terminal it moves a bar with rate, rest and reasons."""
    if terminal.quiet or not terminal.err.is_terminal:
        yield lambda _outcome: None
        return
    parts = (
        TextColumn("sending"),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[said]}", style="yellow", markup=False),
    )
    tally = Tally()
    with Progress(*parts, console=terminal.err, transient=True) as progress:
        task = progress.add_task("", total=count, said="")

        def watch(outcome: Outcome) -> None:
            tally.add(outcome)
            progress.update(task, advance=1, said=tally.words())

        yield watch
