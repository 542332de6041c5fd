"""The table of kinds of source: one module and one line each."""

from collections.abc import Callable
from datetime import datetime
from importlib import import_module

from digest.domain import SourceKind
from digest.gather.document import Body, Document


def _by(module: str) -> Callable[[Body, datetime], Document]:
    """The module's `read`, loaded when it is first needed: a worker that reads feeds needs no calendars."""

    def read(body: Body, now: datetime) -> Document:
        document: Document = import_module(f"digest.gather.{module}").read(body, now)
        return document

    return read


#: Each reads a body as of `now` into a document, or raises ParseError.
KINDS: dict[SourceKind, Callable[[Body, datetime], Document]] = {
    SourceKind.FEED: _by("feed"),
    SourceKind.CALENDAR: _by("ical"),
    SourceKind.JSON: _by("json_list"),
    SourceKind.PAGE: _by("listing"),
    SourceKind.SITEMAP: _by("sitemap"),
    SourceKind.EVENTS: _by("eventpage"),
}
#: What nobody offers for reading by machines, so that robots.txt is asked first.
PAGES = frozenset({SourceKind.PAGE, SourceKind.EVENTS})
