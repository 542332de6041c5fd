from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import given
from hypothesis import strategies as st

from conftest import KEY, NOW, settings_for
from digest import subscribe
from digest.domain import Cadence, Notice, Subscription, SubscriptionState
from digest.errors import (
    AddressError,
    NotFoundError,
    TokenError,
    TokenExpiredError,
    UsageError,
    WrongStateError,
)
from digest.house import House, open_house
from digest.log import Log
from digest.store import notices, subscribers
from digest.subscribe import Evidence, Wishes
from digest.tokens import Purpose

ADA = "ada@example.org"
PAGE = Evidence(ip="192.0.2.7", user_agent="A Browser", form="page", wording="2026-11: one mail")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


async def ask(house: House, email: str = ADA, *, now: datetime = NOW, **more: tuple[str, ...]) -> None:
    await subscribe.sign_up(house, KEY, email, evidence=PAGE, now=now, **more)  # type: ignore[arg-type]


async def queued(house: House) -> list[Notice]:
    """Every notice that was ever queued; looking claims them for no time at all."""
    async with house.store.begin() as session:
        late = NOW + 1000 * DAY
        return list(await notices.claim(session, limit=999, lease=-DAY, now=late))


async def names(house: House) -> list[str]:
    return sorted(one.name for one in await queued(house))


def confirm_token(house: House, there: Subscription, made_at: datetime = NOW) -> str:
    return house.token(Purpose.CONFIRM, KEY, there.subscriber.id, made_at.replace(microsecond=0))


def own_token(house: House, there: Subscription, purpose: Purpose) -> str:
    return house.token(purpose, KEY, there.subscriber.id)


async def confirmed(house: House, email: str = ADA) -> Subscription:
    await ask(house, email)
    there = await subscribe.find(house, KEY, email)
    return await subscribe.confirm(house, KEY, confirm_token(house, there), evidence=PAGE, now=NOW + HOUR)


async def actions(house: House, there: Subscription) -> list[str]:
    async with house.store.read() as session:
        return [one.action for one in await subscribers.consents(session, there.subscriber.id)]


async def test_a_new_address_waits_and_is_sent_one_confirmation(house_on_each: House) -> None:
    house = house_on_each

    await ask(house, sections=("news",))

    there = await subscribe.find(house, KEY, "ADA@example.org")
    assert (there.state, there.sections) == (SubscriptionState.PENDING, ("news",))
    assert await names(house) == ["confirm"]
    assert await actions(house, there) == ["asked"]


async def test_a_choice_of_the_most_and_longest_sections_and_topics_is_kept(
    database_url: str, tmp_path: Path
) -> None:
    sections = [f"section-{'s' * 32}{number}" for number in range(8)]
    topics = [f"topic-{'t' * 8}{number:02}" for number in range(12)]
    newsletter = {
        "sections": [{"key": one, "label": one} for one in sections],
        "topics": {one: {"label": one, "words": [one]} for one in topics},
    }
    settings = settings_for(database_url, tmp_path / "outbox", newsletter=newsletter)
    async with open_house(settings, log=Log(StringIO())) as house:
        there = await confirmed(house)
        wishes = Wishes(sections=sections[1:], topics=topics[1:])

        await subscribe.choose(
            house, KEY, own_token(house, there, Purpose.PREFERENCES), wishes, evidence=PAGE, now=NOW
        )

        found = await subscribe.find(house, KEY, ADA)
    assert (found.sections, found.topics) == (tuple(sections[1:]), tuple(topics[1:]))


async def test_the_token_in_the_mail_is_made_from_the_time_of_the_notice(house: House) -> None:
    await ask(house, now=NOW + timedelta(microseconds=987654))
    async with house.store.begin() as session:
        (notice,) = await notices.claim(session, limit=9, lease=HOUR, now=NOW + HOUR)
    token = house.token(Purpose.CONFIRM, KEY, notice.subscriber_id, notice.created_at)

    done = await subscribe.confirm(house, KEY, token, evidence=PAGE, now=NOW + HOUR)

    assert done.state is SubscriptionState.CONFIRMED


async def test_asking_again_within_a_day_sends_nothing_more_and_three_unanswered_mails_are_the_end(
    house: House,
) -> None:
    for hours in (0, 1, 23):
        await ask(house, now=NOW + hours * HOUR)
    assert len(await names(house)) == 1

    for days in range(1, 9):
        await ask(house, now=NOW + days * DAY + HOUR)

    assert await names(house) == ["confirm"] * 3


async def test_confirming_twice_is_one_welcome_and_the_same_since(house_on_each: House) -> None:
    house = house_on_each
    first = await confirmed(house)
    token = confirm_token(house, first)

    again = await subscribe.confirm(house, KEY, token, evidence=PAGE, now=NOW + 9 * DAY)

    assert again.confirmed_at == first.confirmed_at == NOW + HOUR
    assert await names(house) == ["confirm", "welcome"]
    assert await actions(house, first) == ["asked", "confirmed"]


async def test_somebody_who_is_confirmed_is_told_so_and_stays(house: House) -> None:
    there = await confirmed(house)

    await ask(house, now=NOW + DAY, sections=("events",))

    assert await names(house) == ["already", "confirm", "welcome"]
    assert await subscribe.find(house, KEY, ADA) == there


async def test_a_confirmation_over_seven_days_old_is_refused_and_can_be_had_again(
    house: House,
) -> None:
    await ask(house)
    there = await subscribe.find(house, KEY, ADA)
    late = NOW + timedelta(days=7, seconds=1)

    with pytest.raises(TokenExpiredError):
        await subscribe.confirm(house, KEY, confirm_token(house, there), evidence=PAGE, now=late)
    await subscribe.resend(house, KEY, confirm_token(house, there), evidence=PAGE, now=late)
    done = await subscribe.confirm(house, KEY, confirm_token(house, there, late), evidence=PAGE, now=late)

    assert done.state is SubscriptionState.CONFIRMED
    assert (await names(house)).count("confirm") == 2


async def test_a_token_for_something_else_confirms_nothing(house: House) -> None:
    await ask(house)
    there = await subscribe.find(house, KEY, ADA)

    for purpose in (Purpose.LEAVE, Purpose.PREFERENCES, Purpose.REVIEW):
        with pytest.raises(TokenError):
            await subscribe.confirm(house, KEY, own_token(house, there, purpose), evidence=PAGE, now=NOW)


async def test_leaving_twice_keeps_the_first_time_and_sends_nothing(house_on_each: House) -> None:
    house = house_on_each
    there = await confirmed(house)
    token = own_token(house, there, Purpose.LEAVE)

    first = await subscribe.leave(house, KEY, token, evidence=PAGE, now=NOW + 2 * HOUR)
    second = await subscribe.leave(house, KEY, token, evidence=PAGE, now=NOW + 3 * HOUR)

    assert first.state is second.state is SubscriptionState.LEFT
    assert first.left_at == second.left_at == NOW + 2 * HOUR
    assert await names(house) == ["confirm", "welcome"]


async def test_undo_brings_back_state_and_sections_for_seven_days(house: House) -> None:
    there = await confirmed(house)
    preferences, token = (own_token(house, there, one) for one in (Purpose.PREFERENCES, Purpose.LEAVE))
    await subscribe.choose(house, KEY, preferences, Wishes(sections=["news"]), evidence=PAGE, now=NOW + HOUR)
    await subscribe.leave(house, KEY, token, evidence=PAGE, now=NOW + DAY)

    back = await subscribe.undo(house, KEY, token, evidence=PAGE, now=NOW + 8 * DAY)
    again = await subscribe.undo(house, KEY, token, evidence=PAGE, now=NOW + 99 * DAY)

    assert (back.state, back.sections, back.left_at) == (SubscriptionState.CONFIRMED, ("news",), None)
    assert again == back
    await subscribe.leave(house, KEY, token, evidence=PAGE, now=NOW + 100 * DAY)
    with pytest.raises(TokenExpiredError):
        await subscribe.undo(house, KEY, token, evidence=PAGE, now=NOW + 108 * DAY)


async def test_who_left_stays_left_until_they_press_a_new_button(house: House) -> None:
    there = await confirmed(house)
    old = confirm_token(house, there)
    await subscribe.leave(
        house, KEY, own_token(house, there, Purpose.LEAVE), evidence=PAGE, now=NOW + 2 * HOUR
    )

    await ask(house, now=NOW + 3 * HOUR)

    assert (await subscribe.find(house, KEY, ADA)).state is SubscriptionState.LEFT
    assert (await names(house)).count("confirm") == 2
    with pytest.raises(TokenExpiredError):
        await subscribe.confirm(house, KEY, old, evidence=PAGE, now=NOW + 4 * HOUR)
    new = confirm_token(house, there, NOW + 3 * HOUR)
    done = await subscribe.confirm(house, KEY, new, evidence=PAGE, now=NOW + 4 * HOUR)
    assert (done.state, done.left_at) == (SubscriptionState.CONFIRMED, None)


async def test_a_suppressed_address_is_sent_nothing_and_if_unknown_not_stored(house: House) -> None:
    there = await confirmed(house)
    async with house.store.begin() as session:
        for email in (ADA, "gone@example.org"):
            await subscribers.suppress(session, house.email_hash(email), "complaint", "", now=NOW)
    before = await names(house)

    for email in (ADA, "gone@example.org"):
        await ask(house, email, now=NOW + 9 * DAY)

    assert await names(house) == before
    assert await actions(house, there) == ["asked", "confirmed", "asked"]
    with pytest.raises(NotFoundError):
        await subscribe.find(house, KEY, "gone@example.org")


async def test_not_me_deletes_the_address_everywhere_and_never_a_confirmed_reader(house: House) -> None:
    await ask(house)
    there = await subscribe.find(house, KEY, ADA)
    reader = await confirmed(house, "bo@example.org")

    assert await subscribe.forget(house, KEY, confirm_token(house, there), now=NOW)
    assert not await subscribe.forget(house, KEY, confirm_token(house, there), now=NOW)
    assert not await subscribe.forget(house, KEY, confirm_token(house, reader), now=NOW)

    with pytest.raises(NotFoundError):
        await subscribe.find(house, KEY, ADA)
    assert {one.recipient for one in await queued(house)} == {"bo@example.org"}
    with pytest.raises(NotFoundError):
        await subscribe.confirm(house, KEY, confirm_token(house, there), evidence=PAGE, now=NOW)


async def test_never_again_bars_the_address_but_not_a_reader(house: House) -> None:
    await confirmed(house, "bo@example.org")
    await ask(house)

    assert await subscribe.never_again(house, KEY, ADA, now=NOW)
    assert not await subscribe.never_again(house, KEY, "bo@example.org", now=NOW)

    await ask(house, now=NOW + 30 * DAY)
    assert {one.recipient for one in await queued(house)} == {"bo@example.org"}


async def test_choosing_every_section_is_stored_as_all_and_none_is_refused(house: House) -> None:
    there = await confirmed(house)
    token = own_token(house, there, Purpose.PREFERENCES)

    one = await subscribe.choose(
        house, KEY, token, Wishes(sections=["events", "nonsense"]), evidence=PAGE, now=NOW
    )
    every = await subscribe.choose(
        house, KEY, token, Wishes(sections=["news", "learnings", "events"]), evidence=PAGE, now=NOW
    )

    assert (one.sections, every.sections) == (("events",), ())
    for nothing in ([], ["nonsense"]):
        with pytest.raises(UsageError, match="Nothing left to send"):
            await subscribe.choose(house, KEY, token, Wishes(sections=nothing), evidence=PAGE, now=NOW)
    assert await actions(house, there) == ["asked", "confirmed", "changed", "changed"]


async def test_pace_pause_hour_and_zone_are_kept_and_what_is_not_asked_for_stays(house: House) -> None:
    there = await confirmed(house)
    token = own_token(house, there, Purpose.PREFERENCES)

    async def wish(**values: Any) -> Subscription:
        return await subscribe.choose(house, KEY, token, Wishes(**values), evidence=PAGE, now=NOW)

    await wish(sections=["news"])
    await wish(cadence=Cadence.MONTHLY)
    await wish(pause=2 * 7 * DAY)
    await wish(hour="7")
    done = await wish(zone="Asia/Tokyo")

    assert (done.sections, done.cadence, done.subscriber.zone) == (("news",), Cadence.MONTHLY, "Asia/Tokyo")
    assert done.paused_until == NOW + 14 * DAY
    assert [done.exclusion_at(NOW + days * DAY) for days in (13, 14)] == ["paused", ""]
    assert done.hour == 7
    assert (await wish(hour="")).hour is None
    with pytest.raises(UsageError, match="no hour 24"):
        await wish(hour="24")
    assert (await wish(pause=0 * DAY)).paused_until is None
    assert (await wish(pause=9999 * DAY)).paused_until == NOW + 366 * DAY
    with pytest.raises(UsageError, match="no time zone"):
        await wish(zone="Mars/Olympus")


async def test_a_newsletter_without_a_monthly_issue_gives_nobody_that_pace(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'digest.db'}"
    chosen = settings_for(database, tmp_path / "outbox", newsletter={"monthly": ""})
    async with open_house(chosen, log=Log(StringIO())) as house:
        there = await confirmed(house)
        token = own_token(house, there, Purpose.PREFERENCES)
        wishes = Wishes(cadence=Cadence.MONTHLY)

        done = await subscribe.choose(house, KEY, token, wishes, evidence=PAGE, now=NOW)

    assert done.cadence is Cadence.WEEKLY


async def test_the_operator_adds_with_a_mail_or_on_a_stated_ground(house: House) -> None:
    asked = await subscribe.add(house, KEY, ADA, now=NOW)
    with pytest.raises(UsageError, match="where their consent comes from"):
        await subscribe.add(house, KEY, "bo@example.org", confirmed=True, now=NOW)
    sure = await subscribe.add(house, KEY, "bo@example.org", confirmed=True, basis="met in May", now=NOW)

    assert (asked.state, sure.state) == (SubscriptionState.PENDING, SubscriptionState.CONFIRMED)
    assert await names(house) == ["confirm"]
    assert await actions(house, sure) == ["imported"]


async def test_the_operator_cannot_bring_back_who_left(house: House) -> None:
    await confirmed(house)
    await subscribe.leave_by_operator(house, KEY, ADA, now=NOW + DAY)

    with pytest.raises(WrongStateError, match="left on 22 August 2026"):
        await subscribe.add(house, KEY, ADA, confirmed=True, basis="they asked", now=NOW + 2 * DAY)


async def test_removing_deletes_the_person_and_twice_is_not_found(house: House) -> None:
    await confirmed(house)

    await subscribe.remove(house, KEY, ADA)

    assert await queued(house) == []
    with pytest.raises(NotFoundError):
        await subscribe.remove(house, KEY, ADA)


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "ada",
        "ada@",
        "@example.org",
        "ada@example",
        "ada@example.org\r\nBcc: all@example.org",
        "ada\x00@example.org",
        "ada>@example.org",
        "\ufffd\ufffd@example.org",
        "Ada <ada@example.org>",
        '"a b"@example.org',
        "ada@[192.0.2.1]",
        "ada@localhost",
        "ada@exam ple.org",
        "ada\u202e@example.org",
        "ada@example.org,bo@example.org",
        "a" * 65 + "@example.org",
        "a@" + "b" * 300 + ".org",
        "\ud800@example.org",
    ],
)
def test_what_is_no_address_is_one_clear_line(typed: str) -> None:
    with pytest.raises(AddressError, match=r"An address looks like name@example\.org\."):
        subscribe.normalise(typed)


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("Ada@Example.ORG", "Ada@example.org"),
        ("  ada@example.org\t", "ada@example.org"),
        ("ada+news@example.org", "ada+news@example.org"),
        ("ada@bu\u0308cher.example", "ada@bücher.example"),
        ("ada@xn--bcher-kva.example", "ada@bücher.example"),
        ("用户@例え.example", "用户@例え.example"),
    ],
)
def test_an_address_is_stored_in_one_form(typed: str, stored: str) -> None:
    assert subscribe.normalise(typed) == stored


@given(
    st.from_regex(r"[A-Za-z0-9!#$.+_'-]{0,66}", fullmatch=True),
    st.from_regex(r"[A-Za-z0-9._-]{1,20}(\.[a-z0-9-]{1,6}){0,3}", fullmatch=True),
)
def test_a_plain_address_is_judged_as_the_library_judges_it(local: str, domain: str) -> None:
    try:
        expected = validate_email(f"{local}@{domain}", check_deliverability=False, strict=True).normalized
    except EmailNotValidError:
        expected = ""

    try:
        found = subscribe.normalise(f"{local}@{domain}")
    except AddressError:
        found = ""

    assert found == expected


@pytest.mark.parametrize(
    ("typed", "offer"),
    [
        ("ada@gmial.com", "gmail.com"),
        ("ada@gmail.con", "gmail.com"),
        ("ada@hotmial.com", "hotmail.com"),
        ("ada@gmail,com", "gmail.com"),
        ("ada@gmail.com", ""),
        ("ada@mail.com", ""),
        ("ada@example.org", ""),
    ],
)
def test_a_common_slip_is_offered_and_never_corrected(typed: str, offer: str) -> None:
    assert subscribe.suggestion(typed) == offer


async def test_sign_ups_that_nobody_confirmed_are_forgotten_after_two_weeks(house: House) -> None:
    await confirmed(house, "bo@example.org")
    await ask(house)
    await ask(house, "cy@example.org")
    await ask(house, "cy@example.org", now=NOW + 13 * DAY)

    assert await subscribe.forget_unconfirmed(house, KEY, now=NOW + 14 * DAY) == 0
    assert await subscribe.forget_unconfirmed(house, KEY, now=NOW + 15 * DAY) == 1

    with pytest.raises(NotFoundError):
        await subscribe.find(house, KEY, ADA)
    assert (await subscribe.find(house, KEY, "cy@example.org")).state is SubscriptionState.PENDING


async def test_the_link_of_somebody_deleted_confirms_nobody_else(house: House) -> None:
    await ask(house, "first@example.org")
    old = confirm_token(house, await subscribe.find(house, KEY, "first@example.org"))
    await subscribe.forget(house, KEY, old, now=NOW)

    await ask(house, "second@example.org", now=NOW + HOUR)

    with pytest.raises((NotFoundError, TokenExpiredError)):
        await subscribe.confirm(house, KEY, old, evidence=PAGE, now=NOW + 2 * HOUR)
