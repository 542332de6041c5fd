"""Which section a story is in: by its source's setting, by what it is, by examples, then by the model.

The model is asked about a title and an address, among the sections that the newsletter has and without
events, which only a date makes. Below `ASK_BELOW` the editor is asked, and it is news until they answer: a
headline out of place does less harm there than among the lessons. Of a source of another trade, and of
what is in another language than English, the model knows nothing: what does not say itself that it teaches
is news there.
"""

import re
from collections.abc import Container
from dataclasses import replace

from digest.compose.examples import SURE, Likeness, likeness
from digest.compose.features import Guess, guess
from digest.compose.plan import Plan
from digest.compose.strange import READS, is_taught
from digest.domain import EVENTS, Article, Reason

NEWS = "news"
LEARNINGS = "learnings"

#: An answer that is less likely than this is a question.
ASK_BELOW = 0.6
#: So sure must it be that something is to be gone to, before an undated article counts as an announcement.
UNDATED = 0.8

_ANNOUNCED = re.compile(r"\b(?:webinar|meet-?up|register now|registration (?:is )?open)\b", re.IGNORECASE)
#: Kinds that the gatherer recognised.
_KINDS = frozenset({"Paper", "Tutorial", "Course", "Talk", "Guide"})


def section(
    article: Article, plan: Plan, *, strange: Container[int] = frozenset()
) -> tuple[str, Reason, float]:
    """The key of the article's section, why, and how sure that is; "" when there is no place for it.

    `strange` are the ids of sources of another trade than the model's.
    """
    if article.event is not None:
        return (*_event(plan), 1.0)
    keys = plan.section_keys()
    if not keys:
        return "", Reason(rule="section.none", words="This newsletter has only events."), 1.0
    wanted = plan.sources[article.source_id].section
    if wanted in keys:
        return (
            wanted,
            Reason(rule="section.source", words=f"Its source is set to {_label(wanted, plan)}."),
            1.0,
        )
    if article.kind in _KINDS and LEARNINGS in keys:
        words = f"It is marked as {article.kind.lower()}."
        return LEARNINGS, Reason(rule="section.learnings", words=words), 1.0
    like = likeness(article.title, [each for each in plan.sections if each.key in keys])
    if like is not None and like.sure >= SURE:
        return like.section.key, _by_examples(like), like.sure
    key, why, sure = _unlike(article, keys, strange)
    if like is None or key == like.section.key:
        return key, why, sure
    return (
        key,
        replace(why, words=f"{why.words} {_perhaps(like)}"),
        min(sure, ASK_BELOW - 0.01, 1 - like.sure),
    )


def _unlike(article: Article, keys: tuple[str, ...], strange: Container[int]) -> tuple[str, Reason, float]:
    """The section of what no example says enough of."""
    if article.language not in READS and NEWS in keys:
        return _unread(article, keys)
    if article.source_id in strange and NEWS in keys and not is_taught(article):
        words = "Its source writes of another trade than the model learnt, and nothing says that it teaches."
        return NEWS, Reason(rule="section.news", words=words), 1.0
    return _by_model(article, keys)


def _by_examples(like: Likeness) -> Reason:
    words = f"It is like the examples of {like.section.label}, mostly by “{like.word}”; {like.sure:.0%} sure."
    return Reason(rule=f"section.{like.section.key}", words=words)


def _perhaps(like: Likeness) -> str:
    return f"Perhaps it is one for {like.section.label}, by “{like.word}”, so you are asked."


def _unread(article: Article, keys: tuple[str, ...]) -> tuple[str, Reason, float]:
    """The section of what is not in English; nobody is asked, since it would be about every one of them."""
    if LEARNINGS in keys and is_taught(article):
        words = "Its title or its address says that it teaches."
        return LEARNINGS, Reason(rule="section.learnings", words=words), 1.0
    words = "It is not in English, which is all that the model reads, and nothing says that it teaches."
    return NEWS, Reason(rule="section.news", words=words), 1.0


def _event(plan: Plan) -> tuple[str, Reason]:
    if any(each.key == EVENTS for each in plan.sections):
        return EVENTS, Reason(rule="section.event", words="It has a time and a place, so it is an event.")
    return "", Reason(rule="section.none", words="This newsletter has no events.")


def _by_model(article: Article, keys: tuple[str, ...]) -> tuple[str, Reason, float]:
    found = guess(article.title, article.canonical_url, among=(NEWS, LEARNINGS))
    key, sure = found.shares[0]
    reads_it = article.language in READS
    is_gone_to = reads_it and key == EVENTS and sure >= UNDATED
    is_announced = _ANNOUNCED.search(article.title) is not None or is_gone_to
    if is_announced and NEWS in keys:
        return NEWS, Reason(rule="section.news", words="Announces an event but gives no date."), sure
    if not {NEWS, LEARNINGS} & set(keys):
        return (
            keys[0],
            Reason(rule="section.first", words="No rule places it, so it is in the first section."),
            1.0,
        )
    key, sure = found.narrowed[0]
    if not reads_it:
        # The model learnt English only: what it says is asked about.
        sure = min(sure, ASK_BELOW - 0.01)
    if key not in keys:
        return (
            keys[0],
            Reason(rule="section.first", words="No rule places it, so it is in the first section."),
            sure,
        )
    if sure < ASK_BELOW and key != NEWS and NEWS in keys:
        words = f"Nothing says clearly that it teaches, so it is news; {1 - sure:.0%} sure, so you are asked."
        return NEWS, Reason(rule="section.news", words=words), 1 - sure
    return key, _why(key, found, sure), sure


def _why(key: str, found: Guess, sure: float) -> Reason:
    words = f"Mostly because {found.because}; {sure:.0%} sure"
    return Reason(rule=f"section.{key}", words=words + (", so you are asked." if sure < ASK_BELOW else "."))


def _label(key: str, plan: Plan) -> str:
    return next(each.label for each in plan.sections if each.key == key)
