"""The events of an issue that was approved, beside what their sources say of them now."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from digest.compose.event import clock_of, day_of, is_cancelled, is_withdrawn
from digest.compose.retelling import (
    BACK_ON,
    CANCELLED,
    MOVED,
    NEW_PLACE,
    NEW_TIME,
    date_words,
    difference,
)
from digest.domain import Article, Content, Event, Story

NEW_ADDRESS = "New address"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recheck:
    """One event of an issue: as the issue tells it, and as it is now."""

    story: Story
    #: The stored article that it is told from.
    article_id: int
    event: Event
    url: str
    #: What changed ("Cancelled", "Moved from 8 Dec", "New place"); empty when nothing did.
    word: str = ""
    #: What it changed to, in words that go behind: " to 9 Dec", ", 19:00".
    after: str = ""
    #: True when it is called off because no list has it any more.
    is_withdrawn: bool = False

    @property
    def is_off(self) -> bool:
        """True when it is not to be told as something to go to."""
        return self.word == CANCELLED

    @property
    def words(self) -> str:
        """The change in one line, "“Model night”: moved from 8 Dec to 9 Dec"."""
        gone = ", its source does not list it any more" if self.is_withdrawn else ""
        word = self.word[:1].lower() + self.word[1:] if self.word else "as the issue tells it"
        return f"“{self.story.title}”: {word}{self.after}{gone}"

    @property
    def mark(self) -> str:
        """16 hexadecimal characters, others for each other change; "" when nothing changed."""
        if not self.word:
            return ""
        now = self.event
        # What it changed to, without what was told: that is another after the issue was put right.
        told = (self.is_off, now.starts_at.isoformat(), now.place, now.online, self.url)
        return hashlib.sha256("\n".join(map(str, told)).encode("utf-8", "replace")).hexdigest()[:16]


def recheck(
    content: Content, *, then: Mapping[int, Article], now: Mapping[int, Article], zone: str
) -> tuple[Recheck, ...]:
    """Each event of the issue whose articles are still stored, in the issue's order.

    `then` are the articles as it was composed from them, by id, as far as they are known; `now` as they are
    stored. What another source always wrote otherwise is no change.
    """
    found = []
    for story in content.stories:
        articles = [now[number] for number in story.article_ids if number in now and now[number].event]
        if story.event is not None and articles:
            found.append(_recheck(story, story.event, articles, then, zone))
    return tuple(found)


def _recheck(
    story: Story, told: Event, articles: Sequence[Article], then: Mapping[int, Article], zone: str
) -> Recheck:
    is_off = is_cancelled(articles)
    source = _source(told, [one for one in articles if not one.is_withdrawn] or articles, then, zone)
    event = replace(source.event or told, is_cancelled=is_off)
    url = _address(story, articles, then)
    word = ""
    if told.is_cancelled != is_off:
        word = CANCELLED if is_off else BACK_ON
    elif not is_off:
        word = difference(told, event, zone) or (NEW_ADDRESS if url != story.url else "")
    return Recheck(
        story=story,
        article_id=articles[0].id,
        event=event,
        url=url,
        word=word,
        after=_after(word, event, zone),
        is_withdrawn=word == CANCELLED and is_withdrawn(articles),
    )


def _after(word: str, event: Event, zone: str) -> str:
    """What it changed to, on the newsletter's clocks; "" where the word says it all."""
    if word.startswith(MOVED):
        return f" to {date_words(day_of(event, zone))}"
    if word == NEW_TIME:
        return f", {event.starts_at.astimezone(ZoneInfo(clock_of(event, zone))):%H:%M}"
    return f", {event.place}" if word == NEW_PLACE else ""


def _source(told: Event, articles: Sequence[Article], then: Mapping[int, Article], zone: str) -> Article:
    """The article that the event was told from: the first that said then what was told, else the first."""
    for article in articles:
        before = then.get(article.id)
        if before and before.event and not difference(told, before.event, zone):
            return article
    return articles[0]


def _address(story: Story, articles: Iterable[Article], then: Mapping[int, Article]) -> str:
    """Where the event is now; an address that only carries other parameters is the one that was told."""
    for article in articles:
        before = then.get(article.id)
        if before and before.url == story.url and before.canonical_url != article.canonical_url:
            return article.url
    return story.url


def put_right(content: Content, found: Iterable[Recheck]) -> Content:
    """The issue with these events as they are now, by date; those called off are left out."""
    changed = {each.story.key: each for each in found if each.word}
    sections = []
    for section in content.sections:
        stories = [
            story_now(changed[story.key]) if story.key in changed else story
            for story in section.stories
            if story.key not in changed or not changed[story.key].is_off
        ]
        if any(story.key in changed for story in section.stories):
            stories.sort(key=lambda story: story.event.starts_at if story.event else content.since)
        if stories:
            sections.append(replace(section, stories=tuple(stories)))
    return replace(content, sections=tuple(sections))


def story_now(found: Recheck) -> Story:
    """The story with the event and the address as they are now; its words stay."""
    return replace(found.story, event=found.event, url=found.url)
