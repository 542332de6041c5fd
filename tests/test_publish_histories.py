"""Random histories of readers and issues: nobody is sent a story twice, and nothing they wait for is lost."""

import asyncio
import hashlib
import re
import shutil
import tempfile
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from functools import partial
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from conftest import KEY, NOW, settings_for
from digest.domain import (
    Article,
    Cadence,
    Decision,
    DecisionKind,
    DeliveryState,
    Issue,
    IssueState,
    Outcome,
    Source,
    Subscriber,
    Subscription,
    SubscriptionState,
)
from digest.errors import NothingToDoError
from digest.house import House, open_house
from digest.log import Log
from digest.publish import approve, cancel, draft, draft_month, message_for, send
from digest.store import (
    Store,
    articles,
    decisions,
    deliveries,
    issues,
    renderings,
    schema,
    sources,
    subscribers,
)
from digest.store.audience import GETS_MONTHLY

WEEK = timedelta(days=7)
CONFIRMED, LEFT = SubscriptionState.CONFIRMED, SubscriptionState.LEFT
WEEKLY, MONTHLY = Cadence.WEEKLY, Cadence.MONTHLY
READERS = 3
#: What a reader's own doing is; whatever else keeps an issue from them is to be made up for.
THEIR_OWN = {"paused", "left", "not confirmed", "nothing that they have not had", "issue cancelled"}
THEIR_OWN |= {"nothing in the sections they chose", "nothing in the sections and topics they chose"}


@dataclass(slots=True, kw_only=True)
class Newsroom:
    """A newsletter with a clock that acts move on, and everything that its readers were sent."""

    house: House
    outbox: Path
    now: datetime = NOW
    written: int = 0
    #: The issue that is let go and not sent.
    waiting: list[Issue] = field(default_factory=list)

    async def set(self, reader: int, **changes: object) -> None:
        async with self.house.store.begin() as session:
            there = await self._reader(reader)
            await subscribers.save(session, replace(there, **changes))  # type: ignore[arg-type]  # as they come

    async def _reader(self, number: int) -> Subscription:
        email = f"reader{number}@example.org"
        async with self.house.store.begin() as session:
            person = await subscribers.add(
                session, Subscriber(email=email), email_hash=self.house.email_hash(email), now=self.now
            )
            there = await subscribers.subscription(session, KEY, person.id)
        return there or Subscription(
            subscriber=person,
            newsletter=KEY,
            state=CONFIRMED,
            requested_at=self.now,
            confirmed_at=self.now,
        )

    async def publish(self, count: int) -> None:
        found = []
        for _ in range(count):
            self.written += 1
            url = f"https://s.example/{self.written}"
            found.append(
                Article(
                    source_id=1,
                    guid=url,
                    url=url,
                    canonical_url=url,
                    title=title_of(self.written),
                    summary=f"{title_of(self.written)} {title_of(-self.written)} and so on it goes.",
                    seen_at=self.now,
                    published_at=self.now,
                )
            )
        async with self.house.store.begin() as session:
            await articles.save(session, found, now=self.now)

    async def weekly(self, stories: int) -> None:
        await self.publish(stories)
        self.now += timedelta(hours=1)
        try:
            issue = await draft(self.house, KEY, now=self.now, due_at=self.now)
        except NothingToDoError:
            return
        self.waiting.append(await approve(self.house, issue, by="test", now=self.now))

    async def monthly(self) -> None:
        self.now += timedelta(hours=1)
        try:
            issue = await draft_month(self.house, KEY, now=self.now, due_at=self.now)
        except NothingToDoError:
            return
        self.waiting.append(await approve(self.house, issue, by="test", now=self.now))

    async def send_all(self) -> None:
        self.now += timedelta(hours=1)
        for issue in self.waiting:
            await self._preview_is_the_mail(issue)
            await send(self.house, issue, clock=lambda: self.now)
        self.waiting.clear()

    async def cancel_half_sent(self) -> None:
        """Call off what waits when one of its mails has left."""
        for issue in self.waiting:
            left: list[Outcome] = []
            await send(
                self.house,
                issue,
                clock=lambda: self.now,
                watch=left.append,
                should_stop=partial(bool, left),
            )
            async with self.house.store.read() as session:
                now = await issues.get(session, issue.id)
            if now.state is not IssueState.SENT:
                await cancel(self.house, now, reason="wrong", by="test", now=self.now)
        self.waiting.clear()

    async def _preview_is_the_mail(self, issue: Issue) -> None:
        """Each reader's preview has the very text that will be sent."""
        async with self.house.store.read() as session:
            rows = await deliveries.of_issue(session, issue.id, states=(DeliveryState.QUEUED,))
            frozen = await renderings.of_issue(session, issue.id)
            readers = await subscribers.of_ids(session, KEY, [row.subscriber_id for row in rows])
        for row in rows:
            if row.choice in frozen:
                message = await message_for(self.house, issue, readers[row.subscriber_id])
                assert titles_in(message.text) == titles_in(frozen[row.choice].text)

    def mails(self) -> dict[str, list[list[str]]]:
        """The titles in each mail, by reader."""
        found: dict[str, list[list[str]]] = defaultdict(list)
        for file in self.outbox.glob("*.eml"):
            mail = message_from_bytes(file.read_bytes(), policy=policy.default)
            body = mail.get_body(("plain",))
            assert body is not None
            found[mail["To"]].append(titles_in(body.get_content()))
        return found


def title_of(number: int) -> str:
    """Words that no other title has."""
    letters = (
        hashlib.sha256(str(number).encode()).hexdigest().translate(str.maketrans("0123456789", "ghijklmnop"))
    )
    return f"T{abs(number)}x {letters[:7]} {letters[8:16]} {letters[17:24]}"


def titles_in(text: str) -> list[str]:
    return sorted(set(re.findall(r"^(?:\* )?(T\d+x)\b", text, re.MULTILINE)))


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the newest schema and one source."""
    file = tmp_path_factory.mktemp("empty") / "digest.db"

    async def make() -> None:
        async with Store(f"sqlite:///{file}") as store:
            await schema.upgrade(store)
            async with store.begin() as session:
                source = Source(url="https://s.example/feed", title="S", section="news")
                await sources.add(session, [source], now=NOW)

    asyncio.run(make())
    return file


def acts() -> st.SearchStrategy[list[tuple[object, ...]]]:
    """What may happen, in any order; issues happen more often than the rest."""
    who = st.integers(0, READERS - 1)
    issue = st.tuples(st.just("weekly"), st.integers(1, 3))
    act = st.one_of(
        issue,
        issue,
        st.tuples(st.just("monthly")),
        st.tuples(st.just("send")),
        st.tuples(st.just("half")),
        st.tuples(st.just("cadence"), who, st.sampled_from(Cadence)),
        st.tuples(st.just("topics"), who, st.sampled_from([(), ("odd",), ("even", "gone"), ("gone",)])),
        st.tuples(st.just("pause"), who, st.integers(0, 5)),
        st.tuples(st.just("state"), who, st.sampled_from([CONFIRMED, LEFT])),
        st.tuples(st.just("later"), st.integers(1, 10)),
    )
    return st.lists(act, min_size=4, max_size=10)


async def play(room: Newsroom, history: list[tuple[object, ...]]) -> None:
    """Do the acts; in the end everything goes out, and one more issue of each kind."""
    await room.set(0)
    for act in [*history, ("send",), ("weekly", 1), ("send",), ("monthly",), ("send",)]:
        match act:
            case ("weekly", int(count)):
                await room.weekly(count)
            case ("monthly",):
                await room.monthly()
            case ("send",):
                await room.send_all()
            case ("half",):
                await room.cancel_half_sent()
            case ("cadence", int(who), cadence):
                await room.set(who, cadence=cadence)
            case ("topics", int(who), topics):
                await room.set(who, topics=topics)
            case ("pause", int(who), int(weeks)):
                await room.set(who, paused_until=room.now + weeks * WEEK if weeks else None)
            case ("state", int(who), state):
                await room.set(who, state=state)
            case ("later", int(days)):
                room.now += timedelta(days=days)


async def require_whole_sums(room: Newsroom) -> None:
    """Who was passed over for the month's issue is sent that one, or it is their own doing."""
    async with room.house.store.read() as session:
        every = [one for one in await issues.all_of(session, KEY) if one.approved_at]
        rows = {one.id: await deliveries.of_issue(session, one.id) for one in every}
    months = [one for one in every if one.cadence is MONTHLY and one.state is IssueState.SENT]
    for part in every:
        if part.cadence is MONTHLY or part.state is not IssueState.SENT or part.approved_at is None:
            continue
        covers = [m for m in months if m.content.since < part.approved_at <= m.content.until]
        assert len(covers) == any(m.content.until >= part.approved_at for m in months)
        for row in rows[part.id]:
            if row.reason != GETS_MONTHLY:
                assert row.state is DeliveryState.SENT or row.reason in THEIR_OWN, row
            elif covers:
                (later,) = [one for one in rows[covers[0].id] if one.subscriber_id == row.subscriber_id]
                assert later.state is DeliveryState.SENT or later.reason in THEIR_OWN, later


@asynccontextmanager
async def open_room(folder: Path) -> AsyncIterator[Newsroom]:
    """A newsletter without caps, so that all that is told can be asked for, in a database that is there."""
    topics = {
        "odd": {"label": "Odd", "words": [f"T{number}x" for number in range(1, 20, 2)]},
        "even": {"label": "Even", "words": [f"T{number}x" for number in range(2, 20, 2)]},
    }
    no_caps = {"max_per_source": 50, "max_stories": 100, "topics": topics}
    smtp = {"url": f"file://{folder / 'outbox'}", "connections": 1}
    chosen = settings_for(
        f"sqlite:///{folder / 'digest.db'}", folder / "outbox", newsletter=no_caps, smtp=smtp
    )
    async with open_house(chosen, log=Log(StringIO())) as house:
        yield Newsroom(house=house, outbox=folder / "outbox")


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=acts())
def test_in_no_history_is_a_story_sent_twice_or_lost_without_a_word(
    empty: Path, history: list[tuple[object, ...]]
) -> None:
    with tempfile.TemporaryDirectory() as name:
        asyncio.run(_tell(empty, Path(name), history))


async def _tell(empty: Path, folder: Path, history: list[tuple[object, ...]]) -> None:
    shutil.copy(empty, folder / "digest.db")
    async with open_room(folder) as room:
        await play(room, history)
        for reader, mails in room.mails().items():
            counts = Counter(title for mail in mails for title in mail)
            twice = [title for title, count in counts.items() if count > 1]
            assert not twice, (reader, mails)
        await require_whole_sums(room)


@pytest.fixture
async def room(empty: Path, tmp_path: Path) -> AsyncIterator[Newsroom]:
    shutil.copy(empty, tmp_path / "digest.db")
    async with open_room(tmp_path) as opened:
        yield opened


async def test_a_monthly_reader_gets_the_month_in_one_mail(room: Newsroom) -> None:
    await room.set(0)
    await room.set(1, cadence=MONTHLY)
    await play(room, [("weekly", 2), ("later", 7), ("weekly", 2), ("later", 7)])

    mails = room.mails()
    assert sorted(mails["reader1@example.org"]) == [["T1x", "T2x", "T3x", "T4x", "T5x"]]
    assert len(mails["reader0@example.org"]) == 3


async def test_topics_hold_in_the_months_issue_and_beside_what_was_had(room: Newsroom) -> None:
    await room.set(0, cadence=MONTHLY, topics=("odd",))
    await room.set(1, topics=("even",))
    await play(room, [("weekly", 2), ("send",), ("cadence", 1, MONTHLY), ("later", 7), ("weekly", 2)])

    mails = room.mails()
    assert mails["reader0@example.org"] == [["T1x", "T3x", "T5x"]]
    assert sorted(mails["reader1@example.org"]) == [["T2x"], ["T4x"]]


async def test_who_widens_their_topics_gets_in_the_months_issue_what_their_copies_left_out(
    room: Newsroom,
) -> None:
    await room.set(0, topics=("odd",))
    await room.set(1)
    await play(room, [("weekly", 3), ("send",), ("topics", 0, ()), ("cadence", 0, MONTHLY), ("later", 7)])

    assert sorted(room.mails()["reader0@example.org"]) == [["T1x", "T3x"], ["T2x", "T4x"]]


async def test_who_chooses_other_sections_gets_what_an_issue_called_off_half_sent_kept_from_them(
    room: Newsroom,
) -> None:
    await room.set(0, sections=("learnings",))
    async with room.house.store.begin() as session:
        placed = Decision(
            newsletter=KEY,
            kind=DecisionKind.SECTION,
            urls=("https://s.example/1",),
            answer="learnings",
            words="T1x",
            by="test",
            at=NOW,
        )
        await decisions.keep(session, placed)
    await room.set(1)
    await room.weekly(2)
    await room.cancel_half_sent()
    await room.set(0, sections=())
    await play(room, [])

    assert sorted(room.mails()["reader0@example.org"]) == [["T1x"], ["T2x", "T3x"]]


async def test_who_goes_over_to_monthly_gets_of_the_month_only_what_they_had_not(room: Newsroom) -> None:
    await play(room, [("weekly", 2), ("send",), ("cadence", 0, MONTHLY), ("later", 7), ("weekly", 2)])

    assert sorted(room.mails()["reader0@example.org"]) == [["T1x", "T2x"], ["T3x", "T4x", "T5x"]]


async def test_who_goes_over_to_weekly_gets_in_the_months_issue_what_they_passed_over(room: Newsroom) -> None:
    await room.set(0, cadence=MONTHLY)
    await play(room, [("weekly", 2), ("send",), ("cadence", 0, WEEKLY), ("later", 7), ("weekly", 2)])

    assert sorted(room.mails()["reader0@example.org"]) == [["T1x", "T2x"], ["T3x", "T4x"], ["T5x"]]


async def test_a_pause_skips_issues_with_its_reason_and_ends_by_itself(room: Newsroom) -> None:
    await room.set(0)
    await play(room, [("pause", 0, 2), ("weekly", 1), ("send",), ("later", 15), ("weekly", 1), ("send",)])

    assert sorted(room.mails()["reader0@example.org"]) == [["T2x"], ["T3x"]]
    async with room.house.store.read() as session:
        rows = await deliveries.of_reader(session, 1)
    assert [row.reason for row in rows if row.reason] == ["paused"]


async def test_a_pause_after_approval_holds_the_mail_back_as_leaving_does(room: Newsroom) -> None:
    await room.set(0)
    await play(room, [("weekly", 1), ("pause", 0, 9)])

    assert room.mails() == {}


async def test_what_a_half_sent_issue_told_is_told_again_only_to_the_others(room: Newsroom) -> None:
    for number in range(READERS):
        await room.set(number)
    await play(room, [("weekly", 2), ("half",)])

    got = sorted(sorted(mails) for mails in room.mails().values())
    assert got == [[["T1x", "T2x"], ["T3x"]], [["T1x", "T2x", "T3x"]], [["T1x", "T2x", "T3x"]]]


async def test_no_edition_is_rendered_that_nobody_gets(room: Newsroom) -> None:
    for number in range(READERS):
        await room.set(number, cadence=MONTHLY)
    await play(room, [("weekly", 1), ("send",), ("cadence", 0, WEEKLY), ("weekly", 1), ("send",)])

    async with room.house.store.read() as session:
        (month,) = [one for one in await issues.all_of(session, KEY) if one.cadence is MONTHLY]
        editions = await renderings.of_issue(session, month.id)
        made = await session.scalar(text("SELECT count(*) FROM rendering"))
    assert sorted(editions) == ["", "!2!3"]
    assert made == 5
