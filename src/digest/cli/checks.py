"""What `digest doctor` looks at: one small function each, none of which changes anything."""

import shutil
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from digest import jobs
from digest.cli.database import is_there, require_same
from digest.cli.status import told_worker
from digest.config import Settings, local_zone
from digest.deliver import Envelope, encode, open_relays
from digest.domain import IssueState, Message, OutcomeKind
from digest.errors import DigestError, ModelError, SchemaError, TransportError
from digest.render import check as check_templates
from digest.render import open_templates
from digest.rewrite import open_model
from digest.standing import holders, next_slot, relay_standings, throttled_domains
from digest.store import Store, deliveries, issues, notices, schema, sources

#: Below this share of free disk a warning is due.
_LITTLE_DISK = 0.05
#: How long an approved issue or a notice may wait before something is stuck.
_STUCK_AFTER = timedelta(minutes=30)


#: This machine.
_HERE = frozenset({"localhost", "127.0.0.1", "::1"})


class State(StrEnum):
    """How a check ended."""

    #: Nothing to do.
    OK = "ok"
    #: Works, but a person should look at it.
    WARN = "warn"
    #: Must be mended before anything is sent.
    FAIL = "fail"
    #: Could not be looked at, because of another one.
    SKIP = "skip"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What was found, and what to do about it."""

    name: str
    state: State = State.OK
    found: str
    fix: str = ""

    @classmethod
    def broken(cls, name: str, exc: DigestError) -> Self:
        """A check that ended in one of our errors."""
        fix = "" if exc.hint == "digest doctor" else exc.hint
        return cls(name=name, state=State.FAIL, found=exc.what, fix=fix)

    @classmethod
    def without_database(cls, name: str) -> Self:
        """A check that has to wait for the database."""
        return cls(name=name, state=State.SKIP, found="not looked at without the database")

    def line(self) -> str:
        """As a person reads it."""
        return f"{self.state:<5} {self.name:<15} {self.found}{f'  → {self.fix}' if self.fix else ''}"

    def plain(self) -> dict[str, str]:
        """As `--json` shows it."""
        return {"name": self.name, "state": self.state, "found": self.found, "fix": self.fix}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What every check stands on."""

    file: Path
    settings: Settings
    now: datetime
    #: False once the database was found to be unusable: what needs it is not looked at.
    has_database: bool = True

    def local(self, at: datetime) -> datetime:
        """A time on the clocks of the first newsletter."""
        first = next(iter(self.settings.newsletters.values()))
        return at.astimezone(local_zone(first.timezone))


async def configuration(ground: Ground) -> Check:
    """The file is readable for its owner only: it holds secrets."""
    mode = ground.file.stat().st_mode & 0o777
    names = ", ".join(ground.settings.newsletters)
    if mode & 0o077:
        return Check(
            name="configuration",
            state=State.WARN,
            found=f"{ground.file} can be read by others (mode {mode:o}), and it holds secrets",
            fix=f"chmod 600 {ground.file}",
        )
    return Check(name="configuration", found=f"{ground.file}, newsletters: {names}")


async def database(ground: Ground) -> Check:
    """The database is there, is at the code's version, and has room."""
    async with _store(ground) as store:
        found = await schema.versions(store)
        is_behind = found.steps > 0 and ground.settings.migrate == "on-start"
        if is_behind:
            words = (
                f"schema {found.database}, the code has {found.code}: {found.steps} to run at the next start"
            )
            return Check(name="database", state=State.WARN, found=words, fix="digest db upgrade")
        require_same(found)
        if not store.is_sqlite:
            return Check(name="database", found=f"schema {found.database}, PostgreSQL")
        disk = shutil.disk_usage(Path(store.url.database or ".").parent)
    words = f"schema {found.database}, SQLite, {disk.free / 1e9:.0f} GB free"
    if disk.free < _LITTLE_DISK * disk.total:
        return Check(name="database", state=State.WARN, found=words, fix="free some space")
    return Check(name="database", found=words)


@asynccontextmanager
async def _store(ground: Ground) -> AsyncIterator[Store]:
    """The database, opened but not made: SchemaError when there is none."""
    async with Store(ground.settings.database.get_secret_value()) as store:
        if not is_there(store):
            raise SchemaError(
                f"there is no database at {store.url.database} yet", hint="digest db upgrade makes it"
            )
        yield store


async def clock(ground: Ground) -> Check:
    """The clock has not gone back behind what is stored; says when the next issue is due."""
    times: list[datetime] = []
    taken: dict[str, frozenset[datetime]] = {}
    if ground.has_database:
        async with _store(ground) as store, store.read() as session:
            for key in ground.settings.newsletters:
                taken[key] = await issues.taken_slots(session, key, after=ground.now)
            times = [source.checked_at for source in await sources.all_of(session) if source.checked_at]
    if times and max(times) > ground.now + timedelta(minutes=5):
        here, read = ground.local(ground.now), ground.local(max(times))
        words = f"it is {here:%d %b %Y %H:%M %Z} here, but sources were read {read:%d %b %Y %H:%M}"
        return Check(name="clock", state=State.FAIL, found=words, fix="set the clock")
    due = [
        f"{key} {next_slot(chosen, taken.get(key, ()), ground.now):%a %d %b %H:%M %Z}"
        for key, chosen in ground.settings.newsletters.items()
    ]
    return Check(name="clock", found=f"{ground.local(ground.now):%H:%M %Z}; next issue: {', '.join(due)}")


async def smtp(ground: Ground) -> Check:
    """The mail server takes our login, or the outbox our files."""
    async with open_relays(ground.settings) as relays:
        words = await relays.check()
    ways = ground.settings.ways.values()
    if any(one.url.get_secret_value().startswith("file:") for one in ways):
        return Check(name="smtp", state=State.WARN, found=words, fix="set smtp.url to reach readers")
    return Check(name="smtp", found=words)


async def links(ground: Ground) -> Check:
    """Readers can reach what mails link to, as far as the address alone can tell."""
    url = ground.settings.public_url
    parts = urlsplit(url)
    if _is_here(parts.hostname or ""):
        words = f"{url}: readers cannot reach this machine by that name"
        return Check(name="links", state=State.WARN, found=words, fix="set public_url")
    if parts.scheme != "https":
        words = f"{url}: one-click unsubscribing needs https (RFC 8058)"
        return Check(name="links", state=State.WARN, found=words, fix="put a proxy with TLS in front")
    return Check(name="links", found=url)


def _is_here(host: str) -> bool:
    try:
        return not ip_address(host).is_global
    except ValueError:
        return host == "localhost" or "." not in host


async def templates(ground: Ground) -> Check:
    """Every mail renders with sample values."""
    found = open_templates(ground.settings.templates)
    check_templates(found)
    return Check(name="templates", found=f"{len(found.mails())} mails render")


async def read_sources(ground: Ground) -> Check:
    """The sources that are on, and those that fail again and again."""
    if not ground.has_database:
        return Check.without_database("sources")
    async with _store(ground) as store, store.read() as session:
        every = [source for source in await sources.all_of(session) if source.enabled]
    sick = [source for source in every if source.is_sick]
    if not every:
        return Check(name="sources", state=State.WARN, found="there are none", fix="digest sources starter")
    if not sick:
        return Check(name="sources", found=f"{len(every)} on, none sick")
    names = "; ".join(f"{source.title}: {source.last_error}" for source in sick[:5])
    words = f"{len(every) - len(sick)} ok, {len(sick)} sick: {names}"
    return Check(name="sources", state=State.WARN, found=words, fix=f"digest sources check {sick[0].id}")


async def stuck(ground: Ground) -> Check:
    """Issues and mails that should have gone out."""
    if not ground.has_database:
        return Check.without_database("issues")
    late: list[str] = []
    async with _store(ground) as store, store.read() as session:
        for key, chosen in ground.settings.newsletters.items():
            states = (IssueState.REVIEW, IssueState.APPROVED, IssueState.SENDING, IssueState.PAUSED)
            for issue in await issues.all_of(session, key, states=states):
                due = issue.due_at
                if issue.state is IssueState.SENDING:
                    due = await deliveries.next_due(session, issue.id) or due
                late += [
                    f"{key} {issue.number}: {held.words(chosen.timezone)}"
                    for held in await holders(store, issue, now=ground.now)
                    if not held.is_alive
                ]
                if issue.state is IssueState.PAUSED and issue.reason:
                    late.append(f"{key} {issue.number} was paused: {issue.reason}")
                elif issue.state is IssueState.REVIEW and issue.reason:
                    when = f"{due.astimezone(local_zone(chosen.timezone)):%a %d %b %H:%M %Z}"
                    words = f"{key} {issue.number}, due {when}, was approved and waits again: {issue.reason}"
                    late.append(words)
                elif due < ground.now - _STUCK_AFTER:
                    when = f"{due.astimezone(local_zone(chosen.timezone)):%a %d %b %H:%M %Z}"
                    late.append(f"{key} {issue.number} is {issue.state} since its time, {when}")
        waiting = await notices.waiting(session)
    if late:
        return Check(name="issues", state=State.WARN, found="; ".join(late), fix="digest status")
    return Check(name="issues", found=f"none stuck; {waiting} waiting mails")


async def paces(ground: Ground) -> Check:
    """Receiving domains that throttle us, and relays that have carried all they may today."""
    if not ground.has_database:
        return Check.without_database("pace")
    async with _store(ground) as store, store.read() as session:
        ways = await relay_standings(session, ground.settings, now=ground.now)
        slow = await throttled_domains(session)
    full = [one for one in ways if one.cap_today is not None and one.sent_today >= one.cap_today]
    said = [f"relay {one.name}: {one.words()}" for one in ways if one in full or one.rests_until]
    said += [f"{one.domain} is sent {one.per_second:g} a second: {one.reply}" for one in slow]
    if said:
        return Check(name="pace", state=State.WARN, found="; ".join(said), fix="digest relays")
    return Check(name="pace", found="no domain throttles us")


async def workers(ground: Ground) -> Check:
    """Who works on this database beside `digest run`; nobody has to."""
    if not ground.has_database:
        return Check.without_database("workers")
    async with _store(ground) as store:
        if store.is_sqlite:
            return Check(name="workers", found="on SQLite digest run does all the work")
        there = await jobs.workers(store, now=ground.now)
    return Check(name="workers", found="; ".join(told_worker(*one) for one in there.items()) or "none")


async def summaries(ground: Ground) -> Check:
    """The model that writes summaries answers, when one is set."""
    settings = ground.settings.summaries
    if not settings.is_on:
        return Check(name="summaries", found="extracts of the sources; no model is set")
    try:
        async with open_model(settings) as model:
            words = await model.check()
    except ModelError as exc:
        fix = "check [summaries]; until it answers, extracts stand"
        return Check(name="summaries", state=State.WARN, found=f"the model: {exc.what}", fix=fix)
    parts = urlsplit(settings.url)
    has_key = settings.key_file is not None or settings.key.get_secret_value()
    if has_key and parts.scheme == "http" and parts.hostname not in _HERE:
        found = f"{words}, but its key travels without TLS to {parts.hostname}"
        return Check(name="summaries", state=State.WARN, found=found, fix="use https:// in summaries.url")
    return Check(name="summaries", found=words)


async def send_to(ground: Ground, recipient: str) -> Check:
    """A mail to that address was taken by the mail server; whether it arrives, only its owner can tell."""
    chosen = next(iter(ground.settings.newsletters.values()))
    stamp = f"{int(ground.now.timestamp())}.doctor@{chosen.from_address.rpartition('@')[2]}"
    message = Message(
        sender=chosen.from_address,
        recipient=recipient,
        message_id=f"<{stamp}>",
        headers=(
            ("From", chosen.from_address),
            ("To", recipient),
            ("Subject", "digest doctor"),
            ("Date", f"{ground.now:%a, %d %b %Y %H:%M:%S +0000}"),
            ("Message-ID", f"<{stamp}>"),
            ("Auto-Submitted", "auto-generated"),
        ),
        text=f"{chosen.name} can send mail.\n",
    )
    envelope = Envelope(key=1, sender=chosen.from_address, recipient=recipient, data=encode(message))
    async with open_relays(ground.settings) as transport:
        outcome = await transport.send(envelope)
    if outcome.kind is not OutcomeKind.SENT:
        raise TransportError(f"the mail to {recipient} was not taken: {outcome.reply}")
    return Check(name="mail", found=f"handed over to {recipient}: {outcome.reply}")


#: Every check but the database's, in the order it is shown; those that need no network come first.
CHECKS: dict[str, Callable[[Ground], Coroutine[Any, Any, Check]]] = {
    "configuration": configuration,
    "clock": clock,
    "smtp": smtp,
    "links": links,
    "templates": templates,
    "sources": read_sources,
    "issues": stuck,
    "pace": paces,
    "workers": workers,
    "summaries": summaries,
}
