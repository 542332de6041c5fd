"""What an editor sees beside the issue: questions where the rules are not sure, and what was held back."""

from dataclasses import dataclass

from digest.domain import Content, Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Something that an editor decides once: `kind` is "story" (same story?) or "section" (which?)."""

    kind: str
    #: The canonical addresses it is about: two of a story, one of a section.
    urls: tuple[str, ...]
    words: str
    #: How sure the rules are, from 0 to 1: of two stories their likeness.
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A story that the issue does not tell; the last reason says why."""

    title: str
    url: str
    section: str
    score: float
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """An issue, what its editor is asked, and what was left out, the highest score first."""

    content: Content
    questions: tuple[Question, ...] = ()
    held: tuple[Held, ...] = ()
