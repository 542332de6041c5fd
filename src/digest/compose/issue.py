"""One issue out of a week's articles: window, stories, sections, ranking, picking, in this order."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime

from digest.compose.pick import Candidate, pick
from digest.compose.plan import Plan, voice
from digest.compose.rank import rank
from digest.compose.section import section
from digest.compose.story import Cluster, cluster
from digest.compose.summary import summary
from digest.compose.window import window
from digest.domain import EVENTS, Article, Content, IssueSection, Story, Tier


def compose(articles: Iterable[Article], plan: Plan, *, now: datetime) -> Content:
    """The issue of these articles; equal input in any order gives an equal issue.

    `now` only decides which events are still to come. Sections with nothing to tell are left out.
    """
    read = window(articles, plan, now=now)
    open_clusters = _without_locked(cluster(read, plan), plan.locked)
    stories = pick(_candidates(open_clusters, plan), plan)
    return Content(
        newsletter=plan.newsletter,
        number=plan.number,
        since=plan.since,
        until=plan.until,
        subject=plan.subject,
        note=plan.note,
        sections=_sections(stories, plan),
        articles_read=len(read),
        sources_read=_sources_read(plan),
        sources_failed=plan.sources_failed,
    )


def _without_locked(clusters: Iterable[Cluster], locked: Sequence[Story]) -> list[Cluster]:
    """The stories that no locked one tells already."""
    keys = frozenset(story.key for story in locked)
    # Articles that were never stored have id 0.
    ids = frozenset(number for story in locked for number in story.article_ids) - {0}
    return [
        each
        for each in clusters
        if keys.isdisjoint(each.keys) and ids.isdisjoint(article.id for article in each.articles)
    ]


def _candidates(clusters: Sequence[Cluster], plan: Plan) -> list[Candidate]:
    stories_of = Counter(_voice(each, plan) for each in clusters if each.lead.event is None)
    candidates = [_candidate(each, plan, stories_of) for each in clusters]
    return [each for each in candidates if each.section]


def _candidate(each: Cluster, plan: Plan, stories_of: Counter[str]) -> Candidate:
    key, why = section(each.lead, plan)
    text = _text(each)
    # Events are told by date, so nothing is weighed.
    is_weighed = key != EVENTS
    score, terms = rank(each, plan, stories_of=stories_of, has_text=bool(text)) if is_weighed else (0.0, ())
    return Candidate(
        cluster=each,
        section=key,
        score=score,
        text=text,
        voice=_voice(each, plan),
        reasons=(why, *each.reasons, *terms),
    )


def _text(each: Cluster) -> str:
    """The first text of its articles that tells something; the leading one's goes before the others'."""
    texts = (article.summary for article in each.articles)
    return next((text for text in texts if summary(text, each.lead.title, Tier.ITEM)), "")


def _voice(each: Cluster, plan: Plan) -> str:
    return voice(plan.sources[each.lead.source_id])


def _sections(stories: dict[str, tuple[Story, ...]], plan: Plan) -> tuple[IssueSection, ...]:
    # A locked story may be of a section that the newsletter gave up since; it is kept, under its key.
    labels = {each.key: each.label for each in plan.sections}
    return tuple(
        IssueSection(key=key, label=labels.get(key, key.capitalize()), stories=told)
        for key, told in stories.items()
        if told
    )


def _sources_read(plan: Plan) -> int:
    """How many sources of this newsletter could be read the last time they were tried."""
    failed = frozenset(plan.sources_failed)
    return sum(
        plan.reads(source)
        and source.checked_at is not None
        and not source.last_error
        and source.title not in failed
        for source in plan.sources.values()
    )
