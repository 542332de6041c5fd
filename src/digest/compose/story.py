"""Which articles are one story, which of them leads it, and why: the three decisions in one place."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from operator import attrgetter

from digest.compose.alike import Grouping, group
from digest.compose.corpus import Text
from digest.compose.plan import Plan, voice, weight
from digest.compose.same import (
    Repeated,
    identity,
    is_release,
    is_telling,
    kin,
    marks,
    repeated,
    shared_addresses,
    ties,
    title_key,
)
from digest.compose.terms import shingles
from digest.compose.window import order
from digest.domain import Article, Reason, Source

#: Texts with this part of their three-word runs in common are nearly the same.
COPY = 0.5
#: A text with fewer runs is too short to be told from another.
COPY_RUNS = 12
#: So many articles of a story are named one by one.
NAMED = 6


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """Two articles of two stories that may be one; the editor is asked."""

    one: Article
    other: Article
    likeness: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Member:
    """An article of a cluster and what brought it there."""

    article: Article
    copies: frozenset[str]
    fit: float


def cluster(articles: Sequence[Article], plan: Plan) -> tuple[tuple[Cluster, ...], tuple[Doubt, ...]]:
    """The stories of these articles, in the order of their addresses, and the pairs that are not sure.

    Each article is in exactly one story. The same article is one canonical address, unless one source gives
    that address to several titles, or an equal title; nearly the same is a copy of its text; the same story
    is told in alike words, as `digest.compose.alike` decides. Versions in one feed are one story.
    """
    shared = shared_addresses(articles)
    found = _grouping(articles, plan, shared)
    copies: dict[int, set[str]] = defaultdict(set)
    for one, other in found.copies:
        copies[one].add(articles[other].canonical_url)
        copies[other].add(articles[one].canonical_url)
    groups: dict[int, list[_Member]] = {}
    for index, root in enumerate(found.roots):
        member = _Member(article=articles[index], copies=frozenset(copies[index]), fit=found.fits[index])
        groups.setdefault(root, []).append(member)
    clusters = [_cluster(group, plan, shared) for group in groups.values()]
    doubts = [
        Doubt(one=articles[pair.one], other=articles[pair.other], likeness=pair.likeness)
        for pair in found.unsure
    ]
    return tuple(sorted(clusters, key=lambda each: order(each.lead))), tuple(doubts)


def _grouping(articles: Sequence[Article], plan: Plan, shared: Repeated) -> Grouping:
    furniture = _furniture(articles)
    texts = [_text(article, plan, furniture) for article in articles]
    days: dict[object, list[int]] = defaultdict(list)
    for index, article in enumerate(articles):
        days[article.seen_at.date()].append(index)

    @cache
    def runs(index: int) -> frozenset[str]:
        article = articles[index]
        return shingles(f"{article.title} {'' if _place(article) in furniture else article.summary}")

    def is_copy(one: int, other: int) -> bool:
        mine, theirs = runs(one), runs(other)
        common = len(mine & theirs)
        return min(len(mine), len(theirs)) >= COPY_RUNS and common >= COPY * len(mine | theirs)

    return group(
        texts,
        [days[day] for day in sorted(days, key=str)],
        weights=plan.weights,
        ties=ties(articles, plan, shared),
        marks=marks(articles, plan, shared),
        is_copy=is_copy,
        parted=_parted(articles, plan),
    )


def _text(article: Article, plan: Plan, furniture: Repeated) -> Text:
    """What is compared of it: nothing of events and versions, whose words are their kind's."""
    is_compared = article.event is None and not is_release(article.title)
    key = title_key(article.title)
    return Text(
        # "Weekly links" is the name of a column and of nothing in it.
        title=article.title if is_compared and is_telling(key) else "",
        text=article.summary if is_compared and _place(article) not in furniture else "",
        voice=voice(plan.sources[article.source_id]),
        language=article.language,
        at=told_at(article),
        name=key,
    )


def _place(article: Article) -> tuple[int, str, date]:
    return article.source_id, article.summary, article.seen_at.date()


def _furniture(articles: Iterable[Article]) -> Repeated:
    """The texts that stand under several titles: they tell of the site, not of the article."""
    return repeated(articles, attrgetter("summary"), attrgetter("title"))


def _parted(articles: Sequence[Article], plan: Plan) -> frozenset[tuple[int, int]]:
    """The pairs that an editor said are two stories, and what they said is one with either of them."""
    if not plan.different:
        return frozenset()
    heads = kin(plan.same)
    places: dict[str, list[int]] = defaultdict(list)
    for index, article in enumerate(articles):
        places[heads.get(article.canonical_url, article.canonical_url)].append(index)
    apart = {(heads.get(one, one), heads.get(other, other)) for one, other in plan.different}
    return frozenset(
        (min(a, b), max(a, b))
        for one, other in apart
        if one != other
        for a in places.get(one, ())
        for b in places.get(other, ())
    )


def _cluster(group: list[_Member], plan: Plan, shared: Repeated) -> Cluster:
    release = all(is_release(member.article.title) for member in group)
    members = sorted(group, key=lambda each: (_precedence(each.article, plan, release), order(each.article)))
    ordered = tuple(member.article for member in members)
    keys = tuple(_hash(identity(article, plan, shared)) for article in ordered)
    others = _other_sources([each for each in ordered if not each.is_withdrawn] or ordered, plan)
    return Cluster(
        key=keys[0],
        articles=ordered,
        keys=keys,
        voices=1 + len(others),
        also=tuple(source.title for source in others if source.title),
        is_release=release,
        reasons=_reasons(members, others, plan, release=release),
    )


def _precedence(article: Article, plan: Plan, release: bool) -> tuple[bool, float, float]:
    """The weightiest source leads, then who was first; of versions the newest. What was withdrawn is last."""
    seconds = told_at(article).timestamp()
    by_weight = -weight(plan.sources[article.source_id])
    return article.is_withdrawn, by_weight, -seconds if release else seconds


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


def _reasons(
    members: Sequence[_Member], others: Sequence[Source], plan: Plan, *, release: bool
) -> tuple[Reason, ...]:
    """Who tells it, then for each article but the leading one what made it part of the story."""
    if len(members) == 1:
        return ()
    if release:
        return (Reason(rule="story.series", words=f"The newest of {len(members)} versions in one feed."),)
    found = [(member, _how(member, members, plan)) for member in members[1:]]
    kinds = list(dict.fromkeys(kind for _, (kind, _) in found))
    if others:
        who = "Also told by " + ", ".join(source.title or source.url for source in others)
    else:
        who = f"{len(members)} articles of one owner"
    rule = "story.same" if kinds == ["same"] else "story.nearly" if "alike" not in kinds else "story.alike"
    lines = [
        Reason(
            rule=f"story.member.{kind}",
            words=f"“{member.article.title}” ({_name(member, plan)}): {words}.",
            value=member.fit if kind == "alike" else None,
        )
        for member, (kind, words) in found[:NAMED]
    ]
    more = len(found) - NAMED
    if more > 0:
        lines.append(Reason(rule="story.member", words=f"And {more} more."))
    return (Reason(rule=rule, words=f"{who}."), *lines)


def _how(member: _Member, members: Sequence[_Member], plan: Plan) -> tuple[str, str]:
    """The strongest tie of an article to the others: its kind and its words."""
    article = member.article
    others = [each.article for each in members if each is not member]
    if any(each.canonical_url == article.canonical_url for each in others):
        return "same", "the same address"
    if article.event is not None:
        return "same", "the same event by its title, day and place"
    title = title_key(article.title, plan.sources[article.source_id])
    if any(title_key(each.title, plan.sources[each.source_id]) == title for each in others):
        return "same", "the same title"
    if any(each.canonical_url in member.copies for each in others):
        return "nearly", "nearly the same text"
    if any(article.canonical_url in pair for pair in plan.same):
        return "same", "an editor said so"
    return "alike", f"told in alike words (likeness {member.fit:.2f})"


def _name(member: _Member, plan: Plan) -> str:
    source = plan.sources[member.article.source_id]
    return source.title or source.url


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
