"""The table of kinds of source: one module and one line each."""

from collections.abc import Callable
from datetime import datetime

from digest.domain import SourceKind
from digest.gather import eventpage, feed, ical, json_list, listing, sitemap
from digest.gather.document import Body, Document

#: Each reads a body as of `now` into a document, or raises ParseError.
KINDS: dict[SourceKind, Callable[[Body, datetime], Document]] = {
    SourceKind.FEED: feed.read,
    SourceKind.CALENDAR: ical.read,
    SourceKind.JSON: json_list.read,
    SourceKind.PAGE: listing.read,
    SourceKind.SITEMAP: sitemap.read,
    SourceKind.EVENTS: eventpage.read,
}
#: What nobody offers for reading by machines, so that robots.txt is asked first.
PAGES = frozenset({SourceKind.PAGE, SourceKind.EVENTS})
