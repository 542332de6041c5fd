"""Every mail rendered with sample values, so that a broken template is found before anything is sent."""

import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from digest.domain import (
    FLOATING,
    Content,
    Correction,
    CorrectionKind,
    Event,
    IssueSection,
    Story,
    Subscriber,
    Tier,
)
from digest.errors import TemplateError
from digest.render.issue import render
from digest.render.mail import notice
from digest.render.masthead import Masthead
from digest.render.problems import lint
from digest.render.templates import Templates

#: Values of a notice that a template is tried with; they also tell a reader of the folder what it takes.
_SAMPLE = "sample.toml"
_ISSUE = "issue"
_NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
_MASTHEAD = Masthead(
    key="weekly",
    name="The Weekly",
    from_address="news@example.org",
    reply_to="editor@example.org",
    postal_address="The Weekly, 1 Sample Street, 10000 Sample",
    editor_name="Ada",
    zone="Europe/Copenhagen",
    public_url="https://digest.example.org",
)


def check(templates: Templates) -> None:
    """Nothing when every mail renders and the issue has its duties; else TemplateError with file and line."""
    for content, masthead in ((_full(), _MASTHEAD), (_small(), _bare())):
        for problem in lint(render(content, masthead, templates)):
            if problem.severity == "stop":
                raise TemplateError(f"{_ISSUE}: {problem.words}")
    reader = Subscriber(id=1, email="reader@example.org")
    for name in templates.mails():
        if name != _ISSUE:
            values = {**sample_values(templates, name), "content": _full()}
            notice(name, values, _MASTHEAD, reader, templates, date=_NOON, message_key="check")


def sample_values(templates: Templates, name: str) -> Mapping[str, object]:
    """The values in the mail's sample.toml; none when it has no such file."""
    file = templates.find(f"{name}/{_SAMPLE}")
    return _read(file) if file else {}


def _read(file: Path) -> Mapping[str, object]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise TemplateError(f"{file.parent.name}/{file.name}: {exc}") from exc


def _bare() -> Masthead:
    return Masthead(
        key="weekly",
        name="The Weekly",
        from_address="news@example.org",
        postal_address="1 Sample Street",
        public_url="https://digest.example.org",
    )


def _small() -> Content:
    """One story with nothing but what every story has."""
    story = Story(key="only", section="other", title="The only story", url="https://example.org/only")
    sections = (
        IssueSection(key="other", label="Other", stories=(story,)),
        IssueSection(key="empty", label="Empty"),
    )
    return Content(
        newsletter="weekly", number=1, since=_NOON - timedelta(days=7), until=_NOON, sections=sections
    )


def _full() -> Content:
    """Every part that an issue can have."""
    news = tuple(
        Story(
            key=tier.value,
            section="news",
            tier=tier,
            title=f"A {tier.value} of the sample",
            url=f"https://example.org/{tier.value}",
            summary="What it says.",
            why="It is a sample.",
            kind="Paper",
            source="Example",
            also=("One", "Two", "Three", "Four"),
            language="de",
            minutes=4,
        )
        for tier in (Tier.LEAD, Tier.ITEM, Tier.BRIEF)
    )
    events = tuple(
        Story(
            key=f"event-{number}",
            section="events",
            tier=tier,
            title=f"Event {number}",
            url=f"https://example.org/event-{number}",
            summary="Who meets there.",
            source="Example",
            event=event,
        )
        for number, (tier, event) in enumerate(_events())
    )
    return Content(
        newsletter="weekly",
        number=47,
        since=_NOON - timedelta(days=7),
        until=_NOON,
        note="A word from the editor.",
        sections=(
            IssueSection(key="news", label="News", stories=news),
            IssueSection(key="events", label="Events", stories=events),
        ),
        corrections=(_correction(46, "A new title"), _correction(45, "")),
        articles_read=214,
        sources_read=42,
        sources_failed=("Broken", "Gone", "Slow", "Away", "Shut"),
    )


def _correction(number: int, new_title: str) -> Correction:
    return Correction(
        key=f"{number}",
        kind=CorrectionKind.RETITLED if new_title else CorrectionKind.GONE,
        number=number,
        story=f"{number}",
        section="news",
        title="An old title",
        new_title=new_title,
        url="https://example.org/old",
    )


def _events() -> tuple[tuple[Tier, Event], ...]:
    soon, hours = _NOON + timedelta(days=3), timedelta(hours=3)
    return (
        (
            Tier.ITEM,
            Event(starts_at=soon, ends_at=soon + hours, zone="Europe/Lisbon", place="Lisbon", online=True),
        ),
        (Tier.ITEM, Event(starts_at=soon, ends_at=soon + 10 * hours, place="Here", online=True)),
        (Tier.ITEM, Event(starts_at=soon.replace(hour=0), all_day=True, online=True)),
        (Tier.BRIEF, Event(starts_at=soon)),
        (Tier.ITEM, Event(starts_at=soon, ends_at=soon + hours, zone=FLOATING, place="There")),
        (Tier.BRIEF, Event(starts_at=soon, zone="Etc/GMT+12", is_deadline=True)),
        (Tier.BRIEF, Event(starts_at=soon, zone="Europe/Lisbon", is_deadline=True)),
    )
