"""Which stories make it into the issue, and how much room each gets."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from digest.compose.event import kind_of
from digest.compose.plan import Plan, voice
from digest.compose.retelling import Retelling
from digest.compose.story import Cluster
from digest.compose.summary import summary
from digest.compose.window import order
from digest.domain import EVENTS, Reason, Story, Tier

#: A lead needs a text of so many letters.
LEAD_MIN_LETTERS = 80
#: Stories with text in a section, beside its lead.
MAX_ITEMS = 5
MAX_DEADLINES = 6
#: So many of the best that are held back keep their text: an editor may take them in.
HELD_WITH_TEXT = 200

_FAR = datetime.max.replace(tzinfo=UTC)
_TIERS = tuple(Tier)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A story that may be told: its articles, its section, its score and the feed's text for it."""

    cluster: Cluster
    section: str
    score: float
    text: str
    #: Who tells it, the owner of the leading article first.
    voices: tuple[str, ...]
    #: How sure its section is, from 0 to 1.
    sure: float = 1.0
    #: The news of an event that an earlier issue told.
    again: Retelling | None = None
    #: Keys of the topics that it is about.
    topics: tuple[str, ...] = ()
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Picked:
    """The stories of each section in the order they are told, and what was held back, with the reason."""

    stories: dict[str, tuple[Story, ...]]
    told: tuple[Candidate, ...]
    held: tuple[Story, ...]


def pick(candidates: Iterable[Candidate], plan: Plan) -> Picked:
    """What the issue tells, what an editor locked among it, and what it does not tell."""
    ranked = sorted(candidates, key=lambda each: (-each.score, order(each.cluster.lead)))
    events, in_room = _events(ranked, plan)
    chosen = {EVENTS: events}
    stories = [each for each in ranked if each.section != EVENTS]
    stories = _within_voices(stories, _locked_voices(plan), plan.max_per_source)
    for each in _share_out(stories, plan):
        chosen.setdefault(each.section, []).append(each)
    keys = [*(section.key for section in plan.sections), *(story.section for story in plan.locked)]
    told = {each.cluster.key for section in chosen.values() for each in section}
    within = {each.cluster.key for each in (*stories, *in_room)}
    return Picked(
        stories={key: _arrange(key, chosen.get(key, []), plan) for key in dict.fromkeys(keys)},
        told=tuple(each for each in ranked if each.cluster.key in told),
        held=_held([each for each in ranked if each.cluster.key not in told], within, plan),
    )


def _held(left: Sequence[Candidate], within: set[str], plan: Plan) -> tuple[Story, ...]:
    return tuple(
        hold(
            each,
            _why_not(each, plan, is_within=each.cluster.key in within),
            plan,
            has_text=place < HELD_WITH_TEXT,
        )
        for place, each in enumerate(left)
    )


def hold(each: Candidate, why: Reason, plan: Plan, *, has_text: bool) -> Story:
    """The story as an editor may take it in after all."""
    return _tell(each, Tier.ITEM if has_text and each.text else Tier.BRIEF, plan, why)


def _why_not(each: Candidate, plan: Plan, *, is_within: bool) -> Reason:
    is_event = each.section == EVENTS
    if not is_within:
        who = "Its owner has" if len(each.voices) == 1 else "Each of its owners has"
        what = "stories" if not is_event else "deadlines" if _is_deadline(each) else "events"
        words = f"{who} {plan.max_per_source} {what} in this section already."
    elif is_event:
        words = (
            f"Others are sooner; there is room for {plan.max_events} events and {MAX_DEADLINES} deadlines."
        )
    else:
        words = f"Others score higher; there is room for {plan.max_stories} stories."
    return Reason(rule="pick.held", words=words)


def _events(ranked: Sequence[Candidate], plan: Plan) -> tuple[list[Candidate], list[Candidate]]:
    """The soonest events and deadlines within their own caps, news of known ones first; and who had room."""
    events = (each for each in ranked if each.section == EVENTS)
    by_date = sorted(events, key=lambda each: (each.again is None, _start(each)))
    caps = {False: plan.max_events, True: MAX_DEADLINES}
    chosen: list[Candidate] = []
    in_room: list[Candidate] = []
    for is_deadline, cap in caps.items():
        alike = [each for each in by_date if _is_deadline(each) is is_deadline]
        locked = [each for each in plan.locked if each.event and each.event.is_deadline is is_deadline]
        alike = _within_voices(alike, _voices(locked, plan), plan.max_per_source)
        chosen += alike[: max(cap - len(locked), 0)]
        in_room += alike
    return chosen, in_room


def _within_voices(ranked: Iterable[Candidate], used: Counter[tuple[str, str]], cap: int) -> list[Candidate]:
    """Those that keep each voice within its cap in each section, `used` counted in.

    What several tell counts for the first of them that has room: it is no one's own.
    """
    kept = []
    for each in ranked:
        free = next((one for one in each.voices if used[each.section, one] < cap), None)
        if free is not None:
            used[each.section, free] += 1
            kept.append(each)
    return kept


def _locked_voices(plan: Plan) -> Counter[tuple[str, str]]:
    return _voices([story for story in plan.locked if story.section != EVENTS], plan)


def _voices(stories: Iterable[Story], plan: Plan) -> Counter[tuple[str, str]]:
    """How many of these each voice has in each section; a story knows its source by title."""
    voices = {source.title: voice(source) for source in plan.sources.values()}
    return Counter((story.section, voices[story.source]) for story in stories if story.source in voices)


def _share_out(ranked: Sequence[Candidate], plan: Plan) -> list[Candidate]:
    """The best within `max_stories`."""
    room = max(plan.max_stories - sum(story.section != EVENTS for story in plan.locked), 0)
    kept = share_out([each.section for each in ranked], room)
    return [each for place, each in enumerate(ranked) if place in kept]


def share_out(sections: Sequence[str], room: int) -> frozenset[int]:
    """The places of what is told, given the sections of stories from the best on.

    Half of the room is shared evenly, so that no section starves another.
    """
    share = room // (2 * len(set(sections))) if sections else 0
    taken: Counter[str] = Counter()
    sure: list[int] = []
    rest: list[int] = []
    for place, section in enumerate(sections):
        taken[section] += 1
        (sure if taken[section] <= share else rest).append(place)
    return frozenset([*sure, *rest[: max(room - len(sure), 0)]])


def _arrange(key: str, chosen: Sequence[Candidate], plan: Plan) -> tuple[Story, ...]:
    """A section's stories: leads, items, briefs, the locked ones first in each; events by date."""
    locked = [story for story in plan.locked if story.section == key]
    if key == EVENTS:
        told = [_tell(each, Tier.ITEM, plan, _why(Tier.ITEM, each)) for each in chosen]
        return tuple(sorted([*locked, *told], key=lambda story: _at(story)))
    tiers = _tiers(chosen, locked)
    told = [_tell(each, tier, plan, _why(tier, each)) for each, tier in zip(chosen, tiers, strict=True)]
    first = [story for story in locked if story.key not in plan.places]
    order = sorted([*first, *told], key=lambda story: _TIERS.index(story.tier))
    for story in sorted((each for each in locked if each.key in plan.places), key=_place_in(plan)):
        order.insert(_slot(story, order, plan.places[story.key] - 1), story)
    return tuple(order)


def _place_in(plan: Plan) -> Callable[[Story], tuple[int, str]]:
    return lambda story: (plan.places[story.key], story.key)


def _slot(story: Story, order: Sequence[Story], wanted: int) -> int:
    """Where in the section it goes: as near to the wanted place as its tier allows."""
    tier = _TIERS.index(story.tier)
    above = sum(_TIERS.index(each.tier) < tier for each in order)
    alike = sum(each.tier is story.tier for each in order)
    return min(max(wanted, above), above + alike)


def _tiers(chosen: Sequence[Candidate], locked: Sequence[Story]) -> list[Tier]:
    """One lead if its text carries it, up to five with text, the rest in brief."""
    tiers: list[Tier] = []
    items = sum(story.tier is Tier.ITEM for story in locked)
    leads = sum(story.tier is Tier.LEAD for story in locked)
    for index, each in enumerate(chosen):
        is_first = index == 0 and not leads
        tier = Tier.BRIEF
        if is_first and len(_text(each, Tier.LEAD)) >= LEAD_MIN_LETTERS:
            tier = Tier.LEAD
        elif is_first or (items < MAX_ITEMS and each.text and not each.cluster.is_release):
            tier = Tier.ITEM
            items += 1
        tiers.append(tier)
    return tiers


def _tell(each: Candidate, tier: Tier, plan: Plan, why: Reason) -> Story:
    """The story as the issue tells it, with the reason for that last."""
    lead, again = each.cluster.lead, each.again
    return Story(
        key=again.key if again else each.cluster.key,
        section=each.section,
        tier=tier,
        title=lead.title,
        url=lead.url,
        summary=_text(each, tier),
        kind=again.word if again else kind_of(lead, plan),
        source=plan.sources[lead.source_id].title,
        also=each.cluster.also,
        language=lead.language,
        minutes=lead.minutes,
        published_at=lead.published_at,
        event=again.event if again else lead.event,
        article_ids=tuple(dict.fromkeys(article.id for article in each.cluster.articles)),
        topics=each.topics,
        score=each.score,
        reasons=(*each.reasons, why),
    )


def _why(tier: Tier, each: Candidate) -> Reason:
    if each.section == EVENTS:
        return Reason(rule="pick.event", words="It is among the next to take place.")
    if tier is Tier.LEAD:
        return Reason(
            rule="pick.lead", words="It has the highest score of its section and a text that carries it."
        )
    if tier is Tier.ITEM:
        return Reason(rule="pick.item", words="It is among the first of its section.")
    words = "It has no text to tell." if not each.text else "Others of its section score higher."
    return Reason(rule="pick.brief", words=f"In brief: {words}")


def _text(each: Candidate, tier: Tier) -> str:
    return summary(each.text, each.cluster.lead.title, tier)


def _start(each: Candidate) -> datetime:
    event = each.again.event if each.again else each.cluster.lead.event
    return event.starts_at if event else _FAR


def _is_deadline(each: Candidate) -> bool:
    event = each.cluster.lead.event
    return event is not None and event.is_deadline


def _at(story: Story) -> datetime:
    return story.event.starts_at if story.event else _FAR
