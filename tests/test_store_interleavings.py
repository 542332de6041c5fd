"""The ledger under whatever order of claims, crashes, outcomes, pauses and leaving hypothesis thinks of.

A small world on a real SQLite: two workers that send to a server which counts what it took, and one issue.
"""

import asyncio
import shutil
import tempfile
from collections import Counter
from collections.abc import Coroutine
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from conftest import KEY, NOW
from digest.domain import (
    FINAL_DELIVERY_STATES,
    Content,
    Delivery,
    DeliveryState,
    Issue,
    IssueSection,
    IssueState,
    Story,
    Subscriber,
    Subscription,
    SubscriptionState,
)
from digest.store import Store, deliveries, issues, leases, schema, subscribers

T = TypeVar("T")
READERS, EXCLUDED = 4, {"not confirmed": 1, "left": 1, "suppressed": 1}
CONNECTIONS = 2
LEASE = timedelta(minutes=20)
#: The longest that a server may be waited for.
DOT = timedelta(minutes=10)
PICKS = st.integers(0, 1)
#: What the server makes of a message, and whether we hear of it.
ANSWERS = st.sampled_from([DeliveryState.SENT, DeliveryState.DEFERRED, DeliveryState.FAILED])
POLICIES = st.sampled_from([DeliveryState.QUEUED, DeliveryState.UNCERTAIN])


@lru_cache(maxsize=1)
def template() -> Path:
    """A database with the newest schema, made once."""
    file = Path(tempfile.mkdtemp(prefix="digest-ledger-")) / "template.db"

    async def make() -> None:
        async with Store(f"sqlite:///{file}") as store:
            await schema.upgrade(store)

    asyncio.run(make())
    return file


class Ledger(RuleBasedStateMachine):
    """The world, and what must hold in it after every step."""

    @initialize()
    def begin(self) -> None:
        """An issue that is being sent; three of the audience are excluded from the start."""
        self.runner = asyncio.Runner()
        self.folder = tempfile.mkdtemp(prefix="digest-ledger-")
        shutil.copy(template(), f"{self.folder}/l.db")
        self.store = Store(f"sqlite:///{self.folder}/l.db")
        self.now = NOW
        #: Messages that the server took, by reader; and how often a crash left open whether it did.
        self.taken: Counter[int] = Counter()
        self.doubts: Counter[int] = Counter()
        self.claims: dict[str, dict[int, Delivery]] = {name: {} for name in "ab"}
        #: When each message in flight was handed over.
        self.handed: dict[str, dict[int, datetime]] = {name: {} for name in "ab"}
        self.dead: set[str] = set()
        self.barred: set[int] = set()
        self.state = IssueState.SENDING
        self.issue = self.do(self.fill())

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    async def fill(self) -> Issue:
        story = Story(key="a", section="news", title="A title", url="https://a.example/1")
        section = IssueSection(key="news", label="News", stories=(story,))
        content = Content(newsletter=KEY, number=1, since=NOW, until=NOW, sections=(section,))
        states = [SubscriptionState.CONFIRMED] * (READERS + 1) + [
            SubscriptionState.PENDING,
            SubscriptionState.LEFT,
        ]
        async with self.store.begin() as session:
            for number, state in enumerate(states):
                who = await subscribers.add(
                    session, Subscriber(email=f"r{number}@example.org"), email_hash=f"h{number}", now=NOW
                )
                there = Subscription(subscriber=who, newsletter=KEY, state=state, requested_at=NOW)
                await subscribers.save(session, there)
            await subscribers.suppress(session, f"h{READERS}", "complaint", "", now=NOW)
            draft = Issue(
                newsletter=KEY, number=1, period="p", state=IssueState.SENDING, due_at=NOW, content=content
            )
            issue = await issues.save_draft(session, draft, now=NOW)
            await deliveries.fan_out(session, issue, due_at=NOW, now=NOW)
            for name in "ab":
                await self.register(session, name)
        return issue

    async def register(self, session: Any, name: str) -> None:
        life = timedelta(seconds=90)
        await leases.take(session, deliveries.SENDER + name, name, life=life, now=self.now)

    def living(self) -> list[str]:
        return [name for name in "ab" if name not in self.dead]

    def ready(self) -> list[str]:
        """Those who may hand over a message."""
        return [
            name
            for name in self.living()
            if len(self.claims[name]) > len(self.handed[name]) and len(self.handed[name]) < CONNECTIONS
        ]

    def busy(self) -> list[str]:
        """Those with a message in flight."""
        return [name for name in self.living() if self.handed[name]]

    @precondition(lambda self: self.living() and self.state is IssueState.SENDING)
    @rule(pick=PICKS, limit=st.integers(1, 4), begun=st.integers(0, CONNECTIONS))
    def work(self, pick: int, limit: int, begun: int) -> None:
        """A living worker claims, and begins with some of it at once."""
        self.claim(pick, limit)
        for _ in range(begun):
            if self.ready():
                self.hand(pick)

    def claim(self, pick: int, limit: int) -> None:
        """A living worker claims; who left or is barred by now is skipped at once."""
        name = self.living()[pick % len(self.living())]

        async def work() -> None:
            async with self.store.begin() as session:
                await self.register(session, name)
                got = await deliveries.claim(
                    session, self.issue.id, limit=limit, lease=LEASE, now=self.now, holder=name
                )
                for one in got:
                    if one.subscriber_id in self.barred:
                        await deliveries.settle(
                            session, one, DeliveryState.SKIPPED, now=self.now, reason="left"
                        )
                    else:
                        self.claims[name][one.id] = one

        self.do(work())

    @precondition(lambda self: self.ready())
    @rule(pick=PICKS)
    def hand(self, pick: int) -> None:
        """A worker stores the intent of its next message, and sends the dot if it may."""
        name = self.ready()[pick % len(self.ready())]
        waiting = [one for one in self.claims[name].values() if one.id not in self.handed[name]]

        async def work() -> bool:
            async with self.store.begin() as session:
                return await deliveries.hand(session, waiting[0], lease=LEASE, now=self.now)

        if self.do(work()):
            self.handed[name][waiting[0].id] = self.now
        else:
            del self.claims[name][waiting[0].id]

    @precondition(lambda self: self.busy())
    @rule(pick=PICKS, answer=ANSWERS)
    def hear(self, pick: int, answer: DeliveryState) -> None:
        """The server's answer to the oldest message in flight of a worker is stored."""
        self.listen(self.busy()[pick % len(self.busy())], answer)

    def listen(self, name: str, answer: DeliveryState) -> None:
        one = self.claims[name].pop(min(self.handed[name]))
        del self.handed[name][one.id]
        self.taken[one.subscriber_id] += answer is DeliveryState.SENT

        async def work() -> bool:
            async with self.store.begin() as session:
                return await deliveries.settle(
                    session, one, answer, now=self.now, due_at=self.now + timedelta(minutes=5)
                )

        # Nobody takes the intent of a living worker away within its lease.
        assert self.do(work())

    @precondition(lambda self: self.busy())
    @rule(pick=PICKS, arrived=st.booleans())
    def crash(self, pick: int, arrived: bool) -> None:
        """A worker dies; what it had handed over the server may have taken."""
        self.kill(self.busy()[pick % len(self.busy())], arrived)

    def kill(self, name: str, arrived: bool) -> None:
        self.dead.add(name)
        for key in self.handed[name]:
            reader = self.claims[name][key].subscriber_id
            self.doubts[reader] += 1
            self.taken[reader] += arrived
        self.claims[name], self.handed[name] = {}, {}

    @precondition(lambda self: self.dead or self.now > NOW)
    @rule(policy=POLICIES)
    def recover(self, policy: DeliveryState) -> None:
        """A new sender takes up what dead ones left, and they may come back as new processes."""

        async def work() -> None:
            async with self.store.begin() as session:
                await deliveries.recover(session, now=self.now, settle_as=policy, dead=self.dead)
                for name in self.dead:
                    await self.register(session, name)

        self.do(work())
        self.dead.clear()

    @rule(minutes=st.sampled_from([1, 2, 5]))
    def wait(self, minutes: int) -> None:
        """Time passes, and senders may be silent; but a server answers within the time of the dot."""
        self.now += timedelta(minutes=minutes)
        for name in "ab":
            while any(at < self.now - DOT for at in self.handed[name].values()) and name not in self.dead:
                self.listen(name, DeliveryState.SENT)

    @precondition(lambda self: len(self.barred) < 2)
    @rule(reader=st.integers(1, READERS), leaves=st.booleans())
    def go_away(self, reader: int, leaves: bool) -> None:
        """A reader leaves, or is suppressed."""

        async def work() -> None:
            async with self.store.begin() as session:
                if leaves:
                    there = await subscribers.subscription(session, KEY, reader)
                    assert there is not None
                    gone = Subscription(
                        subscriber=there.subscriber,
                        newsletter=KEY,
                        state=SubscriptionState.LEFT,
                        requested_at=NOW,
                    )
                    await subscribers.save(session, gone)
                else:
                    await subscribers.suppress(session, f"h{reader - 1}", "bounce", "", now=self.now)

        self.do(work())
        self.barred.add(reader)

    async def move(self, to: IssueState) -> None:
        async with self.store.begin() as session:
            await issues.move(session, await issues.get(session, self.issue.id), to)
            if to is not IssueState.SENDING:
                await deliveries.revoke(session, self.issue.id, now=self.now)
            if to is IssueState.CANCELLED:
                await deliveries.withdraw(session, self.issue.id, "issue cancelled", now=self.now)
        self.state = to

    @precondition(lambda self: self.state is IssueState.SENDING)
    @rule()
    def pause(self) -> None:
        """An operator stops it."""
        self.do(self.move(IssueState.PAUSED))

    @precondition(lambda self: self.state is IssueState.PAUSED)
    @rule()
    def resume(self) -> None:
        """An operator lets it go on."""
        self.do(self.move(IssueState.SENDING))

    @precondition(lambda self: self.state in {IssueState.SENDING, IssueState.PAUSED})
    @rule(sure=st.sampled_from([False] * 5 + [True]))
    def cancel(self, sure: bool) -> None:
        """An operator calls it off, which is rare."""
        if sure:
            self.do(self.move(IssueState.CANCELLED))

    @precondition(lambda self: self.state is not IssueState.CANCELLED)
    @rule()
    def retry(self) -> None:
        """An operator asks for another attempt of all that failed or is in doubt."""

        async def work() -> None:
            async with self.store.begin() as session:
                again = [DeliveryState.FAILED, DeliveryState.UNCERTAIN]
                await deliveries.retry(session, self.issue.id, again, now=self.now)

        self.do(work())

    async def rows(self) -> tuple[Delivery, ...]:
        async with self.store.read() as session:
            return await deliveries.of_issue(session, self.issue.id)

    @invariant()
    def nobody_is_lost_or_sent_it_twice(self) -> None:
        """The whole audience is there, and nobody has it more often than crashes leave open."""
        rows = self.do(self.rows())
        assert len(rows) == READERS + sum(EXCLUDED.values())
        assert all(one.reason for one in rows if one.state is DeliveryState.SKIPPED)
        for one in rows:
            taken, doubts = self.taken[one.subscriber_id], self.doubts[one.subscriber_id]
            assert taken <= 1 + doubts
            assert one.subscriber_id <= READERS or not taken
            if one.state is DeliveryState.SENT:
                assert taken
            elif taken > doubts:
                # It is on its way, and a living worker has the answer in its hands.
                raise AssertionError(f"{one} was taken {taken} times")

    def teardown(self) -> None:
        """At the end everybody has it who should, or the reason is known."""
        if not hasattr(self, "issue"):
            return
        for name in self.living():
            self.kill(name, arrived=False)
        self.now += timedelta(days=3)
        self.recover(DeliveryState.QUEUED)
        if self.state is IssueState.PAUSED:
            self.resume()
        for _ in range(2 * READERS):
            if self.state is IssueState.SENDING:
                self.claim(0, 4)
            while self.ready():
                self.hand(0)
                for name in self.busy():
                    self.listen(name, DeliveryState.SENT)
        try:
            self.look_at_the_end()
        finally:
            self.do(self.store.close())
            self.runner.close()
            shutil.rmtree(self.folder)

    def look_at_the_end(self) -> None:
        rows = self.do(self.rows())
        assert {one.state for one in rows} <= FINAL_DELIVERY_STATES or self.state is IssueState.CANCELLED
        for one in rows:
            if one.state in {DeliveryState.FAILED, DeliveryState.UNCERTAIN, DeliveryState.SKIPPED}:
                assert one.reason or one.state is DeliveryState.FAILED
            elif self.state is not IssueState.CANCELLED:
                assert self.taken[one.subscriber_id]


TestLedger = pytest.mark.timeout(300)(Ledger.TestCase)
TestLedger.settings = settings(
    max_examples=20, stateful_step_count=30, suppress_health_check=list(HealthCheck)
)
