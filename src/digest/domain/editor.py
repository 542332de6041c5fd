"""What an editor decides: answers and rules that are remembered, and the hand they lay on one draft."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from digest.domain.issue import Story


class DecisionKind(StrEnum):
    """What a remembered decision is about."""

    #: Whether two articles tell one story: "yes" or "no".
    STORY = "story"
    #: Which section one article belongs to.
    SECTION = "section"
    #: Which section a source's articles of one pattern belong to.
    RULE = "rule"
    #: A correction that readers need not be told.
    CORRECTION = "correction"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Something an editor decided once, which holds in every later issue until they forget it."""

    id: int = 0
    newsletter: str
    kind: DecisionKind
    #: The addresses it is about: two of a story, one of a section or a correction, none of a rule.
    urls: tuple[str, ...] = ()
    #: "yes" or "no", the key of a section, or "drop".
    answer: str
    #: A rule's source, and what its articles have in common: the start of the address's path ("/tutorials/"),
    #: the start of the title ("tutorial:"), or "" for all of them. Of a correction its key.
    source_id: int = 0
    pattern: str = ""
    #: What it was decided on, for people: titles, or the move that a rule was learnt from.
    words: str = ""
    by: str = ""
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """What an editor did to one story of one draft: fixed it as it is here, or dropped it."""

    story: Story
    is_dropped: bool = False
    #: Where it stands in its section, from 1.
    place: int = 0
    by: str = ""
    at: datetime
