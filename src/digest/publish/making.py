"""What an issue was made of and what its editor is asked, packed to be kept: it can be made again from it."""

import json
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from digest import __version__
from digest.compose import Plan, Question, Review
from digest.domain import Article, Correction, Story
from digest.store.plain import converter
from digest.store.revisions import Making

#: So many stories that were held back are kept with an issue, the best first.
MAX_HELD = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """Everything that composing an issue was given: articles as they were then, plan, moment, version."""

    articles: tuple[Article, ...]
    plan: Plan
    now: datetime
    version: str = __version__


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question under the number that it keeps for as long as its issue lives."""

    number: int
    question: Question


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What an editor finds beside an issue: open questions and what was held back."""

    asked: tuple[Asked, ...] = ()
    #: Those that were open once: an answer may be given again, or another in its place.
    closed: tuple[Asked, ...] = ()
    #: The highest number that a question of this issue ever had.
    last: int = 0
    held: tuple[Story, ...] = ()
    #: How many were held back in all.
    held_count: int = 0
    #: What may be corrected of earlier issues, and the keys of what an editor dropped.
    corrections: tuple[Correction, ...] = ()
    uncorrected: frozenset[str] = frozenset()


def inputs_of(articles: Iterable[Article], plan: Plan, *, now: datetime) -> Inputs:
    """The inputs, with only as much of what was told before as concerns these articles."""
    used = tuple(articles)
    told = plan.told & {article.canonical_url for article in used}
    return Inputs(articles=used, plan=replace(plan, told=told), now=now)


def desk_of(found: Review, before: Desk, plan: Plan) -> Desk:
    """The desk after composing by this plan: a question that was open before keeps its number."""
    earlier = {(each.question.kind, each.question.urls): each for each in (*before.closed, *before.asked)}
    last = before.last
    asked = []
    for question in found.questions:
        seen = earlier.pop((question.kind, question.urls), None)
        number = seen.number if seen else 0
        if not number:
            last += 1
            number = last
        asked.append(Asked(number=number, question=question))
    asked.sort(key=lambda each: each.number)
    return Desk(
        asked=tuple(asked),
        closed=tuple(earlier.values()),
        last=last,
        held=_kept(found.held),
        held_count=len(found.held),
        corrections=plan.corrections,
        uncorrected=plan.uncorrected,
    )


def _kept(held: Sequence[Story]) -> tuple[Story, ...]:
    """The best, and whatever an editor dropped: that they may want back."""
    rest = [story for story in held[MAX_HELD:] if story.reasons[-1].rule == "pick.dropped"]
    return (*held[:MAX_HELD], *rest)


def pack(inputs: Inputs, desk: Desk) -> Making:
    """Both as compressed JSON."""
    return Making(
        inputs=_packed(converter(Inputs).dump_python(inputs, mode="json")),
        desk=_packed(converter(Desk).dump_python(desk, mode="json")),
    )


def unpack_inputs(making: Making) -> Inputs:
    """What composing was given."""
    return converter(Inputs).validate_python(json.loads(zlib.decompress(making.inputs)))


def unpack_desk(making: Making | None) -> Desk:
    """The desk; an empty one where none was kept."""
    return converter(Desk).validate_python(json.loads(zlib.decompress(making.desk))) if making else Desk()


def _packed(plain: object) -> bytes:
    # Level 1: half the time for a tenth more room.
    return zlib.compress(json.dumps(plain).encode(), 1)
