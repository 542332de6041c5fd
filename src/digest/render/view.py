"""What templates see of an issue: its content, sorted into the parts of the page, with facts and no words."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from digest.domain import EVENTS, FLOATING, Content, Correction, Event, IssueSection, Story, Tier
from digest.render.fold import direction
from digest.render.masthead import Masthead
from digest.render.moments import ANYWHERE, abbreviation, city, days_of, is_zone, local
from digest.render.words import language_name

#: Seconds that a person spends on one while skimming.
_LEAD_SECONDS, _ITEM_SECONDS, _BRIEF_SECONDS = 30, 15, 8
#: The letter of a section's colour in the style sheet; all others are ink.
_HUES = {"news": "n", "learnings": "l", EVENTS: "e"}
_INK = "o"
#: A place that says by itself that one need not travel.
_ONLINE = re.compile(r"(?i)\b(?:online|virtual(?:ly)?|webinar|zoom|livestream|remote)\b")
#: Below this many stories a list of contents only repeats what is seen anyway.
_CONTENTS_FROM = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class EventView:
    """An event's times on the newsletter's clocks, and on the organiser's where these differ."""

    starts: datetime
    #: None when it is not known, or not after the start.
    ends: datetime | None
    #: The last day of an event of several days.
    last_day: date | None
    all_day: bool
    place: str
    online: bool
    #: The start on the organiser's clocks, when these show another time.
    there: datetime | None
    #: The city that the organiser's zone is called after; empty for zones like UTC.
    there_city: str
    #: The letters of the organiser's zone at that time.
    there_letters: str
    #: A deadline that ends when the day has ended everywhere.
    anywhere: bool
    #: Its hour is that of the clocks where it takes place; nobody said which these are.
    floating: bool
    cancelled: bool
    calendar_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryView:
    """A story as a template sees it."""

    title: str
    url: str
    summary: str
    why: str
    kind: str
    source: str
    also: tuple[str, ...]
    minutes: int | None
    #: True when a model wrote the words that are shown of it.
    by_model: bool
    #: The language's name when it is not the newsletter's.
    language: str
    #: BCP 47 tag when it is not the newsletter's.
    lang: str
    #: "rtl" or "ltr" when it is not the newsletter's. Computed, because Outlook does not know dir=auto.
    dir: str
    event: EventView | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionView:
    """A section with its stories sorted by how they are shown, in this order."""

    key: str
    label: str
    hue: str
    count: int
    #: The story that the list of contents tells.
    top: StoryView
    #: How many there are besides: stories and events, and deadlines.
    more: int
    more_deadlines: int
    leads: tuple[StoryView, ...]
    items: tuple[StoryView, ...]
    #: Events with a date block.
    tiles: tuple[StoryView, ...]
    briefs: tuple[StoryView, ...]
    #: Events in one line.
    dates: tuple[StoryView, ...]
    deadlines: tuple[StoryView, ...]
    #: The newsletter's zone in letters at the times of these events ("CEST", "CET").
    zone_letters: tuple[str, ...]

    @property
    def dated(self) -> int:
        """How many events and deadlines."""
        return len(self.tiles) + len(self.dates) + len(self.deadlines)


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionView:
    """What an earlier issue told otherwise, as a template sees it."""

    number: int
    #: The archive's page of that issue.
    issue_url: str
    title: str
    #: The title that its source gives it now, and where; both empty when its page is gone.
    new_title: str
    url: str
    #: "rtl" or "ltr" when the titles are not written as the newsletter is.
    dir: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueView:
    """An issue as a template sees it."""

    number: int
    subject: str
    first_day: date
    last_day: date
    #: How many days it covers: 7 for a weekly one.
    days: int
    note: tuple[str, ...]
    sections: tuple[SectionView, ...]
    corrections: tuple[CorrectionView, ...]
    #: Titles for the subject: each section's first, then the others.
    titles: tuple[str, ...]
    has_contents: bool
    stories: int
    events: int
    minutes: int
    zone_city: str
    #: All events and deadlines in one file.
    calendar_url: str
    articles_read: int
    sources_read: int
    sources_failed: tuple[str, ...]


def see(content: Content, masthead: Masthead) -> IssueView:
    """The view of an issue; sections without a story are left out."""
    sections = tuple(_section(part, content.number, masthead) for part in content.sections if part.stories)
    first, last = days_of(content.since, content.until, masthead.zone)
    everything = content.stories
    return IssueView(
        number=content.number,
        subject=_squeeze(content.subject),
        first_day=first,
        last_day=last,
        days=(content.until - content.since + timedelta(hours=12)).days,
        note=tuple(squeezed for part in content.note.split("\n\n") if (squeezed := _squeeze(part))),
        sections=sections,
        corrections=tuple(_correction(one, masthead) for one in content.corrections),
        titles=_titles(sections),
        has_contents=len(sections) > 1 and len(everything) >= _CONTENTS_FROM,
        stories=sum(story.event is None for story in everything),
        events=sum(story.event is not None and not story.event.is_deadline for story in everything),
        minutes=_minutes(everything),
        zone_city=city(masthead.zone),
        calendar_url=f"{masthead.archive}/{content.number}/events.ics",
        articles_read=content.articles_read,
        sources_read=content.sources_read,
        sources_failed=content.sources_failed,
    )


def _correction(one: Correction, masthead: Masthead) -> CorrectionView:
    title, new_title = _squeeze(one.title), _squeeze(one.new_title)
    runs = direction(f"{title} {new_title}")
    return CorrectionView(
        number=one.number,
        issue_url=f"{masthead.archive}/{one.number}",
        title=title,
        new_title=new_title,
        url=one.url.strip() if new_title else "",
        dir=runs if runs != masthead.direction else "",
    )


def _section(part: IssueSection, number: int, masthead: Masthead) -> SectionView:
    seen = tuple((story, _story(story, number, masthead)) for story in part.stories)
    plain = tuple(pair for pair in seen if pair[0].event is None)
    timed = tuple((story, view) for story, view in seen if story.event and not story.event.is_deadline)
    deadlines = tuple(view for story, view in seen if story.event and story.event.is_deadline)
    dates = tuple(view for story, view in timed if story.tier is Tier.BRIEF)
    tiles = tuple(view for story, view in timed if story.tier is not Tier.BRIEF)
    leads, items, briefs = (
        tuple(view for story, view in plain if story.tier is tier)
        for tier in (Tier.LEAD, Tier.ITEM, Tier.BRIEF)
    )
    shown = (*leads, *items, *tiles, *briefs, *dates, *deadlines)
    return SectionView(
        key=part.key,
        label=part.label,
        hue=_HUES.get(part.key, _INK),
        count=len(seen),
        top=shown[0],
        more=max(0, len(shown) - len(deadlines) - 1),
        more_deadlines=len(deadlines) - (len(shown) == len(deadlines)),
        leads=leads,
        items=items,
        tiles=tiles,
        briefs=briefs,
        dates=dates,
        deadlines=deadlines,
        zone_letters=_letters(view.event for view in shown),
    )


def _story(story: Story, number: int, masthead: Masthead) -> StoryView:
    title, summary = _squeeze(story.title), _squeeze(story.summary)
    language = language_name(story.language, masthead.language)
    runs = direction(f"{title} {summary}")
    return StoryView(
        title=title or story.url,
        url=story.url.strip(),
        summary=summary,
        why=_squeeze(story.why),
        kind=_squeeze(story.kind),
        source=_squeeze(story.source),
        also=story.also,
        minutes=story.minutes,
        # In brief only the title is told.
        by_model=story.is_by_model and (story.tier is not Tier.BRIEF or story.event is not None),
        language=language,
        lang=story.language if language else "",
        dir=runs if runs != masthead.direction else "",
        event=_event(story.event, f"{masthead.archive}/{number}/events/{story.key}.ics", masthead.zone)
        if story.event
        else None,
    )


def _event(event: Event, calendar_url: str, zone: str) -> EventView:
    anywhere = event.is_deadline and event.zone == ANYWHERE
    floating = event.zone == FLOATING and not event.all_day
    # A day stays the day that the organiser named, wherever it is read.
    shown_zone = event.zone if event.all_day or anywhere or floating else zone
    moment = _unmistakable(event, shown_zone)
    starts, there = local(moment, shown_zone), local(moment, event.zone)
    ends = local(event.ends_at, shown_zone) if event.ends_at and event.ends_at > event.starts_at else None
    # An end at midnight belongs to the day before, as in iCalendar.
    last_day = (ends - timedelta(seconds=1)).date() if ends else None
    is_elsewhere = is_zone(event.zone) and not event.all_day and there.utcoffset() != starts.utcoffset()
    return EventView(
        starts=starts,
        ends=ends,
        last_day=last_day if last_day and last_day > starts.date() else None,
        all_day=event.all_day,
        place=_squeeze(event.place),
        online=event.online and not _ONLINE.search(event.place),
        there=there if is_elsewhere and not anywhere else None,
        there_city=city(event.zone),
        there_letters=abbreviation(there),
        anywhere=anywhere,
        floating=floating,
        cancelled=event.is_cancelled,
        calendar_url=calendar_url,
    )


def _unmistakable(event: Event, shown_zone: str) -> datetime:
    """When it starts; a deadline at midnight is told as 23:59 of the day before, which nobody misreads."""
    shown = local(event.starts_at, shown_zone)
    is_midnight = event.is_deadline and not event.all_day and (shown.hour, shown.minute) == (0, 0)
    return (
        event.starts_at - timedelta(minutes=1) if is_midnight and shown.date() > date.min else event.starts_at
    )


def _letters(events: Iterable[EventView | None]) -> tuple[str, ...]:
    found = (
        abbreviation(event.starts)
        for event in events
        if event and not (event.all_day or event.anywhere or event.floating)
    )
    return tuple(dict.fromkeys(letters for letters in found if letters))


def _titles(sections: tuple[SectionView, ...]) -> tuple[str, ...]:
    """Tops of the sections that are not events, then the other leads and items, then whatever there is."""
    tops = [part.top.title for part in sections if part.key != EVENTS]
    others = [story.title for part in sections for story in (*part.leads, *part.items)]
    last = [part.top.title for part in sections]
    return tuple(dict.fromkeys([*tops, *others, *last]))


def _minutes(stories: tuple[Story, ...]) -> int:
    seconds = {Tier.LEAD: _LEAD_SECONDS, Tier.ITEM: _ITEM_SECONDS, Tier.BRIEF: _BRIEF_SECONDS}
    return max(1, round(sum(seconds[story.tier] for story in stories) / 60))


def _squeeze(text: str) -> str:
    """One line with single blanks."""
    return " ".join(text.split())
