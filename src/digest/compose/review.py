"""What an editor sees beside the issue: questions where the rules are not sure, and what was held back."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from digest.compose.pick import Candidate
from digest.compose.plan import Plan
from digest.compose.section import ASK_BELOW
from digest.compose.story import Doubt
from digest.domain import Article, Content, DecisionKind, Story


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Something that an editor decides once: are two articles one story, or which section is it."""

    kind: DecisionKind
    #: The canonical addresses it is about: two of a story, one of a section; titles and sources go with them.
    urls: tuple[str, ...]
    titles: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    words: str
    #: How sure the rules are, from 0 to 1: of two stories their likeness.
    confidence: float
    #: Where it stands meanwhile.
    section: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """An issue, what its editor is asked, and what was left out."""

    content: Content
    questions: tuple[Question, ...] = ()
    #: The highest score first, then what no score brings in; the last reason says why it is not told.
    held: tuple[Story, ...] = ()


def same_story(doubts: Iterable[Doubt], plan: Plan) -> tuple[Question, ...]:
    """What is asked about stories that may be one, the likeliest first."""
    return tuple(
        Question(
            kind=DecisionKind.STORY,
            urls=(doubt.one.canonical_url, doubt.other.canonical_url),
            titles=(doubt.one.title, doubt.other.title),
            sources=(_source(doubt.one, plan), _source(doubt.other, plan)),
            words=f"Same story? “{doubt.one.title}” and “{doubt.other.title}”",
            confidence=doubt.likeness,
        )
        for doubt in doubts
    )


def which_section(told: Sequence[Candidate], plan: Plan) -> tuple[Question, ...]:
    """What is asked of the stories that stand in the issue, the least certain first."""
    asked = [each for each in told if each.sure < ASK_BELOW]
    asked.sort(key=lambda each: (each.sure, each.cluster.lead.canonical_url, each.section))
    return tuple(
        Question(
            kind=DecisionKind.SECTION,
            urls=(lead.canonical_url,),
            titles=(lead.title,),
            sources=(_source(lead, plan),),
            words=f"Is “{lead.title}” {each.section}?",
            confidence=each.sure,
            section=each.section,
        )
        for each in asked
        for lead in (each.cluster.lead,)
    )


def _source(article: Article, plan: Plan) -> str:
    source = plan.sources[article.source_id]
    return source.title or source.url
