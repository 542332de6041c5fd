"""What `digest doctor` looks at: one small function each, none of which changes anything."""

import shutil
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from digest.cli.database import require_same
from digest.cli.findings import Check, Ground, State, open_store
from digest.cli.mail_checks import links, paces, smtp, stuck, workers
from digest.errors import ModelError
from digest.render import check as check_templates
from digest.render import open_templates
from digest.rewrite import open_model
from digest.standing import next_slot
from digest.store import issues, schema, sources, subscribers

#: Below this share of free disk a warning is due.
_LITTLE_DISK = 0.05
#: What is said to be done where there is no source.
NO_SOURCES = "digest sources starter"
#: This machine.
_HERE = frozenset({"localhost", "127.0.0.1", "::1"})


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
    async with open_store(ground) as store:
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


async def clock(ground: Ground) -> Check:
    """The clock has not gone back behind what is stored; says when the next issue is due."""
    times: list[datetime] = []
    taken: dict[str, frozenset[datetime]] = {}
    if ground.has_database:
        async with open_store(ground) as store, store.read() as session:
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


async def templates(ground: Ground) -> Check:
    """Every mail renders with sample values."""
    found = open_templates(ground.settings.templates)
    check_templates(found)
    return Check(name="templates", found=f"{len(found.mails())} mails render")


async def read_sources(ground: Ground) -> Check:
    """The sources that are on, and those that fail again and again."""
    if not ground.has_database:
        return Check.without_database("sources")
    async with open_store(ground) as store, store.read() as session:
        every = [source for source in await sources.all_of(session) if source.enabled]
    sick = [source for source in every if source.is_sick]
    if not every:
        return Check(name="sources", state=State.WARN, found="there are none", fix=NO_SOURCES)
    if not sick:
        return Check(name="sources", found=f"{len(every)} on, none sick")
    names = "; ".join(f"{source.title}: {source.last_error}" for source in sick[:5])
    words = f"{len(every) - len(sick)} ok, {len(sick)} sick: {names}"
    return Check(name="sources", state=State.WARN, found=words, fix=f"digest sources check {sick[0].id}")


async def readers(ground: Ground) -> Check:
    """How many would get each newsletter; nobody as yet is no fault, and the fix says how to begin."""
    if not ground.has_database:
        return Check.without_database("readers")
    async with open_store(ground) as store, store.read() as session:
        counts = {key: await subscribers.counts(session, key) for key in ground.settings.newsletters}
    confirmed = {key: count.get("confirmed", 0) for key, count in counts.items()}
    words = ", ".join(f"{key}: {count} confirmed" for key, count in confirmed.items())
    fix = "" if any(confirmed.values()) else "digest subscribers add EMAIL"
    return Check(name="readers", found=words, fix=fix)


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


#: Every check but the database's, in the order it is shown; those that need no network come first.
CHECKS: dict[str, Callable[[Ground], Coroutine[Any, Any, Check]]] = {
    "configuration": configuration,
    "clock": clock,
    "smtp": smtp,
    "links": links,
    "templates": templates,
    "sources": read_sources,
    "readers": readers,
    "issues": stuck,
    "pace": paces,
    "workers": workers,
    "summaries": summaries,
}
