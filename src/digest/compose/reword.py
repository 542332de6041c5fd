"""What a model may be asked about, and an issue with its suggestions where the gate lets them pass."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace

from digest.compose.gate import refusal, speaks_to_machines
from digest.compose.plan import Plan
from digest.domain import EVENTS, Article, Content, Material, Reason, Story, Suggestion, Tier

#: So much of a source is given: what a story is about stands at its beginning.
SOURCE_LETTERS = 3000
SOURCES = 4
#: The limits of a tier's text, in words and characters; those of extracts.
_ROOM = {Tier.LEAD: (60, 600), Tier.ITEM: (45, 280)}
#: Those of the line "Why it matters".
_WHY = (25, 180)
#: A story with less to go by needs no model.
LEAST_LETTERS = 200


def materials(
    content: Content, articles: Iterable[Article], locked: Iterable[Story] = ()
) -> dict[str, Material]:
    """By the key of each story that may be told in a model's words: what it would be written from.

    Events, briefs and what an editor fixed are left as they are.
    """
    by_id = {article.id: article for article in articles if article.id}
    fixed = {story.key for story in locked}
    found = {}
    for story in content.stories:
        if story.tier in _ROOM and story.section != EVENTS and story.key not in fixed:
            own = [by_id[number] for number in story.article_ids if number in by_id]
            texts = tuple(dict.fromkeys(_text(article) for article in own))[:SOURCES]
            if sum(map(len, texts)) >= LEAST_LETTERS:
                found[story.key] = _material(story, texts)
    return found


def _text(article: Article) -> str:
    body = max(article.text, article.summary, key=len)
    return f"{article.title}\n{body}"[:SOURCE_LETTERS]


def _material(story: Story, texts: tuple[str, ...]) -> Material:
    words, letters = _ROOM[story.tier]
    parts = [story.title, story.language, texts, words, letters]
    plain = json.dumps(parts, ensure_ascii=True, separators=(",", ":"))
    return Material(
        key=hashlib.sha256(plain.encode()).hexdigest(),
        title=story.title,
        language=story.language,
        sources=texts,
        max_words=words,
        max_letters=letters,
        is_suspect=any(speaks_to_machines(text) for text in texts),
    )


def reworded(content: Content, articles: Iterable[Article], plan: Plan) -> Content:
    """The issue with each of the plan's suggestions that passes the gate in the place of its extract.

    Whatever came of it is a reason of the story.
    """
    if not plan.suggestions:
        return content
    given = materials(content, articles, plan.locked)
    written = {each.key: each for each in plan.suggestions}
    sections = tuple(
        replace(section, stories=tuple(_reworded(story, given, written) for story in section.stories))
        for section in content.sections
    )
    return replace(content, sections=sections)


def _reworded(story: Story, given: Mapping[str, Material], suggestions: Mapping[str, Suggestion]) -> Story:
    material = given.get(story.key)
    found = suggestions.get(material.key) if material else None
    if material is None or found is None:
        return story
    why_not = found.problem or _refusal(found.summary, material)
    if why_not:
        rule = "summary.failed" if found.problem else "summary.refused"
        said = f"{found.model} gave no summary: {why_not}" if found.problem else f"gate refused: {why_not}"
        return _with(story, Reason(rule=rule, words=f"The extract stands; {said}."))
    extract = f"; the extract was: {story.summary}" if story.summary else "."
    told = replace(story, summary=found.summary)
    told = _with(told, Reason(rule="summary.model", words=f"Summary by {found.model}, gate passed{extract}"))
    if not found.why:
        return told
    words, letters = _WHY
    no = refusal(found.why, material.sources, title=material.title, max_words=words, max_letters=letters)
    if no:
        return _with(told, Reason(rule="summary.why", words=f"No line “Why it matters”; gate refused: {no}."))
    line = Reason(rule="summary.why", words=f"“Why it matters” by {found.model}, gate passed.")
    return _with(replace(told, why=found.why), line)


def _refusal(text: str, material: Material) -> str:
    return refusal(
        text,
        material.sources,
        title=material.title,
        max_words=material.max_words,
        max_letters=material.max_letters,
    )


def _with(story: Story, reason: Reason) -> Story:
    return replace(story, reasons=(*story.reasons, reason))
