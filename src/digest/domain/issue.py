"""Issues and what they tell: sections, stories, and the reasons for them. Standard library only."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from digest.domain.article import Event
from digest.domain.states import Cadence, CorrectionKind, IssueState, Tier

EVENTS = "events"


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of an issue; `key` is stored, `label` is shown. At most eight a newsletter."""

    key: str
    label: str
    blurb: str = ""
    #: Titles of which an operator says that they belong there.
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """What stories may be about, by any of its words; `key` is stored, `label` is shown."""

    key: str
    label: str
    words: tuple[str, ...]


DEFAULT_SECTIONS = (
    Section(key="news", label="News", blurb="What happened"),
    Section(key="learnings", label="Learnings", blurb="Papers, tutorials, talks"),
    Section(key=EVENTS, label="Events", blurb="Meetups and deadlines, with calendar links"),
)


#: The rules under which a model's words stand in a story.
MODEL_SUMMARY, MODEL_WHY = "summary.model", "summary.why"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why something was decided: the rule's name and a sentence a person understands."""

    rule: str
    words: str
    #: The number in it, where there is one: a term of the score, a likeness.
    value: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One or several articles about one thing, as an issue tells it."""

    #: Stable across drafts: a hash of the canonical address of the leading article.
    key: str
    section: str
    tier: Tier = Tier.BRIEF
    title: str
    url: str
    summary: str = ""
    #: "Why it matters", only ever written by a person or a model that passed the gate.
    why: str = ""
    kind: str = ""
    source: str = ""
    #: Titles of the other sources that tell it.
    also: tuple[str, ...] = ()
    language: str = ""
    minutes: int | None = None
    published_at: datetime | None = None
    event: Event | None = None
    article_ids: tuple[int, ...] = ()
    #: Keys of the topics that it is about.
    topics: tuple[str, ...] = ()
    score: float = 0.0
    reasons: tuple[Reason, ...] = ()

    @property
    def is_by_model(self) -> bool:
        """True when a model wrote words that stand in it."""
        rules = {reason.rule for reason in self.reasons}
        return bool((self.summary and MODEL_SUMMARY in rules) or (self.why and MODEL_WHY in rules))

    def rewritten(self, **changes: Any) -> "Story":
        """The story with other words, which are a person's now."""
        theirs = {"summary": MODEL_SUMMARY, "why": MODEL_WHY}
        gone = {theirs[name] for name in changes if name in theirs}
        reasons = tuple(each for each in self.reasons if each.rule not in gone)
        return replace(self, **changes, reasons=reasons)


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueSection:
    """A section of one issue with its stories in the order they are told."""

    key: str
    label: str
    stories: tuple[Story, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """What an earlier issue told and does not hold any more: a line under "Corrections"."""

    #: Equal each time the same is found: an editor's word is remembered by it.
    key: str
    kind: CorrectionKind
    #: The issue that told it.
    number: int
    #: The key of the story, and the section it stood in.
    story: str
    section: str
    #: The title that readers know it by.
    title: str
    #: The title that its source gives it now; empty when its page is gone.
    new_title: str = ""
    #: Where the story is today.
    url: str = ""
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What an issue says: the whole output of `compose`, and all that `render` needs to know of it."""

    newsletter: str
    number: int
    #: The issue covers articles first seen in [since, until).
    since: datetime
    until: datetime
    #: An editor's own subject; empty lets the template write one.
    subject: str = ""
    #: The editor's note, plain text.
    note: str = ""
    sections: tuple[IssueSection, ...] = ()
    #: What earlier issues told otherwise.
    corrections: tuple[Correction, ...] = ()
    #: What was read for it, and from how many sources; in a reader's part of it, what that part tells.
    articles_read: int = 0
    sources_read: int = 0
    #: Titles of the sources that could not be read.
    sources_failed: tuple[str, ...] = ()

    @property
    def stories(self) -> tuple[Story, ...]:
        """All stories, in the order they are told."""
        return tuple(story for section in self.sections for story in section.stories)

    @property
    def is_empty(self) -> bool:
        """True when there is no story to tell: such an issue is never sent, whatever it corrects."""
        return not self.stories

    def only(self, keys: Iterable[str]) -> "Content":
        """The same issue for a reader who chose these sections; no keys means all."""
        wanted = frozenset(keys)
        if not wanted:
            return self
        part = self._narrowed(tuple(s for s in self.sections if s.key in wanted))
        return replace(part, corrections=tuple(one for one in self.corrections if one.section in wanted))

    def about(self, keys: Iterable[str], *, known: frozenset[str]) -> "Content":
        """The same issue for a reader who chose these topics; none that is `known` means all stories.

        A story of known topics stays when one of them was chosen; one of none stays always.
        """
        wanted = known.intersection(keys)
        if not wanted:
            return self
        unwanted = known - wanted
        others = (
            one.key
            for one in self.stories
            if wanted.isdisjoint(one.topics) and not unwanted.isdisjoint(one.topics)
        )
        return self.without(others)

    def without(self, keys: Iterable[str]) -> "Content":
        """The same issue without the stories of these keys, which a reader had or does not want."""
        known = frozenset(keys)
        if not known:
            return self
        sections = (
            replace(section, stories=tuple(one for one in section.stories if one.key not in known))
            for section in self.sections
        )
        return self._narrowed(tuple(section for section in sections if section.stories))

    def _narrowed(self, sections: tuple[IssueSection, ...]) -> "Content":
        """These sections; when they tell less, the counts are of what they tell."""
        part = replace(self, sections=sections)
        if part.stories == self.stories:
            return part
        articles = {number for story in part.stories for number in story.article_ids}
        voices = {voice for story in part.stories for voice in (story.source, *story.also)}
        return replace(part, articles_read=len(articles), sources_read=len(voices))

    def digest(self) -> str:
        """A SHA-256 in hex over every field, equal for equal content on every machine."""
        fields = asdict(self)
        if not self.corrections:
            # Issues from before there were any have the hash that they always had; so with topics.
            del fields["corrections"]
        for story in (one for section in fields["sections"] for one in section["stories"]):
            if not story["topics"]:
                del story["topics"]
        plain = json.dumps(fields, sort_keys=True, default=str, ensure_ascii=False)
        return hashlib.sha256(plain.encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """One edition of a newsletter and where it stands."""

    id: int = 0
    newsletter: str
    number: int
    #: The time it is due, as an ISO date-time in UTC: unique for a newsletter and cadence.
    period: str
    cadence: Cadence = Cadence.WEEKLY
    state: IssueState = IssueState.DRAFT
    due_at: datetime
    content: Content
    #: When a held issue goes by itself (`auto-after`).
    approve_at: datetime | None = None
    approved_at: datetime | None = None
    approved_by: str = ""
    #: When sending began: the Date of every message of it.
    started_at: datetime | None = None
    sent_at: datetime | None = None
    #: Why it was cancelled, in words.
    reason: str = ""
    #: Counts up with every change of the content.
    revision: int = 1
    hash: str = ""
