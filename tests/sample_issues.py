"""A week of invented stories for tests: `week()` is an ordinary issue, the others are cruel ones."""

import tomllib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from digest.domain import (
    Content,
    Correction,
    CorrectionKind,
    Event,
    IssueSection,
    Story,
    Subscriber,
    Subscription,
    SubscriptionState,
    Tier,
)
from digest.render import Links, Masthead

SINCE = datetime(2026, 11, 16, 6, tzinfo=UTC)
UNTIL = SINCE + timedelta(days=7)
LONG_WORD = "Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetzesdurchführungsänderung"[:79]

MASTHEAD = Masthead(
    key="weekly",
    name="The Week in AI",
    from_address="news@digest.example",
    reply_to="mette@digest.example",
    postal_address="The Week in AI, Havnegade 4, 8000 Aarhus, Denmark",
    description="News, learnings and events around machine learning, chosen and sent once a week.",
    zone="Europe/Copenhagen",
    editor_name="Mette Holm",
    public_url="https://digest.example",
)

LINKS = Links(
    browser="https://digest.example/n/weekly/issues/47",
    preferences="https://digest.example/n/weekly/preferences/9ix.thq8w0.Zk3v0T-x_QmE5hYc1r8LsA",
    leave="https://digest.example/n/weekly/leave/9ix.thq8w0.pR7w2N-b_KdJ4gXf6t0VuB",
    one_click="https://digest.example/n/weekly/leave/9ix.thq8w0.pR7w2N-b_KdJ4gXf6t0VuB",
    leave_mail="news+leave-9ix.thq8w0.pR7w2N-b_KdJ4gXf6t0VuB@digest.example",
)

READER = Subscription(
    subscriber=Subscriber(id=12345, email="ada@reader.example", name="Ada"),
    newsletter="weekly",
    state=SubscriptionState.CONFIRMED,
    confirmed_at=datetime(2026, 3, 3, 9, tzinfo=UTC),
)

NOTE = (
    "Quiet at the top, busy below: the permit register went live without a ceremony, and the best reading "
    "of the week is a diary of small failures. Three deadlines fall before Friday."
)

_TEXTS: dict[str, list[dict[str, Any]]] = tomllib.loads(
    (Path(__file__).parent / "data" / "week.toml").read_text(encoding="utf-8")
)


def week(note: str = NOTE) -> Content:
    """An ordinary issue: 21 stories, 4 events, 3 deadlines, four languages."""
    return content(
        IssueSection(key="news", label="News", stories=_section("news", texts=6)),
        IssueSection(key="learnings", label="Learnings", stories=_section("learnings", texts=5)),
        IssueSection(key="events", label="Events", stories=_events()),
        note=note,
    )


def thirty() -> Content:
    """The size that the budget is written for: 30 stories with events and deadlines among them."""
    more = tuple(
        story(f"Another line of news, number {number}", summary="", source="Patch Notes")
        for number in range(2)
    )
    issue = week()
    news, *rest = issue.sections
    return content(IssueSection(key="news", label="News", stories=news.stories + more), *rest)


def content(*sections: IssueSection, note: str = NOTE, subject: str = "") -> Content:
    """Issue 47 of the week of 16 November 2026 with these sections."""
    return Content(
        newsletter="weekly",
        number=47,
        since=SINCE,
        until=UNTIL,
        note=note,
        subject=subject,
        sections=sections,
        articles_read=214,
        sources_read=42,
        sources_failed=("Grid & Ground", "Elbbote"),
    )


def news(*stories: Story, note: str = "") -> Content:
    """An issue of one section."""
    return content(IssueSection(key="news", label="News", stories=stories), note=note)


def story(
    title: str,
    *,
    summary: str = "Two sentences about it. They are short.",
    tier: Tier = Tier.BRIEF,
    source: str = "Example",
    section: str = "news",
    url: str = "",
    event: Event | None = None,
    language: str = "",
) -> Story:
    """One story with what a test cares about."""
    key = f"{abs(hash_of(title)):x}"
    return Story(
        key=key,
        section=section,
        tier=tier,
        title=title,
        url=url or f"https://source.example/2026/11/{key}",
        summary=summary,
        source=source,
        event=event,
        language=language,
    )


def correction(title: str, new_title: str = "", *, number: int = 46) -> Correction:
    """A story of an earlier issue that has another title now, or whose page is gone."""
    key = f"{abs(hash_of(title + new_title)):x}"
    return Correction(
        key=key,
        kind=CorrectionKind.RETITLED if new_title else CorrectionKind.GONE,
        number=number,
        story=key,
        section="news",
        title=title,
        new_title=new_title,
        url=f"https://source.example/2026/11/{key}",
    )


def hash_of(text: str) -> int:
    """A small number that is the same on every run."""
    return sum(index * ord(char) for index, char in enumerate(text, 1))


def cruel() -> dict[str, Content]:
    """Issues that break templates, by what is wrong with them."""
    markup = "{{ 7*7 }} {% raw %} <script>alert(1)</script> <img src=x onerror=alert(1)> & \"quotes\" 'too'"
    return {
        "one story": news(story("The only one", tier=Tier.LEAD)),
        "sixty stories": news(*(story(f"Number {number} of sixty", tier=Tier.ITEM) for number in range(60))),
        "a long word": news(
            *(story(f"{LONG_WORD} {tier}", tier=tier, summary=LONG_WORD, source=LONG_WORD) for tier in Tier)
        ),
        "arabic": news(*(story("الذكاء الاصطناعي في المدارس", tier=tier, language="ar") for tier in Tier)),
        "japanese": news(*(story("機械翻訳の評価" * 12, tier=tier, summary="説明。" * 60) for tier in Tier)),
        "emoji": news(*(story("👩🏽‍🚀🇩🇰 " * 30, tier=tier) for tier in Tier)),
        "markup": news(
            *(story(markup, tier=tier, summary=markup, source=markup) for tier in Tier), note=markup
        ),
        "no words": news(*(story("Only a title", tier=tier, summary="", source="") for tier in Tier)),
        "an empty section": content(
            IssueSection(key="learnings", label="Learnings"),
            IssueSection(key="news", label="News", stories=(story("One"),)),
        ),
        "sections of one's own": content(
            *(
                IssueSection(
                    key=f"own-{number}",
                    label=f"Section {number} with a long name",
                    stories=(story(f"{number}"),),
                )
                for number in range(8)
            )
        ),
        "events at odd times": content(
            IssueSection(key="events", label="Events", stories=tuple(_odd_events())), note=""
        ),
        "corrections": replace(
            news(story("One")),
            corrections=tuple(
                each
                for title in (
                    markup,
                    LONG_WORD,
                    "الذكاء الاصطناعي في المدارس",
                    "機械翻訳の評価" * 12,
                    "A\x00B\ue001E",
                )
                for each in (correction(title, f"{title} 2"), correction(title))
            ),
        ),
        "control characters": news(story("A\x00B\x1bC\u202eD\ue000leave\ue001E", tier=Tier.LEAD)),
    }


def _odd_events() -> list[Story]:
    far = datetime(9999, 12, 31, 23, 59, tzinfo=UTC)
    early = datetime(1, 1, 1, tzinfo=UTC)
    moments = (
        Event(starts_at=far, zone="Pacific/Kiritimati"),
        Event(starts_at=early, zone="America/Los_Angeles"),
        Event(starts_at=UNTIL, ends_at=SINCE, zone="No/Such_Zone"),
        Event(starts_at=UNTIL, ends_at=UNTIL + timedelta(days=400), zone="Asia/Kathmandu", place=LONG_WORD),
    )
    return [
        story(f"Event {number} {tier}", section="events", tier=tier, event=event)
        for number, event in enumerate(moments)
        for tier in (Tier.ITEM, Tier.BRIEF)
    ]


def _section(key: str, *, texts: int) -> tuple[Story, ...]:
    """The stories of a section: the first leads, some have text, the rest are in brief."""
    rows = _TEXTS[key]
    tiers = [Tier.LEAD, *[Tier.ITEM] * (texts - 1), *[Tier.BRIEF] * (len(rows) - texts)]
    return tuple(
        Story(
            key=f"{key}{number:02}",
            section=key,
            tier=tier,
            url=f"https://{key}-{number}.example/2026/11/a-story-with-a-usual-path",
            **{**row, "also": tuple(row.get("also", ()))},
        )
        for number, (tier, row) in enumerate(zip(tiers, rows, strict=True))
    )


def _events() -> tuple[Story, ...]:
    return tuple(
        Story(
            key=f"event{number}",
            section="events",
            tier=Tier.BRIEF if row.get("is_deadline") else Tier.ITEM,
            title=row["title"],
            url=f"https://event-{number}.example/2026",
            summary=row.get("summary", ""),
            kind=row.get("kind", ""),
            source="Calendar",
            event=Event(**{name: row[name] for name in row.keys() - {"title", "summary", "kind"}}),
        )
        for number, row in enumerate(_TEXTS["events"])
    )
