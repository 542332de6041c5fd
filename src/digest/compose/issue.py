"""One issue out of a week's articles: window, stories, sections, ranking, picking, in this order."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from digest.compose.event import is_cancelled
from digest.compose.extract import extract
from digest.compose.pick import LEAD_MIN_LETTERS, Candidate, pick
from digest.compose.plan import Plan, voice
from digest.compose.rank import rank
from digest.compose.retelling import KNOWN, Memory
from digest.compose.review import Held, Question, Review
from digest.compose.section import ASK_BELOW, section
from digest.compose.story import Cluster, Doubt, cluster
from digest.compose.summary import summary
from digest.compose.window import window
from digest.domain import EVENTS, Article, Content, IssueSection, Reason, Story, Tier

#: An extract has at most so many words: as many as a lead.
EXTRACT_WORDS = 60
#: So many near-misses of a story are told.
NEAR_MISSES = 3


def compose(articles: Iterable[Article], plan: Plan, *, now: datetime) -> Content:
    """The issue of these articles; equal input in any order gives an equal issue.

    `now` only decides which events are still to come. Sections with nothing to tell are left out.
    """
    return review(articles, plan, now=now).content


def review(articles: Iterable[Article], plan: Plan, *, now: datetime) -> Review:
    """The same issue with what an editor is asked about it, and what it does not tell."""
    read = window(articles, plan, now=now)
    clusters, doubts = cluster(read, plan)
    candidates = _candidates(_without_locked(clusters, plan.locked), doubts, plan)
    told, silent = _remember(candidates, plan, now=now)
    picked = pick(told, plan)
    known = sum(len(each.cluster.articles) for each, why in silent if why.rule == KNOWN)
    content = Content(
        newsletter=plan.newsletter,
        number=plan.number,
        since=plan.since,
        until=plan.until,
        subject=plan.subject,
        note=plan.note,
        sections=_sections(picked.stories, plan),
        articles_read=len(read) - known,
        sources_read=_sources_read(plan),
        sources_failed=plan.sources_failed,
    )
    return Review(
        content=content,
        questions=(*_questions(doubts), *_placings(picked.told)),
        held=tuple(_held(*each) for each in (*picked.held, *silent)),
    )


def _remember(
    candidates: Iterable[Candidate], plan: Plan, *, now: datetime
) -> tuple[list[Candidate], list[tuple[Candidate, Reason]]]:
    """What may be told, an event of which there is news with its word; and what is not, with the reason."""
    memory = Memory(plan, now=now)
    told: list[Candidate] = []
    silent: list[tuple[Candidate, Reason]] = []
    keys: set[str] = set()
    for each in candidates:
        articles = each.cluster.articles
        again = memory.retelling(articles) if each.section == EVENTS else None
        if again is not None and (not again.word or again.key in keys):
            silent.append((each, again.reason))
        elif again is not None:
            keys.add(again.key)
            told.append(replace(each, again=again, reasons=(*each.reasons, again.reason)))
        elif is_cancelled(articles):
            silent.append((each, Reason(rule="pick.held", words="It is cancelled.")))
        else:
            told.append(each)
    return told, silent


def _questions(doubts: Iterable[Doubt]) -> tuple[Question, ...]:
    return tuple(
        Question(
            kind="story",
            urls=(doubt.one.canonical_url, doubt.other.canonical_url),
            words=f"Same story? “{doubt.one.title}” and “{doubt.other.title}”",
            confidence=doubt.likeness,
        )
        for doubt in doubts
    )


def _placings(told: Sequence[Candidate]) -> tuple[Question, ...]:
    """What is asked of the stories that stand in the issue, the least certain first."""
    asked = sorted((each.sure, each.cluster.lead.canonical_url, each.section) for each in told)
    titles = {each.cluster.lead.canonical_url: each.cluster.lead.title for each in told}
    return tuple(
        Question(kind="section", urls=(url,), words=f"Is “{titles[url]}” {key}?", confidence=sure)
        for sure, url, key in asked
        if sure < ASK_BELOW
    )


def _held(candidate: Candidate, why: Reason) -> Held:
    lead = candidate.cluster.lead
    return Held(
        title=lead.title,
        url=lead.url,
        section=candidate.section,
        score=candidate.score,
        reasons=(*candidate.reasons, why),
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


def _candidates(clusters: Sequence[Cluster], doubts: Iterable[Doubt], plan: Plan) -> list[Candidate]:
    stories_of = Counter(_voice(each, plan) for each in clusters if each.lead.event is None)
    near = _near_misses(doubts, plan)
    candidates = [_candidate(each, plan, stories_of, near) for each in clusters]
    return [each for each in candidates if each.section]


def _near_misses(doubts: Iterable[Doubt], plan: Plan) -> dict[str, list[Reason]]:
    """What is told of the stories that an article may be one with, by its address."""
    found: dict[str, list[Reason]] = defaultdict(list)
    for doubt in doubts:
        for one, other in ((doubt.one, doubt.other), (doubt.other, doubt.one)):
            words = f"Perhaps the same story as “{other.title}” ({plan.sources[other.source_id].title})"
            reason = Reason(rule="story.unsure", words=f"{words}: likeness {doubt.likeness:.2f}, not joined.")
            found[one.canonical_url].append(reason)
    return found


def _candidate(
    each: Cluster, plan: Plan, stories_of: Counter[str], near: dict[str, list[Reason]]
) -> Candidate:
    key, why, sure = section(each.lead, plan)
    text = _text(each)
    # Events are told by date, so nothing is weighed.
    is_weighed = key != EVENTS
    score, terms = rank(each, plan, stories_of=stories_of, has_text=bool(text)) if is_weighed else (0.0, ())
    missed = [
        line
        for url in dict.fromkeys(one.canonical_url for one in each.articles)
        for line in near.get(url, ())
    ]
    return Candidate(
        cluster=each,
        section=key,
        score=score,
        text=text,
        voice=_voice(each, plan),
        sure=sure,
        reasons=(why, *each.reasons, *missed[:NEAR_MISSES], *terms),
    )


def _text(each: Cluster) -> str:
    """The words to tell it with: a source's own, else an extract of the page; the leading one's go first."""
    own = (article.summary for article in each.articles)
    told = next((text for text in own if summary(text, each.lead.title, Tier.ITEM)), "")
    if len(told) >= LEAD_MIN_LETTERS or not any(article.text for article in each.articles):
        return told
    pages = (extract(article.text, max_words=EXTRACT_WORDS) for article in each.articles if article.text)
    return next((text for text in pages if summary(text, each.lead.title, Tier.ITEM)), told)


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
