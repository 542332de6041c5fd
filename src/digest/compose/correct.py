"""What issues told and does not hold any more: another title, or a page that is gone. Pure."""

import hashlib
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import dropwhile

from digest.compose.titles import is_another_title, is_reworded, title_mark
from digest.domain import Article, Content, Correction, CorrectionKind, PageCheck, Reason, Source, Story

#: So many stand in one issue; the rest waits for the next.
MAX_CORRECTIONS = 8
#: The rule under which an editor fixed a story: its title may be theirs.
_LOCKED = "pick.locked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """A story as readers know it: by which issue they last heard of it, and under which title."""

    story: Story
    number: int
    title: str
    #: What its source called it then.
    was: str
    #: True when the title may be an editor's, so that `was` is to be looked up.
    is_locked: bool = False
    #: The titles that readers knew it by before.
    before: tuple[str, ...] = ()

    @property
    def article_id(self) -> int:
        """The leading article, whose title and address the story has; 0 when it was never stored."""
        return self.story.article_ids[0] if self.story.article_ids else 0


def tellings(sent: Iterable[Content], others: Iterable[Content] = ()) -> tuple[Telling, ...]:
    """What readers know by the `sent` issues, oldest first, and the corrections in them and in `others`.

    The newest issue's come first. Events are none of them: news of an event is told as an event. Nor is
    what an issue said is gone. After a correction the title in it is the one that readers know.
    """
    issues = sorted(sent, key=lambda content: content.number)
    found = {
        story.key: _telling(story, content.number)
        for content in issues
        for story in content.stories
        if story.event is None
    }
    every = sorted([*issues, *others], key=lambda content: content.number)
    for content in every:
        for one in content.corrections:
            known = found.pop(one.story, None)
            if known is not None and one.kind is CorrectionKind.RETITLED:
                found[one.story] = Telling(
                    story=known.story,
                    number=content.number,
                    title=one.new_title,
                    was=one.new_title,
                    before=(*known.before, known.title, known.was),
                )
    return tuple(sorted(found.values(), key=lambda each: -each.number))


def _telling(story: Story, number: int) -> Telling:
    is_locked = any(each.rule == _LOCKED for each in story.reasons)
    return Telling(story=story, number=number, title=story.title, was=story.title, is_locked=is_locked)


def corrections(
    told: Sequence[Telling],
    articles: Mapping[int, Article],
    checks: Mapping[int, PageCheck],
    sources: Mapping[int, Source],
) -> tuple[Correction, ...]:
    """The corrections that are due, in the order of what was told; at most one a story.

    A story whose article is not stored any more has none: nothing is known of it.
    """
    found = []
    for each in told:
        article = articles.get(each.article_id)
        if article is None:
            continue
        check, source = checks.get(each.article_id), sources.get(article.source_id)
        if check is not None and check.is_gone and check.url == article.url:
            found.append(_gone(each, article, check))
        elif is_retitled(each, article, source):
            found.append(_retitled(each, article, source))
    return tuple(found)


def kept_corrections(found: Iterable[Correction], dropped: Container[str]) -> tuple[Correction, ...]:
    """Those that an issue tells: not those whose keys are `dropped`, and not too many."""
    return tuple(one for one in found if one.key not in dropped)[:MAX_CORRECTIONS]


def is_retitled(told: Telling, article: Article, source: Source | None) -> bool:
    """True when the source has another title since, in substance, and readers know it by another too.

    Not for a small rewording, and not for a title that readers or the source had before: it tries variants.
    """
    now = article.title

    def says_the_same(title: str) -> bool:
        names = _names(article, source)
        return not is_another_title(title, now, names=names) or is_reworded(
            title, now, names=names, language=article.language
        )

    if any(map(says_the_same, (told.title, told.was, *told.before))):
        return False
    # What it was called last may be the same title in another dress.
    between = list(dropwhile(says_the_same, reversed(article.earlier_titles)))
    return not any(map(says_the_same, between))


def correction_words(correction: Correction) -> str:
    """The correction as a sentence for an editor."""
    is_gone = correction.kind is CorrectionKind.GONE
    then = "its page is gone" if is_gone else f"its source now says “{correction.new_title}”"
    return f"No. {correction.number} told “{correction.title}”; {then}."


def _names(article: Article, source: Source | None) -> tuple[str, ...]:
    """What the site may call itself behind a title."""
    return (article.url, source.title, source.owner, source.site_url) if source else (article.url,)


def _gone(told: Telling, article: Article, check: PageCheck) -> Correction:
    since = f"{check.missing_since or check.asked_at:%d %b %H:%M} UTC"
    words = f"Its page has been missing (404) since {since}, and was asked for again hours later."
    if check.status == 410:
        words = f"Its page has said that it is gone for good (410) since {since}."
    return _correction(told, article, CorrectionKind.GONE, "", words)


def _retitled(told: Telling, article: Article, source: Source | None) -> Correction:
    name = (source.title if source else "") or "its source"
    words = f"{name} has changed the title since."
    if told.was != told.title:
        words = f"{name} wrote “{told.was}” then, and has changed it since."
    return _correction(told, article, CorrectionKind.RETITLED, article.title, words)


def _correction(
    told: Telling, article: Article, kind: CorrectionKind, new_title: str, words: str
) -> Correction:
    about = "\n".join((kind, told.story.key, title_mark(new_title)))
    return Correction(
        key=hashlib.sha256(about.encode()).hexdigest()[:32],
        kind=kind,
        number=told.number,
        story=told.story.key,
        section=told.story.section,
        title=told.title,
        new_title=new_title,
        url=article.url,
        reasons=(Reason(rule=f"correction.{kind}", words=words),),
    )
