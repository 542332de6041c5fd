"""A week to publish: a site with feeds, a house that mails to a real server, and readers in every state."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import format_datetime
from io import StringIO
from pathlib import Path
from typing import Any

from conftest import KEY, NOW, settings_for
from digest.domain import (
    Content,
    Issue,
    IssueSection,
    Source,
    SourceKind,
    Story,
    Subscriber,
    Subscription,
    SubscriptionState,
)
from digest.house import House, open_house
from digest.log import Log
from digest.publish import approve
from digest.store import issues, sources, subscribers
from mailservers import Recorder, recording_server
from sites import Site, open_site


@dataclass(slots=True)
class Clock:
    """A clock that a test sets; it moves on by a second each time it is read."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now

    def pass_by(self, span: timedelta) -> None:
        """Let time pass."""
        self.now += span


@dataclass(slots=True, kw_only=True)
class Week:
    """What a test of a week holds in its hands."""

    house: House
    site: Site
    mail: Recorder
    clock: Clock = field(default_factory=Clock)

    async def add_reader(
        self,
        email: str,
        state: SubscriptionState = SubscriptionState.CONFIRMED,
        *,
        name: str = "",
        sections: tuple[str, ...] = (),
    ) -> Subscriber:
        """A reader of the newsletter in that state."""
        async with self.house.store.begin() as session:
            person = Subscriber(email=email, name=name)
            stored = await subscribers.add(session, person, email_hash=self.house.email_hash(email), now=NOW)
            subscription = Subscription(
                subscriber=stored,
                newsletter=KEY,
                state=state,
                sections=sections,
                requested_at=NOW,
                confirmed_at=NOW if state is SubscriptionState.CONFIRMED else None,
            )
            await subscribers.save(session, subscription)
        return stored

    def publish(self, path: str, *titles: str, at: datetime | None = None) -> None:
        """Set the feed at `path` to articles of these titles."""
        self.site.put(path, rss(path, *titles, at=at or self.clock.now))

    def mails_to(self, email: str) -> list[EmailMessage]:
        """What that address got, parsed."""
        return [parsed(one.data) for one in self.mail.mails if one.recipient == email]


def parsed(data: bytes) -> EmailMessage:
    """A mail as the standard library reads it."""
    message = message_from_bytes(data, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def rss(name: str, *titles: str, at: datetime) -> str:
    """A feed with one article a title, an hour apart, on pages of its own."""
    slug = name.strip("/").replace(".", "-")
    items = "".join(
        f"<item><title>{title}</title><link>https://{slug}.example/{number}</link>"
        f"<description>What {slug} says of it, number {number}. It is told in two plain sentences that are "
        f"long enough to be shown.</description>"
        f"<pubDate>{format_datetime(at - timedelta(hours=number + 1))}</pubDate></item>"
        for number, title in enumerate(titles)
    )
    return f'<rss version="2.0"><channel><title>{slug}</title>{items}</channel></rss>'


@asynccontextmanager
async def open_week(database: str, folder: Path, **changes: Any) -> AsyncIterator[Week]:
    """A week with two feeds and no readers yet; mails go to a real SMTP server on loopback."""
    async with open_site() as site, recording_server() as mail:
        changes.setdefault("smtp", {"url": f"smtp://127.0.0.1:{mail.port}"})
        changes.setdefault("gather", {"allow_hosts": ["127.0.0.1"]})
        settings = settings_for(database, folder / "outbox", **changes)
        async with open_house(settings, log=Log(StringIO())) as house:
            week = Week(house=house, site=site, mail=mail)
            week.publish("/news.xml", "A model is released", "A licence is changed")
            week.publish("/lessons.xml", "How to read a benchmark", "A licence is changed")
            async with house.store.begin() as session:
                await sources.add(
                    session,
                    [
                        Source(
                            url=f"{site.url}/news.xml", title="The Wire", section="news", kind=SourceKind.FEED
                        ),
                        Source(url=f"{site.url}/lessons.xml", title="Lessons", section="learnings"),
                    ],
                    now=NOW,
                )
            yield week


async def approved_for(house: House, readers: int, *, key: str, now: datetime) -> Issue:
    """An approved issue of one story for that many readers, due now."""
    story = Story(key="a", section="news", title="A title", url="https://a.example/1")
    section = IssueSection(key="news", label="News", stories=(story,))
    content = Content(newsletter=key, number=1, since=now, until=now, sections=(section,))
    draft = Issue(newsletter=key, number=1, period="p", due_at=now, content=content)
    async with house.store.begin() as session:
        for number in range(readers):
            email = f"r{number}@example.org"
            stored = await subscribers.add(
                session, Subscriber(email=email), email_hash=house.email_hash(email), now=now
            )
            one = Subscription(
                subscriber=stored, newsletter=key, state=SubscriptionState.CONFIRMED, requested_at=now
            )
            await subscribers.save(session, one)
        issue = await issues.save_draft(session, draft, now=now)
    return await approve(house, issue, by="test", now=now)
