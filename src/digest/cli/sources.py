"""`digest sources add|list|remove|enable|disable`."""

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated
from urllib.parse import urlsplit

import typer

from digest.cli.packs import add_new
from digest.cli.running import AsJson, Yes, pick_sources, run
from digest.cli.terminal import Row, Terminal, counted, of
from digest.clock import utc_now
from digest.config import Settings
from digest.domain import FullText, Source, SourceKind
from digest.errors import ParseError, SourceError, UsageError
from digest.gather import Found, canonical_url, check_recipe, discover, gather, open_client
from digest.house import House
from digest.store import sources

Kind = Annotated[SourceKind | None, typer.Option(help="How it is read; default: found out.")]
Recipe = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=VALUE", help='What its kind cannot know, as "item=li.post"; several, or joined by ";".'
    ),
]
Words = Annotated[
    list[str], typer.Argument(metavar="WORDS…", help="Each an id, an address or a part of a title.")
]


def add(
    ctx: typer.Context,
    url: Annotated[str, typer.Argument(metavar="URL", help="A site, a feed, a calendar, a page or a list.")],
    title: Annotated[str, typer.Option(help="Default: the site's own.")] = "",
    section: Annotated[str | None, typer.Option(help="Always this section; default: by rules.")] = None,
    owner: Annotated[str, typer.Option(help="Who stands behind it; one owner is one voice.")] = "",
    kind: Kind = None,
    recipe: Recipe = None,
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

    async def work(house: House) -> Source | None:
        know(house.settings, section, newsletter or [])
        found = (_unseen(url, kind),) if no_check else await _found(house, url, kind, recipe_of(recipe))
        one = _choose(terminal, found, yes=yes)
        source = Source(
            url=one.url,
            # Empty until the first reading tells it.
            title=title or one.title,
            kind=kind or one.kind,
            site_url=one.site_url,
            owner=owner,
            section=section,
            weight=weight,
            newsletters=tuple(newsletter or ()),
            full_text=full_text,
            recipe=recipe_of(recipe),
        )
        fit(source)
        known = await _known(house, source.url)
        if known is None:
            await add_new(house, [source], now=utc_now())
        terminal.say(
            "there" if known else "added",
            f"{f'{known.id}  ' if known else ''}{_told(known or source)}{', left as it is' if known else ''}",
        )
        return known

    known = run(terminal, work)
    if known:
        terminal.then(f"sources set {known.id} …", "changes it")
    else:
        terminal.then("gather")


async def _known(house: House, url: str) -> Source | None:
    """The source that has this address already."""
    async with house.store.read() as session:
        every = await sources.all_of(session)
    return next((one for one in every if canonical_url(one.url) == canonical_url(url)), None)


def _told(source: Source) -> str:
    return f"{source.title or 'without a title yet'} ({source.kind}, {source.url})"


def recipe_of(parts: list[str] | None) -> str:
    """The parts of --recipe as one text."""
    return "; ".join(part.strip().strip(";") for part in parts or ())


def fit(source: Source) -> None:
    """Nothing when the source's kind can follow its recipe; UsageError says what it cannot."""
    try:
        check_recipe(source.kind, source.recipe)
    except ParseError as exc:
        raise UsageError(exc.what, hint=exc.hint) from exc


async def _found(house: House, url: str, kind: SourceKind | None, recipe: str) -> tuple[Found, ...]:
    """What the address leads to, or itself when its kind is given; SourceError when it cannot be read."""
    async with open_client(house.settings.gather) as client:
        if kind is None:
            way = await discover(url, client=client, recipe=recipe)
            if not way.found:
                hint = "give the feed's own address, or try digest sources check URL --recipe item=…"
                raise SourceError(f"nothing to read at {url}: {way.trail[-1]}", hint=hint)
            return way.found
        tried = Source(url=url, title="", kind=kind, recipe=recipe)
        results = [got async for got in gather([tried], client=client, now=utc_now())]
    got = results[0]
    if got.error:
        raise SourceError(f"{url}: {got.error}", hint="--no-check stores it all the same")
    return (Found(url=got.after.url, title=got.after.title, kind=kind, site_url=got.after.site_url),)


def _unseen(url: str, kind: SourceKind | None) -> Found:
    return Found(url=url, title="", kind=kind or SourceKind.FEED, site_url="")


def know(settings: Settings, section: str | None, newsletters: list[str]) -> None:
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
    return (
        str(source.id),
        source.section or "by rule",
        source.title or source.url,
        source.kind,
        read,
        state_of(source),
    )


def state_of(source: Source) -> str:
    """How a source is, in words."""
    if not source.enabled:
        why = source.note or source.last_error
        return f"off{f': {why}' if why else ''}"
    if source.failures:
        return f"{'sick' if source.is_sick else 'failed'} {source.failures}×: {source.last_error}"
    return "ok" if source.first_read_at else "not read yet"


_PLAIN: tuple[str, ...] = ("id", "title", "url", "kind", "site_url", "owner", "section", "newsletters")
_PLAIN += (
    "recipe",
    "full_text",
    "weight",
    "enabled",
    "note",
    "checked_at",
    "next_check_at",
    "failures",
    "last_error",
)


def plain(source: Source) -> dict[str, object]:
    """A source as `--json` shows it."""
    return {name: getattr(source, name) for name in _PLAIN} | {"state": state_of(source)}


def remove(ctx: typer.Context, words: Words, yes: Yes = False) -> None:
    """Remove sources with their articles. Issues that told them keep their words.

    A source that is added again is told no second time.
    """
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
                await sources.change(session, source, change(source))
                terminal.say("on" if change(source).enabled else "off", f"{source.id}  {source.title}")

    run(terminal, work)
