"""`digest sources add|list|check|remove|enable|disable`."""

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated
from urllib.parse import urlsplit

import typer

from digest.cli.failures import PARTLY
from digest.cli.running import AsJson, Yes, pick_sources, run, utc_now
from digest.cli.terminal import Row, Terminal, counted, of
from digest.config import Settings
from digest.domain import FullText, Gathered, Source, SourceKind
from digest.errors import SourceError, UsageError
from digest.gather import Found, discover, gather, open_client
from digest.house import House
from digest.store import sources

Words = Annotated[
    list[str], typer.Argument(metavar="WORDS…", help="Each an id, an address or a part of a title.")
]


def add(
    ctx: typer.Context,
    url: Annotated[str, typer.Argument(metavar="URL", help="A site, a feed or a calendar.")],
    title: Annotated[str, typer.Option(help="Default: the site's own.")] = "",
    section: Annotated[str | None, typer.Option(help="Always this section; default: by rules.")] = None,
    owner: Annotated[str, typer.Option(help="Who stands behind it; one owner is one voice.")] = "",
    kind: Annotated[SourceKind | None, typer.Option(help="Default: found out.")] = None,
    weight: Annotated[float, typer.Option(min=0, max=10, help="1 is usual, 2 counts double.")] = 1.0,
    newsletter: Annotated[
        list[str] | None,
        typer.Option("--newsletter", "-n", metavar="KEY", help="Only for these newsletters."),
    ] = None,
    full_text: Annotated[
        FullText, typer.Option("--full-text", help="When the pages of its articles are read.")
    ] = FullText.SHORT,
    no_check: Annotated[bool, typer.Option("--no-check", help="Store the address unseen.")] = False,
    yes: Yes = False,
) -> None:
    """Add a source. A site's address is enough: its feed is looked for. Twice is safe."""
    terminal = of(ctx)
    if urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).netloc:
        raise UsageError(f'"{url}" is no address of a site', hint="it looks like https://example.org/blog")

    async def work(house: House) -> bool:
        _know(house.settings, section, newsletter or [])
        found = await _found(house, url) if not no_check else (_unseen(url, kind),)
        one = _choose(terminal, found, yes=yes)
        source = Source(
            url=one.url,
            title=title or one.title or one.url,
            kind=kind or one.kind,
            site_url=one.site_url,
            owner=owner,
            section=section,
            weight=weight,
            newsletters=tuple(newsletter or ()),
            full_text=full_text,
        )
        async with house.store.begin() as session:
            is_new = bool(await sources.add(session, [source], now=utc_now()))
        terminal.say("added" if is_new else "there", f"{source.title} ({source.kind}, {source.url})")
        return is_new

    run(terminal, work)
    terminal.then("gather")


async def _found(house: House, url: str) -> tuple[Found, ...]:
    async with open_client(house.settings.gather) as client:
        found = await discover(url, client=client)
    if not found:
        raise SourceError(f"no feed or calendar at {url}", hint="give the feed's own address, or --no-check")
    return found


def _unseen(url: str, kind: SourceKind | None) -> Found:
    return Found(url=url, title="", kind=kind or SourceKind.FEED, site_url="")


def _know(settings: Settings, section: str | None, newsletters: list[str]) -> None:
    """UsageError for a section or a newsletter that the settings do not have."""
    for key in newsletters:
        settings.newsletter(key)
    there = dict.fromkeys(one.key for chosen in settings.newsletters.values() for one in chosen.sections)
    if section is not None and section not in there:
        raise UsageError(f'no section "{section}"', hint=f"there is: {', '.join(there)}")


def _choose(terminal: Terminal, found: tuple[Found, ...], *, yes: bool) -> Found:
    """The first feed of a site with several, or the one that a person wants."""
    if len(found) == 1:
        return found[0]
    for position, one in enumerate(found, 1):
        terminal.say("found", f"{position}  {one.title or 'without a title'} ({one.kind}, {one.url})")
    if not terminal.is_interactive or yes:
        return found[0]
    answer = terminal.ask("Which one?", "1")
    if answer not in {str(position) for position in range(1, len(found) + 1)}:
        raise UsageError(f'there is no number "{answer}"')
    return found[int(answer) - 1]


def list_(
    ctx: typer.Context,
    sick: Annotated[
        bool, typer.Option("--sick", help="Only those that failed three times in a row.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the sources, with when each was read and how it is."""
    terminal = of(ctx)

    async def work(house: House) -> tuple[Source, ...]:
        async with house.store.read() as session:
            return await sources.all_of(session)

    every = run(terminal, work)
    shown = [source for source in every if source.is_sick or not sick]
    if as_json:
        terminal.json({"sources": [plain(source) for source in shown]})
    elif shown:
        terminal.table(("id", "section", "title", "kind", "last read", "state"), [_row(one) for one in shown])
    else:
        terminal.say("none", "no source is sick" if every else "there are no sources yet")
    if not every:
        terminal.then("sources starter", "adds our pack of AI sources")
    elif any(source.is_sick for source in shown):
        terminal.then("sources check WORDS", "reads one now and shows what it says")


def _row(source: Source) -> Row:
    read = f"{source.checked_at:%d %b %H:%M}" if source.checked_at else "never"
    return (str(source.id), source.section or "by rule", source.title, source.kind, read, state_of(source))


def state_of(source: Source) -> str:
    """How a source is, in words."""
    if not source.enabled:
        return f"off{f': {source.note}' if source.note else ''}"
    if source.failures:
        return f"{'sick' if source.is_sick else 'failed'} {source.failures}×: {source.last_error}"
    return "ok" if source.first_read_at else "not read yet"


_PLAIN: tuple[str, ...] = ("id", "title", "url", "kind", "site_url", "owner", "section", "newsletters")
_PLAIN += ("weight", "enabled", "note", "checked_at", "next_check_at", "failures", "last_error")


def plain(source: Source) -> dict[str, object]:
    """A source as `--json` shows it."""
    return {name: getattr(source, name) for name in _PLAIN} | {"state": state_of(source)}


def check(
    ctx: typer.Context,
    words: Annotated[
        list[str] | None, typer.Argument(metavar="[WORDS|URL]…", help="Default: every source that is on.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Read sources and show what they say; nothing is stored. Exit 4 when some failed, 1 when all did."""
    terminal = of(ctx)
    got = run(terminal, lambda house: _read(terminal, house, words or []))
    failed = sum(bool(one.error) for one in got)
    if as_json:
        terminal.json({"sources": [_checked(one) for one in got], "failed": failed})
    else:
        for one in got:
            _show(terminal, one, titles=5 if len(got) < 4 else 0)
    if failed:
        raise typer.Exit(1 if failed == len(got) else PARTLY)


async def _read(terminal: Terminal, house: House, words: list[str]) -> list[Gathered]:
    """What the sources say right now, in order of finishing."""
    chosen = [Source(url=word, title=word) for word in words if "://" in word]
    named = [word for word in words if "://" not in word]
    if named:
        chosen += await pick_sources(house, named)
    elif not chosen:
        async with house.store.read() as session:
            chosen = [source for source in await sources.all_of(session) if source.enabled]
    # Without what we know of it, a source cannot answer "unchanged".
    fresh = [replace(source, etag="", last_modified="", body_hash="") for source in chosen]
    with terminal.bar("reading", len(fresh)) as step:
        async with open_client(house.settings.gather) as client:
            got = []
            async for one in gather(fresh, client=client, now=utc_now()):
                got.append(one)
                step(1)
    return got


def _show(terminal: Terminal, got: Gathered, *, titles: int) -> None:
    source = got.after
    if got.error:
        terminal.write(f"failed  {source.title}: {got.error}", style="red")
        return
    section = source.section or "section by rule"
    terminal.write(f"ok      {source.title}: {counted(len(got.articles), 'article')}, {section}")
    for article in got.articles[:titles]:
        when = article.event.starts_at if article.event else article.published_at
        terminal.write(
            f"        {when:%d %b %Y}  {article.title}" if when else f"        no date      {article.title}"
        )


def _checked(got: Gathered) -> dict[str, object]:
    articles = [
        {"title": one.title, "url": one.url, "published_at": one.published_at, "is_backlog": one.is_backlog}
        for one in got.articles
    ]
    return {"title": got.after.title, "url": got.after.url, "error": got.error, "articles": articles}


def remove(ctx: typer.Context, words: Words, yes: Yes = False) -> None:
    """Remove sources with their articles. Issues that told them keep their words."""
    terminal = of(ctx)

    async def work(house: House) -> None:
        chosen = await pick_sources(house, words)
        for source in chosen:
            terminal.say("source", f"{source.id}  {source.title} ({source.url})")
        if not terminal.agree(f"Remove {counted(len(chosen), 'source')} with all articles?", yes=yes):
            raise typer.Exit(0)
        async with house.store.begin() as session:
            gone = await sources.remove(session, [source.id for source in chosen])
        terminal.say("removed", counted(gone, "source"))

    run(terminal, work)
    terminal.then("sources list")


def enable(ctx: typer.Context, words: Words) -> None:
    """Switch sources on again; they are read with the next gathering."""
    _switch(of(ctx), words, lambda one: replace(one, enabled=True, failures=0, next_check_at=None))
    of(ctx).then("gather")


def disable(ctx: typer.Context, words: Words) -> None:
    """Switch sources off; their articles stay. enable is the way back."""
    _switch(of(ctx), words, lambda one: replace(one, enabled=False))
    of(ctx).then("sources enable WORDS", "switches it on again")


def _switch(terminal: Terminal, words: list[str], change: Callable[[Source], Source]) -> None:
    async def work(house: House) -> None:
        chosen = await pick_sources(house, words)
        async with house.store.begin() as session:
            for source in chosen:
                await sources.save(session, change(source))
                terminal.say("on" if change(source).enabled else "off", f"{source.id}  {source.title}")

    run(terminal, work)
