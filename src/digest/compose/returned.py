"""Articles that come back under another address after an issue told them: they are not told again."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from digest.compose.same import is_telling, title_key
from digest.compose.story import COPY, COPY_RUNS
from digest.compose.terms import shingles
from digest.domain import Article, Source


def returned(
    articles: Iterable[Article], told: Iterable[Article], sources: Mapping[int, Source]
) -> frozenset[int]:
    """The ids of the articles that are one that was told: its title, and its text or its source and moment.

    A title alone does not say so: "Photos of the week" is another article each week.
    """
    by_title: dict[str, list[Article]] = defaultdict(list)
    for one in told:
        by_title[_title(one, sources)].append(one)
    return frozenset(
        article.id
        for article in articles
        if article.event is None
        and is_telling(title := _title(article, sources))
        and any(_is_one(article, one) for one in by_title.get(title, ()))
    )


def _title(article: Article, sources: Mapping[int, Source]) -> str:
    return title_key(article.title, sources.get(article.source_id))


def _is_one(article: Article, told: Article) -> bool:
    if article.id == told.id:
        return False
    is_at_once = article.published_at is not None and article.published_at == told.published_at
    if is_at_once and article.source_id == told.source_id:
        return True
    mine, theirs = shingles(article.summary), shingles(told.summary)
    is_long = min(len(mine), len(theirs)) >= COPY_RUNS
    return is_long and len(mine & theirs) >= COPY * len(mine | theirs)
