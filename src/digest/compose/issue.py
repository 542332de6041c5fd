"""One issue out of a week's articles: window, stories, sections, ranking, picking, in this order."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from digest.compose.collector import without_collecting
from digest.compose.correct import kept_corrections
from digest.compose.event import is_cancelled, is_withdrawn
from digest.compose.extract import extract
from digest.compose.learn import taught
from digest.compose.pick import LEAD_MIN_LETTERS, Candidate, hold, pick
from digest.compose.plan import Plan, voice
from digest.compose.rank import rank
from digest.compose.retelling import KNOWN, Memory
from digest.compose.review import Review, same_story, which_section
from digest.compose.reword import reworded
from digest.compose.section import section
from digest.compose.story import Cluster, Doubt, cluster
from digest.compose.strange import strangers
from digest.compose.summary import summary
from digest.compose.topics import topics
from digest.compose.window import window
from digest.domain import EVENTS, Article, Content, IssueSection, Reason, Story, Tier

#: An extract has at most so many words: as many as a lead.
EXTRACT_WORDS = 60
#: So many near-misses of a story are told.
NEAR_MISSES = 3
_GIVEN_BACK = Reason(rule="window.given_back", words="An issue that held it was cancelled.")


def compose(articles: Iterable[Article], plan: Plan, *, now: datetime) -> Content:
    """The issue of these articles; equal input in any order gives an equal issue.

    `now` only decides which events are still to come. Sections with nothing to tell are left out.
    """
    return review(articles, plan, now=now).content


@without_collecting()
def review(articles: Iterable[Article], plan: Plan, *, now: datetime) -> Review:
    """The same issue with what an editor is asked about it, and what it does not tell."""
    read = window(articles, plan, now=now)
    clusters, doubts = cluster(read, plan)
    plan = replace(plan, locked=tuple(_grown(story, clusters, plan) for story in plan.locked))
    candidates = _candidates(_without(clusters, plan.locked), doubts, plan)
    told, silent = _remember(candidates, plan, now=now)
    picked = pick(told, plan)
    known = {one.id for each, why in silent if why.rule == KNOWN for one in each.cluster.articles}
    new = [one for one in read if one.id not in known]
    return Review(
        content=reworded(_content(picked.stories, new, plan), read, plan),
        questions=(*same_story(doubts, plan), *which_section(picked.told, plan)),
        held=(*picked.held, *(hold(each, why, plan, has_text=True) for each, why in silent)),
    )


def _content(stories: dict[str, tuple[Story, ...]], read: Sequence[Article], plan: Plan) -> Content:
    return Content(
        newsletter=plan.newsletter,
        number=plan.number,
        since=plan.since,
        until=plan.until,
        subject=plan.subject,
        note=plan.note,
        sections=_sections(stories, plan),
        corrections=kept_corrections(plan.corrections, plan.uncorrected),
        articles_read=len(read),
        sources_read=len({one.source_id for one in read}),
        sources_failed=plan.sources_failed,
    )


def _remember(
    candidates: Iterable[Candidate], plan: Plan, *, now: datetime
) -> tuple[list[Candidate], list[tuple[Candidate, Reason]]]:
    """What may be told, an event of which there is news with its word; and what is not, with the reason."""
    memory, dropped = Memory(plan, now=now), _known_by(plan.dropped)
    told: list[Candidate] = []
    silent: list[tuple[Candidate, Reason]] = []
    keys: set[str] = set()
    for each in candidates:
        articles = each.cluster.articles
        again = memory.retelling(articles) if each.section == EVENTS else None
        if _tells(each.cluster, *dropped):
            silent.append((each, Reason(rule="pick.dropped", words="An editor dropped it.")))
        elif again is not None and (not again.word or again.key in keys):
            silent.append((each, again.reason))
        elif again is not None:
            keys.add(again.key)
            told.append(replace(each, again=again, reasons=(*each.reasons, again.reason)))
        elif plan.returned.issuperset(one.id for one in articles):
            words = "An earlier issue told it, from another address."
            silent.append((each, Reason(rule="story.told", words=words)))
        elif is_cancelled(articles):
            words = "Its source does not list it any more." if is_withdrawn(articles) else "It is cancelled."
            silent.append((each, Reason(rule="pick.held", words=words)))
        else:
            told.append(each)
    return told, silent


def _grown(story: Story, clusters: Iterable[Cluster], plan: Plan) -> Story:
    """A locked story with the sources that tell it since; its words, tier and section stay."""
    keys, ids = _known_by([story])
    mine = [one for each in clusters if _tells(each, keys, ids) for one in each.articles]
    numbers = tuple(dict.fromkeys((*story.article_ids, *(one.id for one in mine))))
    voices = {source.title: voice(source) for source in plan.sources.values()}
    heard = {voices.get(title, title) for title in (story.source, *story.also)}
    heard |= {voice(plan.sources[one.source_id]) for one in mine if one.id in ids}
    new: list[str] = []
    for one in mine:
        source = plan.sources[one.source_id]
        if source.title and voice(source) not in heard:
            heard.add(voice(source))
            new.append(source.title)
    if not new:
        return replace(story, article_ids=numbers) if numbers != story.article_ids else story
    why = Reason(rule="story.grown", words=f"Told since it was locked by {', '.join(new)}.")
    return replace(story, also=(*story.also, *new), article_ids=numbers, reasons=(*story.reasons, why))


def _without(clusters: Iterable[Cluster], stories: Sequence[Story]) -> list[Cluster]:
    """The clusters that none of these stories tells already."""
    keys, ids = _known_by(stories)
    return [each for each in clusters if not _tells(each, keys, ids)]


def _known_by(stories: Sequence[Story]) -> tuple[frozenset[str], frozenset[int]]:
    # Articles that were never stored have id 0.
    ids = frozenset(number for story in stories for number in story.article_ids) - {0}
    return frozenset(story.key for story in stories), ids


def _tells(each: Cluster, keys: frozenset[str], ids: frozenset[int]) -> bool:
    return not keys.isdisjoint(each.keys) or not ids.isdisjoint(article.id for article in each.articles)


def _candidates(clusters: Sequence[Cluster], doubts: Iterable[Doubt], plan: Plan) -> list[Candidate]:
    stories_of = Counter(_voice(each, plan) for each in clusters if each.lead.event is None)
    near = _near_misses(clusters, doubts, plan)
    strange = strangers(article for each in clusters for article in each.articles)
    candidates = [_candidate(each, plan, stories_of, near, strange) for each in clusters]
    return [each for each in candidates if each.section]


def _near_misses(clusters: Iterable[Cluster], doubts: Iterable[Doubt], plan: Plan) -> dict[str, list[Reason]]:
    """What is told of the stories that an article may be one with, or is not by an editor's word."""
    found: dict[str, list[Reason]] = defaultdict(list)
    for doubt in doubts:
        for one, other in ((doubt.one, doubt.other), (doubt.other, doubt.one)):
            words = f"Perhaps the same story as “{other.title}” ({plan.sources[other.source_id].title})"
            words += f": likeness {doubt.likeness:.2f}, not joined."
            reason = Reason(rule="story.unsure", words=words, value=doubt.likeness)
            found[one.canonical_url].append(reason)
    titles = {
        article.canonical_url: article.title
        for each in (clusters if plan.different else ())
        for article in each.articles
    }
    for pair in sorted(plan.different):
        for url, far in (pair, pair[::-1]):
            if url in titles and far in titles:
                words = f"Not the same story as “{titles[far]}”: an editor said so."
                found[url].append(Reason(rule="story.apart", words=words))
    return found


def _candidate(
    each: Cluster,
    plan: Plan,
    stories_of: Counter[str],
    near: dict[str, list[Reason]],
    strange: frozenset[int],
) -> Candidate:
    said = taught(each.articles, plan)
    key, why, sure = (*said, 1.0) if said else section(each.lead, plan, strange=strange)
    text = _text(each)
    # Events are told by date, so nothing is weighed.
    is_weighed = key != EVENTS
    score, terms = rank(each, plan, stories_of=stories_of, has_text=bool(text)) if is_weighed else (0.0, ())
    missed = [
        line
        for url in dict.fromkeys(one.canonical_url for one in each.articles)
        for line in near.get(url, ())
    ]
    about, named = topics(each.articles, text, plan)
    back = [_GIVEN_BACK] if plan.given_back.intersection(one.id for one in each.articles) else []
    return Candidate(
        cluster=each,
        section=key,
        score=score,
        text=text,
        voices=tuple(dict.fromkeys(voice(plan.sources[one.source_id]) for one in each.articles)),
        sure=sure,
        topics=about,
        reasons=(*back, why, *each.reasons, *missed[:NEAR_MISSES], *named, *terms),
    )


def _text(each: Cluster) -> str:
    """What to tell it with: a source's own in whole sentences, else an extract of the page, else its own.

    Those of the leading article go first.
    """
    own, is_whole = _own_text(each)
    is_enough = is_whole and len(own) >= LEAD_MIN_LETTERS
    if is_enough or not any(article.text for article in each.articles):
        return own
    pages = (extract(article.text, max_words=EXTRACT_WORDS) for article in each.articles if article.text)
    return next((text for text in pages if _told_in(text, each)), own)


def _own_text(each: Cluster) -> tuple[str, bool]:
    """The first summary that tells it in whole sentences; else the first that tells it, and False."""
    first = ""
    for article in each.articles:
        told = _told_in(article.summary, each)
        if told and not told.endswith("…"):
            return article.summary, True
        first = first or (article.summary if told else "")
    return first, False


def _told_in(text: str, each: Cluster) -> str:
    return summary(text, each.lead.title, Tier.ITEM)


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
