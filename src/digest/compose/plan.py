"""What an issue is composed by: its window, sections, caps and the weights of ranking."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from digest.domain import EVENTS, Correction, Decision, Section, Source, Story, Suggestion, Topic


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """The terms of the ranking formula; `digest.compose.rank` says how they are used."""

    #: For something published at the end of the window; half of it after `half_life_days`.
    recency: float = 1.0
    half_life_days: float = 3.0
    #: For each doubling of the independent voices that tell the story.
    voices: float = 0.8
    #: For each point of a source's weight above 1.
    source: float = 0.5
    #: For a voice's only story of the week; shared out when it has several.
    rarity: float = 0.4
    #: For a story that can be told in more than its headline.
    substance: float = 0.3
    #: For a headline that is a version number.
    release: float = -0.5
    #: `digest.compose.alike` says how these four decide what is one story.
    same_story: float = -1.0
    alone: float = 10.0
    #: What the texts of one owner need to be one story.
    same_owner: float = 0.67
    #: The editor is asked when no more evidence than this is missing.
    ask_story: float = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All that `compose` needs beside the articles."""

    newsletter: str
    number: int
    #: The issue covers articles first seen in [since, until).
    since: datetime
    until: datetime
    sections: tuple[Section, ...]
    #: By id; articles of other sources are left out.
    sources: Mapping[int, Source]
    #: IANA name: decides on which day an event takes place.
    zone: str
    #: Over all sections but events.
    max_stories: int
    #: Deadlines do not count.
    max_events: int
    #: Stories of one source, or of one owner's sources, in one section.
    max_per_source: int
    #: How far ahead events are listed.
    event_days: int
    #: When readers get it, as far as is known; else the end of the window stands for it.
    goes_at: datetime | None = None
    #: Canonical addresses that earlier issues told; none of events.
    told: frozenset[str] = frozenset()
    #: Articles that came back under another address after an issue told them.
    returned: frozenset[int] = frozenset()
    #: Articles that a cancelled issue held while a later one was let go: in, whenever they were seen.
    given_back: frozenset[int] = frozenset()
    #: Events as earlier issues told them, the oldest telling first.
    told_events: tuple[Story, ...] = ()
    #: Stories that an editor fixed: kept as they are, and those that the issue must not tell.
    locked: tuple[Story, ...] = ()
    dropped: tuple[Story, ...] = ()
    #: Where in its section an editor put a locked story, from 1, by its key; without one first in its tier.
    places: Mapping[str, int] = field(default_factory=dict)
    #: What may be corrected of earlier issues, and the keys of what an editor does not want told.
    corrections: tuple[Correction, ...] = ()
    uncorrected: frozenset[str] = frozenset()
    note: str = ""
    subject: str = ""
    #: Titles of the sources that could not be read.
    sources_failed: tuple[str, ...] = ()
    weights: Weights = Weights()
    #: An editor's answers to "same story?": pairs of canonical addresses that are, and that are not.
    same: frozenset[tuple[str, str]] = frozenset()
    different: frozenset[tuple[str, str]] = frozenset()
    #: The sections that an editor gave to canonical addresses.
    placed: Mapping[str, str] = field(default_factory=dict)
    #: What an editor's moves taught about sources, the newest first.
    rules: tuple[Decision, ...] = ()
    #: What a model wrote, each for one story's material; told only when it passes the gate.
    suggestions: tuple[Suggestion, ...] = ()
    #: What stories are looked through for.
    topics: tuple[Topic, ...] = ()

    def section_keys(self) -> tuple[str, ...]:
        """The keys of the sections that hold stories other than events, in order."""
        return tuple(section.key for section in self.sections if section.key != EVENTS)

    def reads(self, source: Source) -> bool:
        """True when the source is switched on and meant for this newsletter."""
        return source.enabled and (not source.newsletters or self.newsletter in source.newsletters)


def voice(source: Source) -> str:
    """Who speaks: the owner where it is known, so that one owner's four feeds are one voice."""
    return source.owner.strip().casefold() or f"#{source.id}"


def weight(source: Source) -> float:
    """The source's weight between 0 and 10; what is no number counts as 1."""
    return min(max(source.weight, 0.0), 10.0) if math.isfinite(source.weight) else 1.0
