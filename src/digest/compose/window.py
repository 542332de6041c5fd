"""Which articles an issue is made of: nothing falls between two windows, nothing is in both."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from digest.compose.plan import Plan
from digest.domain import Article, Event


def window(articles: Iterable[Article], plan: Plan, *, now: datetime) -> tuple[Article, ...]:
    """The articles for this issue, in an order that does not depend on the order they came in.

    An article is in when it was first seen in [since, until), is no backlog and was not told; one that a
    cancelled issue held is in whenever it was seen. An event is in
    whenever it was seen, when it starts in [now, now + event_days]; one that was told may have been moved,
    and is in when it is still to come.
    """
    known = frozenset(number for story in plan.told_events for number in story.article_ids)
    chosen = [article for article in articles if _is_in(article, plan, now, known)]
    return tuple(sorted(chosen, key=order))


def order(article: Article) -> tuple[str, str, int, int, datetime, str]:
    """A sort key that tells any two different articles apart."""
    return (
        article.canonical_url,
        article.guid,
        article.source_id,
        article.id,
        article.seen_at,
        article.title,
    )


def _is_in(article: Article, plan: Plan, now: datetime, known: frozenset[int]) -> bool:
    source = plan.sources.get(article.source_id)
    if source is None or not plan.reads(source):
        return False
    if article.event is not None:
        is_near = article.event.starts_at - now <= timedelta(days=plan.event_days)
        return (is_near or article.id in known) and is_coming(article.event, now)
    is_fresh = plan.since <= article.seen_at < plan.until or article.id in plan.given_back
    return is_fresh and not article.is_backlog and article.canonical_url not in plan.told


def is_coming(event: Event, now: datetime) -> bool:
    """True until an event has begun, its day is over, or a deadline has passed everywhere."""
    # An all-day event starts at midnight; on the morning of its day it can still be gone to.
    earliest = now - timedelta(days=1) if event.all_day else now
    if event.all_day and event.is_deadline and not event.zone:
        # Without a zone a deadline holds until its day is over anywhere on earth: 12 hours after UTC.
        earliest = now - timedelta(days=1, hours=12)
    return earliest <= event.starts_at
