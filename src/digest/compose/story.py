"""Which articles are the same story, and which of them leads it."""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from digest.compose.plan import Plan, voice, weight
from digest.compose.window import order
from digest.domain import Article, Event, Reason, Source

_VERSION = re.compile(
    r"(?:^|\s)(?:v\d+(?:\.\d+)*|\d+(?:\.\d+){2,})(?:[-. ]?(?:rc|beta|alpha)[-. ]?\d*)?$", re.I
)
_NO_LETTER = re.compile(r"[\W_]+")
_TAIL = re.compile(r"\s+[|–—-]\s+")
_WIDE = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """Articles about one thing: the leading one first, then the others in a fixed order."""

    key: str
    articles: tuple[Article, ...]
    #: The keys its members would have had as leaders: an editor's lock finds its story by them.
    keys: tuple[str, ...]
    #: How many independent owners tell it.
    voices: int
    #: Titles of the other sources, one for each other owner.
    also: tuple[str, ...] = ()
    #: True when the headline is a version number.
    is_release: bool = False
    reasons: tuple[Reason, ...] = ()

    @property
    def lead(self) -> Article:
        """The article whose title, address and text tell the story."""
        return self.articles[0]


def cluster(articles: Sequence[Article], plan: Plan) -> tuple[Cluster, ...]:
    """The stories of these articles, each article in exactly one, in the order of their addresses.

    The same article is one canonical address, unless one source gives that address to several titles. The
    same story is an equal title; for events also the same day. Versions of one product in one feed are one
    story.
    """
    shared = _shared(articles)
    groups: dict[int, list[Article]] = {}
    roots = _roots([_marks(article, plan, shared) for article in articles])
    for article, root in zip(articles, roots, strict=True):
        groups.setdefault(root, []).append(article)
    clusters = [_cluster(group, plan, shared) for group in groups.values()]
    return tuple(sorted(clusters, key=lambda each: order(each.lead)))


def title_key(title: str, source: Source | None = None) -> str:
    """A title as it is compared: no case, punctuation or spacing, and without the site's name at its end."""
    parts = _TAIL.split(title)
    if source and len(parts) > 1 and _plain(parts[-1]) == _plain(source.title):
        title = title[: title.rindex(parts[-1])]
    return _plain(title)


def is_release(title: str) -> bool:
    """True for a short title that ends in a version of three numbers or more ("Atlas 2.3.15", "v4")."""
    return len(title.split()) <= 5 and _VERSION.search(title.strip()) is not None


def _plain(text: str) -> str:
    return _NO_LETTER.sub(" ", unicodedata.normalize("NFKC", text).casefold()).strip()


def _is_telling(key: str) -> bool:
    """False for titles such as "Changelog" or "Weekly links" that different stories have in common."""
    return len(key) >= 6 if _WIDE.search(key) else len(key.split()) >= 3 or len(key) >= 18


def _shared(articles: Iterable[Article]) -> frozenset[tuple[int, str]]:
    """The (source, address) pairs with several titles: some feeds have one link for all they publish."""
    first: dict[tuple[int, str], str] = {}
    shared = set()
    for article in articles:
        place = article.source_id, article.canonical_url
        title = _plain(article.title)
        if first.setdefault(place, title) != title:
            shared.add(place)
    return frozenset(shared)


def _identity(article: Article, plan: Plan, shared: frozenset[tuple[int, str]]) -> str:
    """What makes it the same article: address, an event's day, the title where the address says nothing."""
    parts = [article.canonical_url]
    if article.event is not None:
        parts.append(_day(article.event, plan.zone))
    if (article.source_id, article.canonical_url) in shared:
        parts.append(_plain(article.title))
    return "\n".join(parts)


def _marks(article: Article, plan: Plan, shared: frozenset[tuple[int, str]]) -> list[str]:
    """What the article is joined to others by: two articles with a mark in common are one story."""
    is_event = "event" if article.event else "article"
    marks = [f"{is_event} {_identity(article, plan, shared)}"]
    title = title_key(article.title, plan.sources[article.source_id])
    if article.event is not None:
        what = "deadline" if article.event.is_deadline else "event"
        marks.append(f"{what} {title}\n{_day(article.event, plan.zone)}")
    elif is_release(article.title):
        marks.append(f"release {article.source_id} {_plain(_VERSION.sub('', article.title.strip()))}")
    elif _is_telling(title):
        marks.append(f"title {title}")
    return marks


def _day(event: Event, zone: str) -> str:
    # An all-day event has the day that its organiser wrote, wherever the reader is.
    named = (event.zone or "UTC") if event.all_day else zone
    try:
        return event.starts_at.astimezone(ZoneInfo(named)).date().isoformat()
    except (KeyError, ValueError, OSError, OverflowError):
        return event.starts_at.astimezone(UTC).date().isoformat()


def _roots(marks: Sequence[Sequence[str]]) -> list[int]:
    """For each list of marks the index of the first list it is joined to, directly or through others."""
    parents = list(range(len(marks)))

    def root(index: int) -> int:
        while parents[index] != index:
            parents[index] = parents[parents[index]]
            index = parents[index]
        return index

    owners: dict[str, int] = {}
    for index, each in enumerate(marks):
        for mark in each:
            low, high = sorted((root(owners.setdefault(mark, index)), root(index)))
            parents[high] = low
    return [root(index) for index in range(len(marks))]


def _cluster(group: list[Article], plan: Plan, shared: frozenset[tuple[int, str]]) -> Cluster:
    release = all(is_release(article.title) for article in group)
    ordered = tuple(sorted(group, key=lambda each: (_precedence(each, plan, release), order(each))))
    keys = tuple(_hash(_identity(article, plan, shared)) for article in ordered)
    others = _other_sources(ordered, plan)
    return Cluster(
        key=keys[0],
        articles=ordered,
        keys=keys,
        voices=1 + len(others),
        also=tuple(source.title for source in others if source.title),
        is_release=release,
        reasons=_reasons(ordered, others, release=release),
    )


def _precedence(article: Article, plan: Plan, release: bool) -> tuple[float, float]:
    """The weightiest source leads, then who was first; of versions the newest."""
    seconds = told_at(article).timestamp()
    return -weight(plan.sources[article.source_id]), -seconds if release else seconds


def told_at(article: Article) -> datetime:
    """When the article was published; a date that is missing or after we saw it counts as when we saw it."""
    return min(article.published_at or article.seen_at, article.seen_at)


def _other_sources(ordered: Sequence[Article], plan: Plan) -> list[Source]:
    """One source for each voice but the leading one, in the order of precedence."""
    lead = plan.sources[ordered[0].source_id]
    voices = {voice(lead): lead}
    for article in ordered:
        source = plan.sources[article.source_id]
        voices.setdefault(voice(source), source)
    return list(voices.values())[1:]


def _reasons(ordered: Sequence[Article], others: Sequence[Source], *, release: bool) -> tuple[Reason, ...]:
    if release and len(ordered) > 1:
        return (Reason(rule="story.series", words=f"The newest of {len(ordered)} versions in one feed."),)
    if others:
        names = ", ".join(source.title or source.url for source in others)
        return (Reason(rule="story.same", words=f"Also told by {names}, with the same address or title."),)
    if len(ordered) > 1:
        words = f"{len(ordered)} articles of one owner with the same address or title."
        return (Reason(rule="story.same", words=words),)
    return ()


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
