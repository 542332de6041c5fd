"""`digest status`: one screen about what runs, what comes next and what is sick."""

import asyncio
import shutil
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import typer

from digest.cli.ledger import ledger_of
from digest.cli.plain import plain_issue
from digest.cli.relays import domain_words, plain
from digest.cli.running import OPEN, AsJson, local, run
from digest.cli.terminal import Terminal, of
from digest.clock import utc_now
from digest.domain import Cadence, Issue, IssueState
from digest.house import House
from digest.jobs import workers
from digest.standing import (
    DomainStanding,
    Held,
    RelayStanding,
    holders,
    next_due,
    relay_standings,
    throttled_domains,
)
from digest.store import issues, notices, sources, subscribers

#: Seconds that a daemon is given to answer.
_PATIENCE = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """How the sources are."""

    enabled: int
    sick: tuple[str, ...]
    next_check_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where one newsletter stands."""

    key: str
    due_at: datetime
    open: Issue | None
    last: Issue | None
    last_words: str
    open_words: str = ""
    held: tuple[Held, ...] = ()
    #: Issues due before the next time, at which therefore nothing comes any more; the earliest first.
    taken: tuple[Issue, ...] = ()
    readers: dict[str, int] = field(default_factory=dict)


def status(ctx: typer.Context, as_json: AsJson = False) -> None:
    """One screen: daemon, workers, the next gathering, the next and the last issue, readers, what is sick."""
    terminal = of(ctx)

    async def work(house: House) -> None:
        now = utc_now()
        answers = await answers_at(house.settings.web.host, house.settings.web.port)
        found = await _sources(house)
        standings = [await _standing(house, key, now=now) for key in house.settings.newsletters]
        async with house.store.read() as session:
            waiting = await notices.waiting(session)
            ways = await relay_standings(session, house.settings, now=now)
            slow = await throttled_domains(session)
        there = await workers(house.store, now=now)
        if as_json:
            told = {"daemon": answers, "workers": there, "sources": found, "mails_waiting": waiting}
            terminal.json(
                told | {"newsletters": [_plain(house, one) for one in standings]} | plain(ways, slow)
            )
            return
        _write(terminal, house, answers=answers, found=found, waiting=waiting)
        for worker in there.items():
            terminal.write(f"worker      {told_worker(*worker)}")
        _write_paces(terminal, ways, slow)
        for one in standings:
            _write_standing(terminal, house, one)

    run(terminal, work)
    terminal.then("doctor", "checks everything")


def told_worker(holder: str, queues: tuple[str, ...]) -> str:
    """A worker by its machine and process, and what it does."""
    return f"{holder.rpartition(':')[0]} {','.join(queues)}"


async def answers_at(host: str, port: int) -> bool:
    """True when a daemon answers there."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - recognised, not bound
    try:
        async with asyncio.timeout(_PATIENCE):
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(b"GET /healthz HTTP/1.0\r\nHost: " + host.encode() + b"\r\n\r\n")
            first = await reader.readline()
            writer.close()
    except (OSError, TimeoutError, ValueError):
        return False
    return b" 200 " in first


async def _sources(house: House) -> Sources:
    async with house.store.read() as session:
        every = [source for source in await sources.all_of(session) if source.enabled]
    return Sources(
        enabled=len(every),
        sick=tuple(source.title for source in every if source.is_sick),
        next_check_at=min((one.next_check_at for one in every if one.next_check_at), default=None),
    )


async def _standing(house: House, key: str, *, now: datetime) -> Standing:
    async with house.store.read() as session:
        every = await issues.all_of(session, key)
        readers = await subscribers.counts(session, key)
    last = next((issue for issue in every if issue.state is IssueState.SENT), None)
    open_issue = next((issue for issue in every if issue.state in OPEN), None)
    due_at = (await next_due(house, key, now=now)).astimezone(UTC)
    begun = [one for one in every if one.state in {IssueState.SENDING, IssueState.PAUSED}]
    return Standing(
        key=key,
        due_at=due_at,
        open=open_issue,
        open_words=(await ledger_of(house, open_issue)).words() if open_issue in begun else "",
        held=await holders(house.store, open_issue, now=now) if open_issue else (),
        taken=tuple(one for one in reversed(every) if _has_taken(one, now, due_at)),
        last=last,
        last_words=(await ledger_of(house, last)).words() if last else "",
        readers=readers,
    )


def _has_taken(issue: Issue, now: datetime, due_at: datetime) -> bool:
    """True for one whose time is still to come, and at whose time nothing goes."""
    is_over = issue.state in {IssueState.SENDING, IssueState.SENT, IssueState.CANCELLED}
    return is_over and issue.cadence is Cadence.WEEKLY and now < issue.due_at < due_at


def _taken_words(house: House, issue: Issue) -> str:
    due = local(house, issue.newsletter, issue.due_at)
    if issue.state is IssueState.CANCELLED:
        return f"the issue due {due} was cancelled{f': {issue.reason}' if issue.reason else ''}"
    return f"issue {issue.number} was sent before its time, {due}"


def _write(terminal: Terminal, house: House, *, answers: bool, found: Sources, waiting: int) -> None:
    web = house.settings.web
    place = f"{web.host}:{web.port}"
    none = terminal.hinted(f"no answer at {place}; digest run starts it")
    terminal.write(f"daemon      {f'answers at {place}' if answers else none}")
    first = next(iter(house.settings.newsletters))
    when = local(house, first, found.next_check_at) if found.next_check_at else "with the next tick"
    sick = f", sick: {', '.join(found.sick)}" if found.sick else ""
    terminal.write(f"sources     {found.enabled} on{sick}; next read {when}")
    terminal.write(f"mails       {waiting} waiting (confirmations and other notices)")
    if house.store.is_sqlite:
        free = shutil.disk_usage(Path(house.store.url.database or ".").parent).free
        terminal.write(f"disk        {free / 1e9:.0f} GB free")


def _write_paces(terminal: Terminal, ways: list[RelayStanding], slow: list[DomainStanding]) -> None:
    """A line for each relay that is worth one, and for each domain that throttles."""
    for way in ways:
        if len(ways) > 1 or way.cap_today is not None or way.rests_until is not None:
            terminal.write(
                f"relay       {way.name}, {way.words()}", style="yellow" if way.rests_until else ""
            )
    for domain in slow:
        terminal.write(f"slow        {domain.domain}, {domain_words(domain)}", style="yellow")


def _write_standing(terminal: Terminal, house: House, one: Standing) -> None:
    terminal.write()
    terminal.write(house.newsletter(one.key).name, style="bold")
    terminal.write(f"  due       {local(house, one.key, one.due_at)}")
    for taken in one.taken:
        terminal.write(f"            {_taken_words(house, taken)}")
    if one.open:
        count = len(one.open.content.stories)
        due = local(house, one.key, one.open.due_at)
        back = "taken back: " if one.open.state is IssueState.REVIEW else ""
        why = f" ({back}{one.open.reason})" if one.open.reason else ""
        terminal.write(f"  issue     {one.open.number}, {one.open.state}{why}, {count} stories, for {due}")
        if one.open_words:
            terminal.write(f"            {one.open_words}")
    for held in one.held:
        terminal.write(f"            {held.words(house.newsletter(one.key).timezone)}")
    if one.last:
        terminal.write(
            f"  last      {one.last.number}, {local(house, one.key, one.last.sent_at)}: {one.last_words}"
        )
    total = ", ".join(f"{count} {name}" for name, count in one.readers.items()) or "none yet"
    terminal.write(f"  readers   {total}")


def _plain(house: House, one: Standing) -> dict[str, object]:
    zone = house.newsletter(one.key).timezone
    return {
        "key": one.key,
        "due_at": one.due_at,
        "open_issue": plain_issue(one.open, stories=False) if one.open else None,
        "last_issue": plain_issue(one.last, stories=False) if one.last else None,
        "taken": [plain_issue(issue, stories=False) for issue in one.taken],
        "held": [asdict(held) | {"words": held.words(zone)} for held in one.held],
        "readers": one.readers,
    }
