"""`digest sources check`: what sources say right now, why they are read as they are, and how politely."""

import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated

import typer

from digest.cli.failures import PARTLY
from digest.cli.running import AsJson, pick_sources, run
from digest.cli.sources import Kind, Recipe, recipe_of
from digest.cli.terminal import Terminal, counted, of
from digest.clock import utc_now
from digest.domain import Article, Gathered, Source, SourceKind
from digest.errors import SourceError
from digest.gather import SHORT_SUMMARY, Client, discover, gather, open_client
from digest.house import House
from digest.store import sources

#: With more sources than this, each is one line.
_FEW = 3
_TITLES = 5
_PAGES = frozenset({SourceKind.PAGE, SourceKind.EVENTS})


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One source read for trying; `trail` says how an address led to it, `robots` what robots.txt says."""

    got: Gathered
    trail: tuple[str, ...] = ()
    robots: str = ""
    #: Other sources that the address led to.
    others: tuple[str, ...] = ()
    is_new: bool = False


def check(
    ctx: typer.Context,
    words: Annotated[
        list[str] | None, typer.Argument(metavar="[WORDS|URL]…", help="Default: every source that is on.")
    ] = None,
    kind: Kind = None,
    recipe: Recipe = None,
    as_json: AsJson = False,
) -> None:
    """Read sources and show what was found, how, and what to look at; nothing is stored.

    An address need not be a source yet: what it leads to is tried. Exit 4 when some failed, 1 when all did.
    """
    terminal = of(ctx)
    now = utc_now()
    got = run(terminal, lambda house: _read(terminal, house, words or [], kind, recipe_of(recipe), now))
    failed = sum(bool(one.got.error) for one in got)
    if as_json:
        terminal.json({"sources": [_plain(one, now) for one in got], "failed": failed})
    else:
        for one in got:
            _show(terminal, one, now, is_whole=len(got) <= _FEW)
        if len(got) == 1 and got[0].is_new and not failed:
            terminal.then(_adding(got[0].got.after))
    if failed:
        raise typer.Exit(1 if failed == len(got) else PARTLY)


async def _read(
    terminal: Terminal,
    house: House,
    words: Sequence[str],
    kind: SourceKind | None,
    recipe: str,
    now: datetime,
) -> list[Probe]:
    """What the sources say right now: addresses first, then stored ones in the order of finishing."""
    urls = [word for word in words if "://" in word]
    stored = await _stored(house, [word for word in words if "://" not in word], is_all=not words)
    # Without what we know of it, a source cannot answer "unchanged".
    fresh = [replace(source, etag="", last_modified="", body_hash="") for source in stored]
    tried = [replace(one, kind=kind or one.kind, recipe=recipe or one.recipe) for one in fresh]
    probes: list[Probe] = []
    with terminal.bar("reading", len(urls) + len(tried)) as step:
        async with open_client(house.settings.gather) as client:
            for url in urls:
                probes.append(await _probe(client, url, kind, recipe, now))
                step(1)
            async for got in gather(tried, client=client, now=now):
                probes.append(Probe(got=got, robots=await _robots(client, got.after)))
                step(1)
    return probes


async def _stored(house: House, words: list[str], *, is_all: bool) -> tuple[Source, ...]:
    if words:
        return await pick_sources(house, words)
    async with house.store.read() as session:
        return tuple(one for one in await sources.all_of(session) if one.enabled and is_all)


async def _probe(client: Client, url: str, kind: SourceKind | None, recipe: str, now: datetime) -> Probe:
    """What an address is, found out unless its kind is given, and what it says."""
    source, trail, others = Source(url=url, title="", recipe=recipe), tuple[str, ...](), tuple[str, ...]()
    try:
        if kind is None:
            way = await discover(url, client=client, recipe=recipe)
            trail, others = way.trail, tuple(f"{one.kind}, {one.url}" for one in way.found[1:])
            if not way.found:
                raise SourceError("nothing that can be read was found there")
            source = replace(source, url=way.found[0].url, kind=way.found[0].kind, title=way.found[0].title)
        else:
            source = replace(source, kind=kind)
    except SourceError as exc:
        words = f"{exc.what} ({exc.hint})" if exc.hint else exc.what
        named = replace(source, title=url)
        return Probe(got=Gathered(source=named, after=named, error=words), trail=trail, is_new=True)
    results = [got async for got in gather([source], client=client, now=now)]
    robots = await _robots(client, source)
    return Probe(got=results[0], trail=trail, robots=robots, others=others, is_new=True)


async def _robots(client: Client, source: Source) -> str:
    if source.kind not in _PAGES:
        return "not asked: what is made for reading by machines is offered"
    delay = await client.page_delay(source.url)
    if delay is None:
        return "robots.txt does not let us read this page"
    return "robots.txt lets us read it" + (f", with {delay:g} s between two requests" if delay else "")


def _show(terminal: Terminal, probe: Probe, now: datetime, *, is_whole: bool) -> None:
    got = probe.got
    title = got.after.title or got.after.url
    if got.error:
        terminal.write(f"failed  {title}: {got.error}", style="red")
    else:
        section = got.after.section or "section by rule"
        what = counted(len(got.articles), "article")
        terminal.write(f"ok      {title}: {what}, {section}")
    if not is_whole:
        return
    for name, words in _details(probe, now):
        terminal.write(f"        {name:<9} {words}")
    for article in got.articles[:_TITLES]:
        when = article.event.starts_at if article.event else article.published_at
        terminal.write(f"        {f'{when:%d %b %Y}' if when else 'no date':<11}  {article.title}")
        terminal.write(f"                     {article.url}", style="dim")
    for words in warnings_of(got, now):
        terminal.write(f"warn    {words}", style="yellow")


def _details(probe: Probe, now: datetime) -> Iterator[tuple[str, str]]:
    got = probe.got
    yield from (("way", words) for words in probe.trail)
    if "status" in got.facts:
        yield "kind", f"{got.after.kind}, {got.facts['url']}"
    if how := got.facts.get("how"):
        yield "found", str(how)
    yield from (("also", words) for words in probe.others)
    if probe.robots:
        yield "robots", probe.robots
    if "status" in got.facts:
        yield "polite", _polite(got, now)


def _polite(got: Gathered, now: datetime) -> str:
    """What the server lets us save, what it asks for, and when it would be asked again."""
    known = str(got.facts.get("validators") or "")
    parts = [f"{known} asked with next time" if known else "it names neither ETag nor Last-Modified"]
    if wait := max(int(got.facts.get("ttl") or 0), int(got.facts.get("max_age") or 0)):
        parts.append(f"it asks for {_span(timedelta(seconds=wait))} of patience")
    if got.after.next_check_at:
        parts.append(f"next reading in {_span(got.after.next_check_at - now)}")
    return "; ".join(parts)


def _span(span: timedelta) -> str:
    minutes = round(span / timedelta(minutes=1))
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.3g} h"


def warnings_of(got: Gathered, now: datetime) -> list[str]:
    """What a person should look at before they trust this source."""
    told = got.articles
    if got.error or got.unchanged:
        return []
    if not told:
        return ["there is nothing in it now: it works, and a quiet week looks like this too"]
    words = [_undated(told), _old(told, now), _backlog(told), _same(told), _teasers(told)]
    if refused := got.facts.get("refused"):
        words.append(f"{refused} of its entries were refused (they repeat without end, or make no sense)")
    if any(article.is_title_guessed for article in told):
        words.append("titles are guessed from the addresses until the pages are read")
    return [line for line in words if line]


def _undated(told: Sequence[Article]) -> str:
    count = sum(not article.published_at and not article.event for article in told)
    return f"{count} of {len(told)} have no date: they count from when we first see them" if count else ""


def _old(told: Sequence[Article], now: datetime) -> str:
    dates = [article.published_at for article in told if article.published_at and not article.event]
    if not dates or max(dates) > now - timedelta(days=60):
        return ""
    return f"the newest is of {max(dates):%d %b %Y}: is it still alive?"


def _backlog(told: Sequence[Article]) -> str:
    plain = [article for article in told if not article.event]
    if not plain or not all(article.is_backlog for article in plain):
        return ""
    return "all of it counts as seen at the first reading: an issue tells what comes after"


def _same(told: Sequence[Article]) -> str:
    title, count = Counter(article.title for article in told).most_common(1)[0]
    return f'{count} of {len(told)} are called "{title}"' if count > 2 and count * 2 > len(told) else ""


def _teasers(told: Sequence[Article]) -> str:
    plain = [article for article in told if not article.event]
    short = sum(len(article.summary) < SHORT_SUMMARY and not article.minutes for article in plain)
    if not plain or short * 2 < len(plain):
        return ""
    return f"{short} of {len(plain)} tell little more than a title: their pages are read too (--full-text)"


def _adding(source: Source) -> str:
    """The command that stores what was tried."""
    parts = ["sources", "add", source.url, "--kind", str(source.kind)]
    parts += ["--recipe", source.recipe] if source.recipe else []
    return shlex.join(parts)


def _plain(probe: Probe, now: datetime) -> dict[str, object]:
    got = probe.got
    articles = [
        {
            "title": one.title,
            "url": one.url,
            "published_at": one.published_at,
            "starts_at": one.event.starts_at if one.event else None,
            "is_backlog": one.is_backlog,
        }
        for one in got.articles
    ]
    source = got.after
    about = {"title": source.title, "url": source.url, "kind": source.kind, "recipe": source.recipe}
    told = {"trail": probe.trail, "others": probe.others, "robots": probe.robots, "facts": got.facts}
    rest = {"error": got.error, "next_check_at": source.next_check_at, "warnings": warnings_of(got, now)}
    return about | told | rest | {"articles": articles}
