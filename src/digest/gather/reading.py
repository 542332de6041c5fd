"""A body becomes articles: the work that may take long, done here or in a worker process."""

import copyreg
from dataclasses import dataclass, fields, replace
from datetime import datetime
from operator import attrgetter

from digest.domain import Article, Source
from digest.errors import ParseError
from digest.gather.articles import MAX_ARTICLES, articles_of
from digest.gather.document import Body, Document
from digest.gather.kinds import KINDS

_NAMES = [field.name for field in fields(Article)]
_VALUES = attrgetter(*_NAMES)


def _made(*values: object) -> Article:
    return Article(**dict(zip(_NAMES, values, strict=True)))  # type: ignore[arg-type]


# Articles come out of worker processes by the thousand; a dataclass pickles itself field by field in Python.
copyreg.pickle(Article, lambda article: (_made, _VALUES(article)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a source's body gave: its articles, and the document without its items."""

    document: Document
    articles: tuple[Article, ...] = ()


def read_body(source: Source, body: Body, now: datetime) -> Reading:
    """The body's articles; ParseError in one line whatever the body is."""
    try:
        document = KINDS[source.kind](body, now)
        articles = articles_of(document, source, now=now)
    except ParseError:
        raise
    except MemoryError as exc:
        raise ParseError("it needs more memory to be read than it may have") from exc
    except Exception as exc:
        # Hostile input finds the parsers' own errors; that is this source's trouble, not the run's.
        raise ParseError(f"reading failed in an unforeseen way ({type(exc).__name__})") from exc
    whole_until = document.whole_until if len(document.items) <= MAX_ARTICLES else None
    return Reading(document=replace(document, items=(), whole_until=whole_until), articles=articles)
