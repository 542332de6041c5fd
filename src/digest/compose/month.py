"""A month's issue: the best of what the issues of a month told, and what is still to come."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from digest.compose.pick import LEAD_MIN_LETTERS, MAX_DEADLINES, MAX_ITEMS, share_out
from digest.compose.plan import Plan, voice
from digest.compose.summary import summary
from digest.compose.window import is_coming
from digest.domain import EVENTS, Content, CorrectionKind, IssueSection, Reason, Story, Tier

_TIERS = tuple(Tier)


def best_of(parts: Sequence[Content], plan: Plan, *, now: datetime) -> Content:
    """One issue of these, oldest first: what led its section goes first, then by score, within the caps.

    An event is told as the last of them told it, unless it is over or cancelled; a story as the last of
    their corrections says, and not at all when its page is gone.
    """
    newest = _corrected({story.key: story for part in parts for story in part.stories}, parts)
    order = {key: place for place, key in enumerate(newest)}
    stories = sorted(newest.values(), key=lambda one: (_TIERS.index(one.tier), -one.score, order[one.key]))
    ranked = _within_voices([one for one in stories if one.event is None], plan)
    kept = share_out([one.section for one in ranked], plan.max_stories)
    chosen: dict[str, list[Story]] = defaultdict(list)
    for place, one in enumerate(ranked):
        if place in kept:
            chosen[one.section].append(one)
    sections = {key: tuple(_arranged(found)) for key, found in chosen.items()}
    events = tuple(_events([one for one in stories if one.event is not None], plan, now))
    sections[EVENTS] = (*sections.get(EVENTS, ()), *events)
    # Parts say how many sources they read, not which: their stories say of at least so many.
    voices = {name for one in newest.values() for name in (one.source, *one.also)}
    return Content(
        newsletter=plan.newsletter,
        number=plan.number,
        since=plan.since,
        until=plan.until,
        subject=plan.subject,
        note=plan.note,
        sections=tuple(_labelled(sections, parts, plan)),
        articles_read=sum(part.articles_read for part in parts),
        sources_read=max([len(voices), *(part.sources_read for part in parts)]),
    )


def _corrected(stories: dict[str, Story], parts: Sequence[Content]) -> dict[str, Story]:
    """The stories as the month's own corrections leave them: under another title, or not at all."""
    kept = dict(stories)
    for one in (each for part in parts for each in part.corrections if each.story in kept):
        if one.kind is CorrectionKind.GONE:
            del kept[one.story]
        else:
            reason = Reason(rule="month.corrected", words=f"It was told as “{one.title}”.")
            story = kept[one.story]
            kept[one.story] = replace(story, title=one.new_title, reasons=(*story.reasons, reason))
    return kept


def _within_voices(stories: Iterable[Story], plan: Plan) -> list[Story]:
    """Those that keep each owner within its cap in each section."""
    voices = {source.title: voice(source) for source in plan.sources.values()}
    used: Counter[tuple[str, str]] = Counter()
    kept = []
    for one in stories:
        place = one.section, voices.get(one.source, one.source)
        used[place] += 1
        if used[place] <= plan.max_per_source:
            kept.append(one)
    return kept


def _arranged(stories: Sequence[Story]) -> Iterable[Story]:
    """One lead, some with their text, the rest in brief, as in any issue."""
    items = 0
    for place, one in enumerate(stories):
        text = summary(one.summary, one.title, Tier.ITEM)
        if place == 0 and len(one.summary) >= LEAD_MIN_LETTERS:
            yield _retold(one, Tier.LEAD, one.summary)
        elif place == 0 or (text and items < MAX_ITEMS):
            items += 1
            yield _retold(one, Tier.ITEM, text)
        else:
            yield _retold(one, Tier.BRIEF, "")


def _retold(one: Story, tier: Tier, text: str) -> Story:
    was = {Tier.LEAD: "led its section", Tier.ITEM: "was told with its text", Tier.BRIEF: "stood in brief"}
    reason = Reason(rule="month.best", words=f"It {was[one.tier]} in an issue of the month.")
    return replace(one, tier=tier, summary=text, reasons=(*one.reasons, reason))


def _events(stories: Iterable[Story], plan: Plan, now: datetime) -> Iterable[Story]:
    coming = [
        one for one in stories if one.event and not one.event.is_cancelled and is_coming(one.event, now)
    ]
    coming.sort(key=lambda one: (one.event.starts_at if one.event else now, one.key))
    room = {False: plan.max_events, True: MAX_DEADLINES}
    for one in coming:
        is_deadline = one.event is not None and one.event.is_deadline
        room[is_deadline] -= 1
        if room[is_deadline] >= 0:
            yield one


def _labelled(
    sections: dict[str, tuple[Story, ...]], parts: Sequence[Content], plan: Plan
) -> Iterable[IssueSection]:
    labels = {section.key: section.label for part in parts for section in part.sections}
    labels |= {section.key: section.label for section in plan.sections}
    ordered = dict.fromkeys([*(section.key for section in plan.sections), *sections])
    for key in ordered:
        if sections.get(key):
            yield IssueSection(key=key, label=labels.get(key, key.capitalize()), stories=sections[key])
