"""What becomes of an event that an earlier issue told: it is told again only when there is news of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from digest.compose.event import (
    LAST_CALL,
    day_of,
    event_title,
    is_cancelled,
    is_last_call,
    is_withdrawn,
    place_words,
)
from digest.compose.plan import Plan
from digest.domain import Article, Event, Reason, Story

CANCELLED = "Cancelled"
BACK_ON = "On after all"
MOVED, NEW_TIME, NEW_PLACE = "Moved from", "New time", "New place"
#: The rule of the reason for silence.
KNOWN = "event.known"
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True, kw_only=True)
class Retelling:
    """An event's second time: the word that stands beside it, or none when it is not told again."""

    word: str
    #: The story's key of the first time, so that calendars know it for the same event.
    key: str
    #: The event as the source says it from which readers first heard of it.
    event: Event
    reason: Reason


class Memory:
    """Finds the events that earlier issues told, by their articles or by title, day and place."""

    def __init__(self, plan: Plan, *, now: datetime) -> None:
        """Later tellings of one event stand for the earlier."""
        self._plan = plan
        self._now = now
        self._by_article = {
            number: story for story in plan.told_events for number in story.article_ids if number
        }
        self._by_name = {
            self._name(story.title, story.event): story for story in plan.told_events if story.event
        }

    def retelling(self, articles: Sequence[Article]) -> Retelling | None:
        """What to say of it now; None for an event that no issue told."""
        told = self._told(articles)
        if told is None or told.event is None:
            return None
        first = told.article_ids[0] if told.article_ids else 0
        source = next(
            (each for each in articles if each.id and each.id == first and not each.is_withdrawn), None
        )
        now = (source or articles[0]).event
        if now is None or (_is_over(told.event, self._now) and self._day(told.event) != self._day(now)):
            # A page that names its next date in place of the last one: that is another event.
            return None
        if source is None:
            # Another source may write it otherwise without anything having changed.
            now = next((each.event for each in articles if self._agrees(told.event, each)), None) or now
        word = self._word(told, replace(now, is_cancelled=is_cancelled(articles)))
        words = f"An earlier issue told it. {word}." if word else "An earlier issue told it as it is."
        if word == CANCELLED and is_withdrawn(articles):
            words += " Its source does not list it any more."
        return Retelling(
            word=word,
            key=told.key,
            event=replace(now, is_cancelled=word == CANCELLED),
            reason=Reason(rule="event.again" if word else KNOWN, words=words),
        )

    def _told(self, articles: Iterable[Article]) -> Story | None:
        by_name = None
        for article in articles:
            if article.id in self._by_article:
                return self._by_article[article.id]
            if article.event:
                found = self._by_name.get(self._name(article.title, article.event))
                by_name = found if found and not _is_elsewhere(found.event, article.event) else by_name
        return by_name

    def _name(self, title: str, event: Event) -> tuple[str, str, bool]:
        return event_title(title), self._day(event), event.is_deadline

    def _agrees(self, was: Event, article: Article) -> bool:
        return article.event is not None and not difference(was, article.event, self._plan.zone)

    def _word(self, told: Story, now: Event) -> str:
        was = told.event or now
        if was.is_cancelled != now.is_cancelled:
            return CANCELLED if now.is_cancelled else BACK_ON
        if now.is_cancelled:
            return ""
        is_last = is_last_call(now, self._plan) and told.kind != LAST_CALL
        return difference(was, now, self._plan.zone) or (LAST_CALL if is_last else "")

    def _day(self, event: Event) -> str:
        return day_of(event, self._plan.zone)


def difference(was: Event, now: Event, zone: str) -> str:
    """What differs so that somebody would stand before a closed door: "Moved from 8 Dec", "New time" …

    "" for the same in other words; days are those of `zone`.
    """
    before, after = day_of(was, zone), day_of(now, zone)
    if before != after:
        year = before.split("-")[0]
        return f"{MOVED} {date_words(before)}{'' if after.startswith(year) else f' {year}'}"
    if not (was.all_day or now.all_day) and was.starts_at != now.starts_at:
        return NEW_TIME
    if now.online and not now.place and was.place:
        return "Now online"
    return NEW_PLACE if _is_elsewhere(was, now) else ""


def date_words(day: str) -> str:
    """ "8 Dec" for "2026-12-08"."""
    _year, month, number = day.split("-")
    return f"{int(number)} {_MONTHS[int(month) - 1]}"


def _is_elsewhere(was: Event | None, now: Event) -> bool:
    """True when both name a place and neither is the other told in more words."""
    before, after = set(place_words(was.place if was else "")), set(place_words(now.place))
    return bool(before and after) and not (before <= after or after <= before)


def _is_over(event: Event, now: datetime) -> bool:
    ends = event.starts_at.astimezone(UTC) + (timedelta(days=1) if event.all_day else timedelta(0))
    return ends <= now
