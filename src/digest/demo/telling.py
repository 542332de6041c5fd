"""What a demo says: its steps and progress on standard error, the draft and the table on standard output."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from digest.demo.options import DemoOptions
from digest.domain import Issue, Outcome, Source, Story
from digest.invoked import program
from digest.publish import GatherReport

_FAILED = "bold red"
_STATES = {
    "confirmed": "confirmed",
    "pending": "did not press it",
    "left": "left",
    "returning": "left and asked again",
    "twice": "asked twice",
    "bounced": "mailbox gone",
    "complained": "called it spam",
}
#: Reasons of these rules say why a story is where it is; the others weigh it against its neighbours.
_TOLD_RULES = ("section.", "story.", "pick.")


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoResult:
    """What a demo came to; mails are counted where they arrived."""

    sources: int
    sources_failed: int
    articles: int
    stories: int
    sections: Mapping[str, int]
    audience: int
    sent: int
    excluded: int
    #: Readers who should have got the issue and did not, and those who got it more than once.
    missing: int
    twice: int
    why_excluded: Mapping[str, int] = field(default_factory=dict)
    #: (title, line) of the sources that could not be read.
    errors: tuple[tuple[str, str], ...] = ()
    out: str = ""
    seconds: float = 0.0
    #: Of one reader's mail.
    bytes: int = 0

    @property
    def is_good(self) -> bool:
        """True when every reader who should have the issue has it, once."""
        return not self.missing and not self.twice

    def to_json(self) -> str:
        """One JSON object on one line."""
        values = asdict(self)
        del values["errors"]
        return json.dumps(values, ensure_ascii=False)


class Teller:
    """Tells a demo as it goes, in words for somebody who sees it for the first time."""

    def __init__(self, *, out: Console, err: Console, as_json: bool = False, quiet: bool = False) -> None:
        """With `as_json` the standard output holds one object and nothing else; `quiet` drops the steps."""
        self._out = err if as_json else out
        self._json = out if as_json else None
        self._err = Console(quiet=True) if quiet else err
        self._quiet = quiet
        self._is_serving = False

    def begins(self, options: DemoOptions) -> None:
        """Say what is about to happen."""
        self._is_serving = options.serve
        when = f"{options.now:%A %d %B %Y, %H:%M} UTC"
        self._err.print(f"One week of a newsletter on this machine only; it is {when}.", style="bold")

    def sites(self, sources: tuple[Source, ...], *, from_folder: bool) -> None:
        """Say where articles come from."""
        what = (
            "feeds of the folder, each"
            if from_folder
            else "sample sites (feeds, a calendar, two pages; one broken, one dead),"
        )
        self._step("sites", f"{len(sources)} {what} served on 127.0.0.1")

    def crowd(self, states: Counter[str], *, notices: int) -> None:
        """Say who the readers are."""
        what = ", ".join(f"{words} {states[state]}" for state, words in _STATES.items() if states[state])
        words = f"{states.total()} signed up and were mailed a link with a button to press"
        self._step("readers", f"{words}: {what} ({notices} mails so far, no issue among them)")

    def gathered(self, report: GatherReport) -> None:
        """Say what was read, and what was not and why."""
        words = f"{report.fresh} sources read, {report.articles} articles"
        self._step("gather", f"{words}; {report.failed} could not be read:" if report.failed else words)
        for title, line in report.errors:
            self._err.print(_columns(Text(""), _pair(f"{title}: ", line, _FAILED), width=9))

    def draft(self, issue: Issue) -> None:
        """Show the draft by section with why each story is in it."""
        content = issue.content
        head = f"issue {issue.number}, {len(content.stories)} stories from {content.articles_read} articles"
        self._step("draft", f"{head}; why each is in it:")
        for section in content.sections:
            self._out.print()
            self._out.print(f"{section.label} ({len(section.stories)})", style="bold underline")
            for number, story in enumerate(section.stories, 1):
                self._story(number, story)
        self._out.print()

    def _story(self, number: int, story: Story) -> None:
        tier = f", {story.tier}" if story.event is None else _when(story)
        source = ", ".join([story.source, *(f"also {name}" for name in story.also)])
        words = Text.assemble((story.title, "bold"), f"\n{source}{tier}\n", (_why(story), "dim"))
        self._out.print(_columns(Text(str(number), style="dim", justify="right"), words, width=2))

    def shown(self, remarks: Iterable[tuple[str, str]]) -> None:
        """Say what is to be seen in the draft, a line each."""
        for name, words in remarks:
            self._step(name, words)

    def approved(self, issue: Issue, editor: str) -> None:
        """Say that the editor let it go."""
        words = f"the draft was mailed to {editor}, who approves revision {issue.revision}; it is frozen now"
        self._step("approve", words)

    @contextmanager
    def sending(self) -> Iterator[Callable[[Outcome], None]]:
        """A function that takes each outcome; the sum is told at the end."""
        kinds: Counter[str] = Counter()
        yield lambda outcome: kinds.update([outcome.kind])
        words = ", ".join(f"{count} {kind}" for kind, count in kinds.items()) or "nobody to send to"
        self._step("send", f"{words} over SMTP to a mailbox that takes everything and delivers nothing")

    def again(self, report: GatherReport, *, refusal: str, mails: int) -> None:
        """Say what came of doing everything a second time."""
        words = f"gathered once more: {report.articles} new articles; drafted once more: {refusal}; "
        self._step("again", f"{words}sent once more: {mails} mails")

    def result(self, result: DemoResult) -> None:
        """Show the table, and the object that scripts read."""
        self._out.print(_table(result))
        self._out.print(_sum(result), style="bold" if result.is_good else _FAILED)
        if not self._quiet:
            self._err.print(_next(result, is_serving=self._is_serving))
        if self._json:
            self._json.print(result.to_json(), soft_wrap=True)

    def serving(self, site: str, box: str) -> None:
        """Name the addresses that are up, however quiet."""
        lines = f"readers' pages   {site}\nmailbox          {box}\nCtrl-C ends both."
        self._out.print(f"\n{lines}", soft_wrap=True)

    def _step(self, name: str, words: str) -> None:
        self._err.print(_columns(Text(name, style="bold cyan"), Text(words), width=9))


def _columns(head: Text, words: Text, *, width: int) -> Table:
    """The head in a column of its own, so that the words keep their margin when they wrap."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(width=width)
    grid.add_column()
    grid.add_row(head, words)
    return grid


def _pair(head: str, words: str, head_style: str = "", style: str = "") -> Text:
    """Feed text is never markup, so it is put together from pieces."""
    return Text.assemble((head, head_style), (words, style))


def _when(story: Story) -> str:
    if story.event is None:
        return ""
    what = "deadline" if story.event.is_deadline else "event"
    return f", {what} on {story.event.starts_at:%a %d %b}"


def _why(story: Story) -> str:
    told = [reason.words for reason in story.reasons if reason.rule.startswith(_TOLD_RULES)]
    score = [f"Score {story.score:.2f}."] if story.event is None else []
    return " ".join([*told, *score])


def _table(result: DemoResult) -> Table:
    table = Table(show_header=False, box=None, padding=(0, 3, 0, 0), title="", title_justify="left")
    table.add_column(style="bold")
    table.add_column(justify="right")
    table.add_column()
    rows = _rows(result)
    for name, number, words in rows:
        is_bad = name in {"missing", "twice"} and number != "0"
        table.add_row(name, number, Text(words), style=_FAILED if is_bad else "")
    return table


def _rows(result: DemoResult) -> list[tuple[str, str, str]]:
    sections = ", ".join(f"{name} {count}" for name, count in result.sections.items())
    why = ", ".join(f"{name} {count}" for name, count in result.why_excluded.items())
    failed = [(f"{title}: {line}") for title, line in result.errors]
    first, *rest = failed or [""]
    return [
        ("sources read", str(result.sources - result.sources_failed), ""),
        ("sources failed", str(result.sources_failed), first),
        *(("", "", line) for line in rest),
        ("articles", str(result.articles), ""),
        ("stories", str(result.stories), sections),
        ("audience", str(result.audience), ""),
        ("sent", str(result.sent), f"{result.bytes / 1024:.0f} KB each" if result.bytes else ""),
        ("excluded", str(result.excluded), why),
        ("missing", str(result.missing), "readers who should have got it and did not"),
        ("twice", str(result.twice), "readers who got it more than once"),
        ("seconds", f"{result.seconds:.1f}", ""),
    ]


def _sum(result: DemoResult) -> str:
    """The ledger's sum: everybody is accounted for."""
    got = f"{result.sent} sent + {result.excluded} excluded"
    return f"\nledger    {result.audience} readers = {got}; {result.missing} missing, {result.twice} twice"


def _next(result: DemoResult, *, is_serving: bool) -> str:
    folder = Path(result.out)
    look = "" if is_serving else f"{program()} demo --serve, or "
    return (
        f"\nlook at   {folder / 'issue.html'}, picture.html, issue.eml, draft.txt"
        f"\nnext      {look}{program()} init for a newsletter of your own"
    )
