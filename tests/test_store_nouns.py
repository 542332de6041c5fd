"""Sources, articles, issues, readers and leases as the database keeps them."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from conftest import KEY, NOW
from digest.domain import (
    Article,
    DeliveryState,
    Event,
    Issue,
    IssueState,
    Notice,
    Rendered,
    Source,
    SourceKind,
    Subscriber,
    Subscription,
    SubscriptionState,
)
from digest.errors import WrongStateError
from digest.store import Store, articles, issues, leases, notices, renderings, sources, subscribers
from test_store_ledger import issue_to_save as issue_on_its_way


def draft_to_save() -> Issue:
    return replace(issue_to_save(), state=IssueState.DRAFT)


async def one_source(store: Store) -> Source:
    async with store.begin() as session:
        await sources.add(session, [Source(url="https://a.example/feed", title="A")], now=NOW)
        return (await sources.all_of(session))[0]


def article(source: Source, number: int, **changes: object) -> Article:
    url = f"https://a.example/{number}"
    plain = Article(
        source_id=source.id, guid=url, url=url, canonical_url=url, title=f"Title {number}", seen_at=NOW
    )
    return replace(plain, **changes)  # type: ignore[arg-type]  # the tests name real fields


async def test_a_source_comes_back_as_it_was_stored(store: Store) -> None:
    source = Source(
        url="https://b.example/cal.ics",
        title="Kalender – 暦",
        kind=SourceKind.CALENDAR,
        section="events",
        newsletters=(KEY,),
        weight=1.5,
        enabled=False,
        note="once a year",
    )

    async with store.begin() as session:
        assert await sources.add(session, [source, source], now=NOW) == 1
        assert await sources.add(session, [source], now=NOW) == 0
        (stored,) = await sources.all_of(session)

    assert replace(stored, id=0, added_at=None) == source


async def test_a_source_that_moves_onto_a_known_address_keeps_its_own(store: Store) -> None:
    async with store.begin() as session:
        pair = [Source(url="https://a.example/1", title="A"), Source(url="https://a.example/2", title="B")]
        await sources.add(session, pair, now=NOW)
        first, second = await sources.all_of(session)
        await sources.save(session, replace(second, url=first.url, etag='"x"'))
        _first, after = await sources.all_of(session)

    assert (after.url, after.etag) == ("https://a.example/2", '"x"')


def issue_to_save() -> Issue:
    """A draft."""
    return replace(issue_on_its_way(), state=IssueState.DRAFT)


async def test_articles_are_stored_once_and_revised_in_place(store: Store) -> None:
    source = await one_source(store)
    later = NOW + timedelta(days=1)
    async with store.begin() as session:
        first = await articles.save(session, [article(source, 1), article(source, 2)], now=NOW)
        again = await articles.save(session, [article(source, 1, seen_at=later)], now=later)
        changed = await articles.save(session, [article(source, 1, title="New", seen_at=later)], now=later)
        found = await articles.candidates(session, since=NOW, until=NOW + timedelta(seconds=1))

    assert (first.new, again.new, again.revised, changed.revised) == (2, 0, 0, 1)
    assert sorted(one.title for one in found) == ["New", "Title 2"]


async def test_a_feed_with_new_guids_at_every_fetch_adds_nothing(store: Store) -> None:
    source = await one_source(store)
    async with store.begin() as session:
        await articles.save(session, [article(source, 1, guid="g1")], now=NOW)
        again = await articles.save(session, [article(source, 1, guid="g2")], now=NOW)

    assert again.new == 0


async def test_a_guid_that_is_given_to_a_new_article_hides_none(store: Store) -> None:
    source = await one_source(store)
    old = article(source, 1, guid="1", title="A harbour opens")
    edited = article(source, 2, guid="1", title="A harbour opens at last")
    new = article(source, 3, guid="1", title="Snow closes every school")
    async with store.begin() as session:
        saved = [await articles.save(session, [one], now=NOW) for one in (old, edited, new, new)]
        retold = replace(new, title="Snow closes every school and shop")
        saved.append(await articles.save(session, [retold], now=NOW))
        found = await articles.candidates(session, since=NOW, until=NOW + timedelta(seconds=1))

    assert [(one.new, one.revised) for one in saved] == [(1, 0), (0, 1), (1, 0), (0, 0), (0, 1)]
    assert sorted(one.title for one in found) == [
        "A harbour opens at last",
        "Snow closes every school and shop",
    ]


async def test_calendar_entries_with_one_address_are_all_kept(store: Store) -> None:
    source = await one_source(store)
    event = Event(starts_at=NOW + timedelta(days=3), zone="Europe/Copenhagen", place="Aarhus")
    pair = [article(source, 1, guid=f"uid{n}", title="Meetup", event=event) for n in range(2)]
    async with store.begin() as session:
        saved = await articles.save(session, pair, now=NOW)
        found = await articles.candidates(session, since=NOW, until=NOW + timedelta(seconds=1))

    assert saved.new == 2
    assert {one.event for one in found} == {event}


async def test_the_window_holds_its_start_and_not_its_end(store: Store) -> None:
    source = await one_source(store)
    async with store.begin() as session:
        await articles.save(session, [article(source, 1), article(source, 2, is_backlog=True)], now=NOW)
        at_start = await articles.candidates(session, since=NOW, until=NOW + timedelta(days=7))
        at_end = await articles.candidates(session, since=NOW - timedelta(days=7), until=NOW)

    assert [one.title for one in at_start] == ["Title 1"]
    assert at_end == ()


async def test_hostile_text_is_kept_as_text(store: Store) -> None:
    source = await one_source(store)
    title = "'); DROP TABLE article; -- {{ 7*7 }} <script>"
    async with store.begin() as session:
        await articles.save(session, [article(source, 1, title=title)], now=NOW)
        (found,) = await articles.candidates(session, since=NOW, until=NOW + timedelta(days=7))

    assert found.title == title


async def test_a_draft_made_again_replaces_the_draft_and_counts_its_revision(store: Store) -> None:
    async with store.begin() as session:
        first = await issues.save_draft(session, draft_to_save(), now=NOW)
        same = await issues.save_draft(session, draft_to_save(), now=NOW)
        content = replace(first.content, note="Read this first.")
        other = await issues.save_draft(session, replace(draft_to_save(), content=content), now=NOW)

    assert (first.id, same.id, other.id) == (first.id,) * 3
    assert (first.revision, same.revision, other.revision) == (1, 1, 2)
    assert other.content == content
    assert other.hash == content.digest()


async def test_an_approved_issue_is_not_drafted_over(store: Store) -> None:
    async with store.begin() as session:
        issue = await issues.save_draft(session, draft_to_save(), now=NOW)
        await issues.move(session, issue, IssueState.APPROVED, approved_at=NOW)

        with pytest.raises(WrongStateError, match="is approved"):
            await issues.save_draft(session, draft_to_save(), now=NOW)


async def test_of_two_that_approve_at_once_one_is_refused(store: Store) -> None:
    async with store.begin() as session:
        issue = await issues.save_draft(session, draft_to_save(), now=NOW)

    async def approve() -> bool:
        try:
            async with store.begin() as session:
                await issues.move(session, issue, IssueState.APPROVED)
        except WrongStateError:
            return False
        return True

    assert sorted(await asyncio.gather(approve(), approve(), approve())) == [False, False, True]


async def test_a_move_that_makes_no_sense_is_refused(store: Store) -> None:
    async with store.begin() as session:
        issue = await issues.save_draft(session, draft_to_save(), now=NOW)

        with pytest.raises(WrongStateError, match="is draft: it cannot become sent"):
            await issues.move(session, issue, IssueState.SENT)


async def test_what_was_approved_comes_back_byte_for_byte(store: Store) -> None:
    rendered = Rendered(subject="S – 題", preheader="p", html="<p>\ue000é\r\n</p>", text="t\n")
    async with store.begin() as session:
        issue = await issues.save_draft(session, draft_to_save(), now=NOW)
        await renderings.freeze(session, issue.id, {"": rendered, "events": rendered})

        assert await renderings.of_issue(session, issue.id) == {"": rendered, "events": rendered}


async def test_a_reader_is_one_person_however_often_they_sign_up(store: Store) -> None:
    async with store.begin() as session:
        first = await subscribers.add(session, Subscriber(email="a@b.example"), email_hash="h", now=NOW)
        again = await subscribers.add(session, Subscriber(email="A@b.example"), email_hash="h", now=NOW)
        confirmed = Subscription(
            subscriber=first,
            newsletter=KEY,
            state=SubscriptionState.CONFIRMED,
            sections=("news", "events"),
            requested_at=NOW,
            confirmed_at=NOW,
        )
        await subscribers.save(session, confirmed)
        stored = await subscribers.subscription(session, KEY, again.id)
        choices = await subscribers.choices(session, KEY)

    assert first == again
    assert stored == replace(confirmed, sections=("events", "news"))
    assert choices == ("", "events,news")


async def test_a_notice_is_queued_once_a_key_and_claimed_once(store: Store) -> None:
    notice = Notice(
        key="confirm:1",
        name="confirm",
        newsletter=KEY,
        recipient="a@b.example",
        subscriber_id=1,
        created_at=NOW,
        due_at=NOW,
    )
    async with store.begin() as session:
        assert await notices.add(session, notice)
        assert not await notices.add(session, notice)
        claimed = await notices.claim(session, limit=5, lease=timedelta(minutes=1), now=NOW)
        again = await notices.claim(session, limit=5, lease=timedelta(minutes=1), now=NOW)
        after_a_crash = await notices.claim(
            session, limit=5, lease=timedelta(minutes=1), now=NOW + timedelta(minutes=2)
        )

    assert [one.key for one in claimed] == ["confirm:1"]
    assert again == ()
    assert [one.attempts for one in after_a_crash] == [2]


async def test_notices_are_claimed_the_longest_due_first_whatever_they_wait_for(store: Store) -> None:
    minute = timedelta(minutes=1)

    def notice(number: int) -> Notice:
        return Notice(
            key=str(number),
            name="confirm",
            newsletter=KEY,
            recipient="a@b.example",
            subscriber_id=number,
            created_at=NOW,
            due_at=NOW + number * minute,
        )

    async with store.begin() as session:
        await notices.add_all(session, [notice(number) for number in range(6)])
        put_off, lost, held = await notices.claim(session, limit=3, lease=minute, now=NOW + 2 * minute)
        await notices.settle(
            session, put_off, DeliveryState.DEFERRED, reply="450 later", due_at=NOW + 4 * minute
        )
        await notices.settle(session, held, DeliveryState.SENT, reply="250 ok", due_at=None)
        due = [
            one.key
            for _ in range(3)
            for one in await notices.claim(session, limit=2, lease=9 * minute, now=NOW + 4 * minute)
        ]

    assert lost.key == "1"
    assert due[:2] == ["1", "3"]
    assert sorted(due[2:]) == ["0", "4"]


async def test_a_lease_has_one_holder_until_it_runs_out(store: Store) -> None:
    minute = timedelta(minutes=1)

    async def take(holder: str, now: datetime) -> bool:
        async with store.begin() as session:
            return await leases.take(session, "gather", holder, life=minute, now=now)

    assert await take("a", NOW)
    assert not await take("b", NOW)
    assert await take("a", NOW + minute / 2)
    assert not await take("b", NOW + minute)
    assert await take("b", NOW + minute * 2)
    async with store.begin() as session:
        await leases.release(session, "gather", "a")
        assert await leases.holder(session, "gather", now=NOW + minute * 2) == "b"


async def test_times_come_back_aware_whatever_zone_they_had(store: Store) -> None:
    local = datetime.fromisoformat("2026-08-21T20:00:00+02:00")
    async with store.begin() as session:
        await sources.add(session, [Source(url="https://a.example", title="A", added_at=local)], now=NOW)
        (stored,) = await sources.all_of(session)

    assert stored.added_at == local
    assert stored.added_at is not None
    assert stored.added_at.tzinfo is UTC


async def test_an_erased_readers_id_is_never_given_to_another(store: Store) -> None:
    async with store.begin() as session:
        first = await subscribers.add(session, Subscriber(email="a@b.example"), email_hash="a", now=NOW)
        await subscribers.erase(session, first.id)
        second = await subscribers.add(session, Subscriber(email="b@b.example"), email_hash="b", now=NOW)

    assert second.id > first.id


async def test_readers_are_counted_by_state_and_the_barred_apart(store: Store) -> None:
    async with store.begin() as session:
        for number, state in enumerate((*["confirmed"] * 3, "pending", "left")):
            person = Subscriber(email=f"r{number}@example.org")
            who = await subscribers.add(session, person, email_hash=f"hash{number}", now=NOW)
            there = Subscription(
                subscriber=who, newsletter=KEY, state=SubscriptionState(state), requested_at=NOW
            )
            await subscribers.save(session, there)
        await subscribers.suppress(session, "hash1", "complaint", "", now=NOW)

        assert await subscribers.counts(session, KEY) == {
            "confirmed": 2,
            "suppressed": 1,
            "pending": 1,
            "left": 1,
        }
