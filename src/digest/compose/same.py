"""Which articles are the same by what they are called: one address, one title, one event, one series."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from functools import lru_cache
from operator import attrgetter

from digest.compose.event import day_of, event_marks
from digest.compose.plan import Plan
from digest.domain import Article, Source

_VERSION = re.compile(
    r"(?:^|\s)(?:v\d+(?:\.\d+)*|\d+(?:\.\d+){2,})(?:[-. ]?(?:rc|beta|alpha)[-. ]?\d*)?$", re.I
)
_NO_LETTER = re.compile(r"[\W_]+")
_TAIL = re.compile(r"\s+[|–—-]\s+")
_WIDE = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


def title_key(title: str, source: Source | None = None) -> str:
    """A title as it is compared: no case, punctuation or spacing, and without the site's name at its end."""
    parts = _TAIL.split(title) if source else []
    if source and len(parts) > 1 and _plain(parts[-1]) == _plain(source.title):
        title = title[: title.rindex(parts[-1])]
    return _plain(title)


def is_release(title: str) -> bool:
    """True for a short title that ends in a version of three numbers or more ("Atlas 2.3.15", "v4")."""
    return len(title.split()) <= 5 and _VERSION.search(title.strip()) is not None


@lru_cache(maxsize=65536)
def _plain(text: str) -> str:
    return _NO_LETTER.sub(" ", unicodedata.normalize("NFKC", text).casefold()).strip()


def is_telling(key: str) -> bool:
    """False for titles such as "Changelog" or "Weekly links" that different stories have in common."""
    return len(key) >= 6 if _WIDE.search(key) else len(key.split()) >= 3 or len(key) >= 18


#: A source's text or address, and a day on which it stood under several titles already.
Repeated = frozenset[tuple[int, str, date]]


def repeated(
    articles: Iterable[Article], what: Callable[[Article], str], title: Callable[[Article], str]
) -> Repeated:
    """The texts or addresses that a source gives under several titles, from the day on which that is known.

    What stood under one title on Monday is Monday's, whatever Tuesday brings: its stories stay as they are.
    """
    days: dict[date, list[Article]] = defaultdict(list)
    for article in articles:
        days[article.seen_at.date()].append(article)
    first: dict[tuple[int, str], str] = {}
    several: set[tuple[int, str]] = set()
    found: set[tuple[int, str, date]] = set()
    for day in sorted(days):
        for article in days[day]:
            place = article.source_id, what(article)
            if first.setdefault(place, name := title(article)) != name:
                several.add(place)
        found |= {(*place, day) for each in days[day] if (place := (each.source_id, what(each))) in several}
    return frozenset(found)


def shared_addresses(articles: Iterable[Article]) -> Repeated:
    """The addresses with several titles: some feeds have one link for all they publish."""
    return repeated(articles, attrgetter("canonical_url"), lambda article: _plain(article.title))


def identity(article: Article, plan: Plan, shared: Repeated) -> str:
    """What makes it the same article: address, an event's day, the title where the address says nothing."""
    parts = [article.canonical_url]
    if article.event is not None:
        parts.append(day_of(article.event, plan.zone))
    if _is_shared(article, shared):
        parts.append(_plain(article.title))
    return "\n".join(parts)


def ties(articles: Sequence[Article], plan: Plan, shared: Repeated) -> list[list[str]]:
    """What makes articles one whatever else is known: one address, or an editor's word."""
    said = kin(plan.same)
    return [
        [
            *([] if article.event else [f"article {identity(article, plan, shared)}"]),
            *([f"editor {said[article.canonical_url]}"] if article.canonical_url in said else []),
        ]
        for article in articles
    ]


def marks(articles: Sequence[Article], plan: Plan, shared: Repeated) -> list[list[str]]:
    """What joins articles that no editor told apart: one title, one event, one series of versions."""
    names = [
        f"{article.canonical_url} {_plain(article.title) if _is_shared(article, shared) else ''}"
        for article in articles
    ]
    of_events = event_marks(articles, plan, names)
    return [
        each if article.event else _marks(article, plan)
        for article, each in zip(articles, of_events, strict=True)
    ]


def kin(same: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Each address that an editor joined to others, with the one that stands for all of them."""
    heads: dict[str, str] = {}
    members: dict[str, list[str]] = {}
    for one, other in sorted(same):
        low, high = sorted((heads.setdefault(one, one), heads.setdefault(other, other)))
        if low != high:
            moving = members.pop(high, [high])
            members.setdefault(low, [low]).extend(moving)
            heads.update(dict.fromkeys(moving, low))
    return heads


def contradicts(
    pair: tuple[str, str],
    *,
    is_same: bool,
    same: Iterable[tuple[str, str]],
    different: Iterable[tuple[str, str]],
) -> bool:
    """True when the earlier answers, taken together, say the opposite of this one."""
    heads = kin(same)
    one, other = (heads.get(url, url) for url in pair)
    if not is_same:
        return one == other
    return any({heads.get(a, a), heads.get(b, b)} == {one, other} for a, b in different)


def _marks(article: Article, plan: Plan) -> list[str]:
    title = title_key(article.title, plan.sources[article.source_id])
    if is_release(article.title):
        return [f"release {article.source_id} {_plain(_VERSION.sub('', article.title.strip()))}"]
    return [f"title {title}"] if is_telling(title) else []


def _is_shared(article: Article, shared: Repeated) -> bool:
    return (article.source_id, article.canonical_url, article.seen_at.date()) in shared
