"""What a model may write a story from, and what it wrote. Standard library only."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """A story as a model is given it: the words of its own sources and nothing else."""

    #: A hash of all the rest: equal material is asked about once.
    key: str
    title: str
    #: BCP 47 primary tag, or "".
    language: str
    #: Each source's text, the leading one's first.
    sources: tuple[str, ...]
    max_words: int
    max_letters: int
    #: True when a source speaks to machines ("ignore previous instructions"): no model is asked then.
    is_suspect: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """What a model wrote for one material, not yet held against it; or the problem, when it gave nothing."""

    key: str
    model: str
    summary: str = ""
    #: "Why it matters"; often empty.
    why: str = ""
    problem: str = ""
