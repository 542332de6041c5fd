"""What a demo plays on: sites, mail catcher and house, opened in a temporary folder and gone at the end."""

import os
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

from digest.config import Settings
from digest.demo.catcher import Catcher, open_catcher
from digest.demo.feeds import write_feed
from digest.demo.folder import feed_pages
from digest.demo.material import Reader, sample_readers, sample_sites
from digest.demo.options import DemoOptions
from digest.demo.sites import LOOPBACK, dead_port, open_sites
from digest.domain import FullText, Source, SourceKind
from digest.house import House, open_house
from digest.log import Log
from digest.schedule import listen

KEY = "week-in-ai"
EDITOR = "ingrid@week-in-ai.example"
#: Where the readers' pages would be when none are served.
_PUBLIC_URL = "https://week-in-ai.example"


#: Kinds of sample sites that are not read as feeds.
_KINDS = {"ics": SourceKind.CALENDAR, "page": SourceKind.PAGE, "events": SourceKind.EVENTS}


class _Nowhere(StringIO):
    """A stream that keeps nothing: the demo tells what happens in its own words."""

    def write(self, text: str, /) -> int:
        return len(text)


class Clock:
    """The demo's time: a second later at each look, so that a run does not depend on the machine's speed."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def __call__(self) -> datetime:
        """The time."""
        self._now += timedelta(seconds=1)
        return self._now


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """All that the acts of a demo work with."""

    options: DemoOptions
    house: House
    clock: Clock
    catcher: Catcher
    sources: tuple[Source, ...]
    readers: tuple[Reader, ...]
    #: Of the readers' pages, already listening; None when they are not served.
    listening: socket.socket | None


@asynccontextmanager
async def open_stage(options: DemoOptions) -> AsyncIterator[Stage]:
    """The stage; when the block ends no process, port or temporary file of it is left."""
    async with AsyncExitStack() as stack:
        sources = await _open_sources(stack, options)
        listening = stack.enter_context(listen(LOOPBACK, options.port)) if options.serve else None
        catcher = await stack.enter_async_context(open_catcher())
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="digest-demo-")))
        public_url = f"http://{LOOPBACK}:{listening.getsockname()[1]}" if listening else _PUBLIC_URL
        settings = demo_settings(folder, smtp_port=catcher.port, public_url=public_url)
        house = await stack.enter_async_context(open_house(settings, log=Log(_Nowhere())))
        yield Stage(
            options=options,
            house=house,
            clock=Clock(options.now),
            catcher=catcher,
            sources=sources,
            readers=sample_readers(options.readers),
            listening=listening,
        )


async def _open_sources(stack: AsyncExitStack, options: DemoOptions) -> tuple[Source, ...]:
    """The sources, served on loopback: the sample sites, or every feed file of the folder.

    The pages that they link to are not read: a demo leaves this machine alone.
    """
    if options.feeds is not None:
        pages = feed_pages(options.feeds, options.now)
        address = await stack.enter_async_context(open_sites(pages))
        return tuple(
            Source(url=f"{address}/{name}", title="", kind=kind_of(name), full_text=FullText.NEVER)
            for name in pages
        )
    sites = sample_sites()
    alive = [site for site in sites if site.kind != "dead"]
    pages = {site.file: write_feed(site, options.now) for site in alive}
    places = dict.fromkeys(pages, await stack.enter_async_context(open_sites(pages)))
    sources = []
    for site in sites:
        place = places.get(site.file) or stack.enter_context(dead_port())
        source = Source(
            url=f"{place}/{site.file}",
            title=site.title,
            kind=_KINDS.get(site.kind, SourceKind.FEED),
            site_url=site.site,
            owner=site.owner,
            section=site.section,
            weight=site.weight,
            full_text=FullText.NEVER,
        )
        sources.append(source)
    return tuple(sources)


def kind_of(name: str) -> SourceKind:
    """How a file of that name is read."""
    return SourceKind.CALENDAR if name.lower().endswith(".ics") else SourceKind.FEED


def demo_settings(folder: Path, *, smtp_port: int, public_url: str) -> Settings:
    """Settings of one newsletter with everything in that folder and on loopback."""
    newsletter = {
        "name": "The Week in AI",
        "from_address": "news@week-in-ai.example",
        "reply_to": EDITOR,
        "address": "Week in AI, 12 Harbour Street, 8000 Aarhus C, Denmark",
        "editor": EDITOR,
        "editor_name": "Ingrid Dahl",
        "timezone": "Europe/Copenhagen",
        "policy": "review",
        "max_per_source": 8,
    }
    return Settings.model_validate(
        {
            "database": f"sqlite:///{folder / 'demo.db'}",
            "public_url": public_url,
            # It signs links that work only while this demo runs.
            "secret": os.urandom(24).hex(),
            "smtp": {"url": f"smtp://{LOOPBACK}:{smtp_port}"},
            "gather": {"allow_hosts": [LOOPBACK], "timeout_seconds": 10},
            "newsletters": {KEY: newsletter},
        }
    )
