"""What readers are told in each state: the table of the reader pages, row by row."""

import re
from collections.abc import Awaitable, Callable
from datetime import timedelta

import aiohttp
import pytest

from conftest import KEY, NOW
from digest import subscribe
from digest.domain import SubscriptionState
from digest.store import notices, schema, subscribers
from websites import ADA, Answer, Website, website

__all__ = ["website"]

HOME, SUBSCRIBE = f"/n/{KEY}", f"/n/{KEY}/subscribe"
FORM = [("email", ADA), ("form", "page"), ("sections", "news"), ("sections", "events")]
DAY = timedelta(days=1)


async def sign_up_page(site: Website) -> Answer:
    return await site.get(HOME)


async def submitted(site: Website) -> Answer:
    return await site.follow(await site.post(SUBSCRIBE, FORM))


async def empty_field(site: Website) -> Answer:
    return await site.post(SUBSCRIBE, [("email", ""), *FORM[1:]])


async def bad_address(site: Website) -> Answer:
    return await site.post(SUBSCRIBE, [("email", "ada at example"), *FORM[1:]])


async def typo(site: Website) -> Answer:
    return await site.post(SUBSCRIBE, [("email", "ada@gmial.com"), *FORM[1:]])


async def no_section(site: Website) -> Answer:
    return await site.post(SUBSCRIBE, FORM[:2])


async def again_too_soon(site: Website) -> Answer:
    page = await submitted(site)
    sealed = re.findall(r'name="again" value="([^"]+)"', page.text)[0]
    return await site.post(SUBSCRIBE, {"again": sealed})


async def too_many(site: Website) -> Answer:
    for number in range(10):
        assert (await site.post(SUBSCRIBE, {"email": f"reader{number}@example.org"})).status == 303
    return await site.post(SUBSCRIBE, FORM)


async def confirm_page(site: Website) -> Answer:
    return await site.get(site.path("confirm", await site.pending()))


async def confirm(site: Website) -> Answer:
    return await site.follow(await site.post(site.path("confirm", await site.pending())))


async def confirm_twice(site: Website) -> Answer:
    path = site.path("confirm", await site.pending())
    first = await site.follow(await site.post(path))
    site.now += 9 * DAY
    second = await site.follow(await site.post(path))
    assert "21 August 2026" in second.text
    assert first.heading == second.heading
    return second


async def too_old(site: Website) -> Answer:
    there = await site.pending()
    site.now += 8 * DAY
    assert (await site.post(site.path("confirm", there))).status == 410
    return await site.get(site.path("confirm", there))


async def a_new_one(site: Website) -> Answer:
    there = await site.pending()
    site.now += 8 * DAY
    return await site.follow(await site.post(site.path("confirm", there, tail="/resend")))


async def broken_link(site: Website) -> Answer:
    return await site.get(site.path("confirm", await site.pending())[:-3])


async def not_me(site: Website) -> Answer:
    there = await site.pending()
    page = await site.get(site.path("confirm", there))
    sealed = re.findall(r'name="address" value="([^"]+)"', page.text)[0]
    path = site.path("confirm", there, tail="/not-me")
    await site.post(path, {"address": sealed})
    return await site.post(path, {"address": sealed})


async def never_again(site: Website) -> Answer:
    page = await not_me(site)
    action, sealed = re.findall(r'action="([^"]+never-again)">\s*<input[^>]+value="([^"]+)"', page.text)[0]
    await site.post(action, {"address": sealed})
    return await site.post(action, {"address": sealed})


async def confirm_after_not_me(site: Website) -> Answer:
    there = await site.pending()
    await site.post(site.path("confirm", there, tail="/not-me"))
    return await site.post(site.path("confirm", there))


async def leave_page(site: Website) -> Answer:
    return await site.get(site.path("leave", await site.confirmed()))


async def leave(site: Website) -> Answer:
    return await site.post(site.path("leave", await site.confirmed()))


async def leave_twice(site: Website) -> Answer:
    there = await site.confirmed()
    site.now += timedelta(hours=1)
    first = await site.post(site.path("leave", there))
    site.now += timedelta(hours=2)
    second = await site.post(site.path("leave", there))
    assert first.body == second.body
    assert "21:00" in second.text
    return second


async def undo(site: Website) -> Answer:
    there = await site.left()
    site.now += DAY
    await site.post(site.path("undo", there))
    return await site.follow(await site.post(site.path("undo", there)))


async def undo_too_late(site: Website) -> Answer:
    there = await site.left()
    site.now += 8 * DAY
    return await site.post(site.path("undo", there))


async def preferences(site: Website) -> Answer:
    return await site.get(site.path("preferences", await site.confirmed()))


async def saved(site: Website) -> Answer:
    path = site.path("preferences", await site.confirmed())
    await site.post(path, [("sections", "news")])
    answer = await site.follow(await site.post(path, [("sections", "events"), ("sections", "learnings")]))
    assert "Learnings and Events" in answer.text
    return answer


async def nothing_ticked(site: Website) -> Answer:
    return await site.post(site.path("preferences", await site.confirmed()), {})


async def preferences_after_leaving(site: Website) -> Answer:
    return await site.get(site.path("preferences", await site.left()))


async def bar(site: Website, reason: str) -> str:
    there = await site.confirmed()
    async with site.house.store.begin() as session:
        barred = site.house.email_hash(ADA)
        await subscribers.suppress(session, barred, reason, "550 5.1.1 <no> such user", now=NOW)
    return site.path("preferences", there)


async def came_back(site: Website) -> Answer:
    return await site.get(await bar(site, "bounce"))


async def complained(site: Website) -> Answer:
    path = await bar(site, "complaint")
    return await site.follow(await site.post(f"{path}/try-again"))


async def tried_again(site: Website) -> Answer:
    path = await bar(site, "bounce")
    await site.post(f"{path}/try-again")
    return await site.follow(await site.post(f"{path}/try-again"))


async def unknown_newsletter(site: Website) -> Answer:
    return await site.get("/n/nothing-here")


async def wrong_method(site: Website) -> Answer:
    return await site.get(SUBSCRIBE)


async def busy(site: Website) -> Answer:
    there = await site.confirmed()
    await schema.downgrade(site.house.store, "base")
    assert (await site.get(site.path("leave", there))).status == 503
    answer = await site.post(SUBSCRIBE, FORM)
    assert f'name="email" value="{ADA}"' in answer.text
    return answer


TABLE: list[tuple[Callable[[Website], Awaitable[Answer]], int, str, str]] = [
    (
        sign_up_page,
        200,
        "The Week in AI",
        "One mail every Monday, edited by Mette Holm. Next: Monday",
    ),
    (submitted, 200, "Check your mail", f"If <b>{ADA}</b> can get this newsletter"),
    (empty_field, 422, "Check the address", "An address looks like name@example.org."),
    (bad_address, 422, "Check the address", 'value="ada at example"'),
    (typo, 422, "Check the address", "Did you mean gmail.com?"),
    (no_section, 422, "Nothing left to send", "Choose at least one section"),
    (again_too_soon, 429, "Please wait a little", "at most one confirmation a day"),
    (too_many, 429, "Please wait a little", "Try again in 1 hour"),
    (confirm_page, 200, "Confirm your sign-up", f"<b>{ADA}</b> gets The Week in AI every Monday"),
    (confirm, 200, "You are in", "Next issue: Monday 24 August 2026, 07:00 Copenhagen time"),
    (confirm_twice, 200, "You are in", "Since 21 August 2026"),
    (too_old, 410, "This link is too old", "Send a new one"),
    (a_new_one, 200, "Check your mail", ADA),
    (broken_link, 404, "This link is incomplete", "Mail programs sometimes cut links"),
    (not_me, 200, "Nothing will be sent", "Never again"),
    (never_again, 200, "Nothing will be sent", "The address is barred"),
    (confirm_after_not_me, 410, "This address is not here any more", "has been deleted"),
    (leave_page, 200, "Leave The Week in AI?", "<b>a…@example.org</b>"),
    (leave, 200, "You have left", "may still arrive"),
    (leave_twice, 200, "You have left", '<button class="quiet">Undo</button>'),
    (undo, 200, "You are back", "As before: every Monday, all 3 sections"),
    (undo_too_late, 410, "This link is too old", "sign up again"),
    (preferences, 200, "Your preferences", "all 3 sections"),
    (saved, 200, "Saved", "Undo"),
    (nothing_ticked, 422, "Nothing left to send", "Choose one section, or"),
    (preferences_after_leaving, 200, "You have left", "Undo"),
    (came_back, 200, "We stopped because mail came back", "550 5.1.1 &lt;no&gt; such user"),
    (complained, 200, "We stopped sending", "told us to stop"),
    (tried_again, 200, "Your preferences", "all 3 sections"),
    (unknown_newsletter, 404, "There is nothing here", "no such newsletter"),
    (wrong_method, 405, "Not like this", "Go to The Week in AI"),
    (busy, 503, "One moment", f"<b>{ADA}</b> is kept"),
]


@pytest.mark.parametrize(("act", "status", "heading", "says"), TABLE, ids=[row[0].__name__ for row in TABLE])
async def test_a_page_says_what_the_state_is(
    website: Website, act: Callable[[Website], Awaitable[Answer]], status: int, heading: str, says: str
) -> None:
    answer = await act(website)

    assert (answer.status, answer.heading) == (status, heading)
    assert says in answer.text
    assert len(answer.body) < 15_000
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "<script" not in answer.text
    if act is not sign_up_page:
        assert (answer.headers["Cache-Control"], answer.headers["X-Robots-Tag"]) == ("no-store", "noindex")


async def test_every_state_of_an_address_gets_the_same_answer(website: Website) -> None:
    await website.confirmed("known@example.org")
    await website.left("gone@example.org")
    await website.pending("wait@example.org")
    async with website.house.store.begin() as session:
        barred = website.house.email_hash("barred@example.org")
        await subscribers.suppress(session, barred, "complaint", "", now=NOW)
    pages = set()

    for who in ("known", "gone", "wait", "barred", "fresh"):
        answer = await website.post(SUBSCRIBE, {"email": f"{who}@example.org"})
        page = await website.follow(answer)
        plain = re.sub(r'value="[^"]+"', "", page.text.replace(f"{who}@", "x@"))
        pages.add((answer.status, answer.body, page.status, plain))

    assert len(pages) == 1


async def test_a_sign_up_is_stored_with_its_evidence_and_wakes_the_sender(website: Website) -> None:
    await website.post(SUBSCRIBE, FORM, ip="198.51.100.9", User_Agent="A Browser")

    there = await subscribe.find(website.house, KEY, ADA)
    async with website.house.store.read() as session:
        (line,) = await subscribers.consents(session, there.subscriber.id)
    assert there.sections == ("events", "news")
    assert (line.action, line.ip, line.user_agent, line.form) == (
        "asked",
        "198.51.100.9",
        "A Browser",
        "page",
    )
    assert line.wording == (
        "2026-11: We send one mail to confirm it. No tracking, no sharing, one click to leave."
    )
    assert website.woken == [1]


async def test_the_address_stands_in_no_address_of_a_page(website: Website) -> None:
    answer = await website.post(SUBSCRIBE, FORM)

    assert "ada" not in answer.headers["Location"].lower()
    mixed = answer.headers["Location"][:-4] + "AAAA"
    assert "your address" in (await website.get(mixed)).text


async def test_a_robot_that_fills_the_trap_gets_the_page_and_leaves_no_trace(website: Website) -> None:
    answer = await website.post(SUBSCRIBE, [*FORM, ("leave-empty", "http://spam.example")])

    assert (await website.follow(answer)).heading == "Check your mail"
    async with website.house.store.read() as session:
        assert await notices.waiting(session) == 0


async def test_the_offer_is_taken_or_refused_by_a_press(website: Website) -> None:
    slip = [("email", "ada@gmial.com"), *FORM[1:]]

    assert (await website.post(SUBSCRIBE, slip)).status == 422
    assert (await website.post(SUBSCRIBE, [*slip, ("sure", "ada@gmial.com")])).status == 303

    assert (await subscribe.find(website.house, KEY, "ada@gmial.com")).sections == ("events", "news")


async def test_the_mail_can_be_asked_for_again_a_day_later(website: Website) -> None:
    page = await submitted(website)
    sealed = re.findall(r'name="again" value="([^"]+)"', page.text)[0]
    website.now += DAY

    answer = await website.post(SUBSCRIBE, {"again": sealed})

    assert (await website.follow(answer)).heading == "Check your mail"
    async with website.house.store.read() as session:
        assert await notices.waiting(session) == 2
    assert (await subscribe.find(website.house, KEY, ADA)).sections == ("events", "news")


@pytest.mark.parametrize("is_multipart", [False, True])
async def test_one_click_leaves_at_once_in_both_encodings(website: Website, is_multipart: bool) -> None:
    path = website.path("leave", await website.confirmed())
    body: object = {"List-Unsubscribe": "One-Click"}
    if is_multipart:
        body = aiohttp.FormData(body, default_to_multipart=True)  # type: ignore[arg-type]

    answer = await website.post(path, body)

    assert (answer.status, "Set-Cookie" in answer.headers) == (200, False)
    assert (await subscribe.find(website.house, KEY, ADA)).state is SubscriptionState.LEFT


async def test_a_link_for_one_thing_does_no_other(website: Website) -> None:
    there = await website.confirmed()
    leave = website.path("leave", there).rpartition("/")[2]

    for path in (
        f"/n/{KEY}/confirm/{leave}",
        f"/n/{KEY}/preferences/{leave}",
        f"/n/{KEY}/review/{leave}/approve",
    ):
        assert (await website.post(path, {"sections": "news"})).status == 404

    assert await subscribe.find(website.house, KEY, ADA) == there


async def test_whoever_has_confirmed_is_led_to_leave_and_told_nothing_untrue(website: Website) -> None:
    there = await website.confirmed()

    answer = await website.post(website.path("confirm", there, tail="/not-me"))

    assert "/leave/" in answer.headers["Location"]
    assert "Leave" in (await website.follow(answer)).heading


async def test_pace_pause_hour_and_zone_are_chosen_and_undone_in_one_press(website: Website) -> None:
    path = website.path("preferences", await website.confirmed())
    wanted = [
        ("sections", "news"),
        ("pace", "monthly"),
        ("pause", "4"),
        ("zone", "Asia/Tokyo"),
        ("hour", "7"),
    ]

    saved = await website.follow(await website.post(path, wanted))

    assert "once a month, held until 07:00, News." in saved.text
    assert "Paused until 18 September 2026" in saved.text
    assert '<option value="Asia/Tokyo" selected>' in saved.text
    undo = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', saved.text)
    assert ("pace", "weekly") in undo
    back = await website.follow(await website.post(path, undo))
    assert "every Monday, all 3 sections" in back.text
    assert '<option value="7" selected>' in saved.text
    assert "Paused" not in back.text


async def test_who_would_leave_can_go_over_to_monthly_or_pause_in_one_press(website: Website) -> None:
    there = await website.confirmed()
    path = website.path("preferences", there)
    page = await website.get(website.path("leave", there))

    assert re.findall(r"<button[^>]*>([^<]+)", page.text) == ["Leave", "Once a month", "Pause for four weeks"]
    monthly = await website.follow(await website.post(path, {"pace": "monthly", "keep": "sections"}))
    paused = await website.follow(await website.post(path, {"pause": "4", "keep": "sections"}))

    assert "once a month, all 3 sections" in monthly.text
    assert "Paused until" in paused.text
    assert "once a month" in paused.text


@pytest.mark.parametrize(
    "nonsense",
    [
        {"pace": "hourly"},
        {"pause": "-1"},
        {"hour": "24"},
        {"hour": "٧"},
        {"pause": "9" * 99},
        {"pause": "2026-13-01"},
        {"pause": "2026-01-01"},
    ],
)
async def test_nonsense_in_the_form_changes_nothing(website: Website, nonsense: dict[str, str]) -> None:
    path = website.path("preferences", await website.confirmed())

    answer = await website.follow(await website.post(path, {"keep": "sections"} | nonsense))

    assert answer.status == 200
    assert "every Monday, all 3 sections" in answer.text


async def test_the_pace_chosen_at_sign_up_is_the_readers(website: Website) -> None:
    await website.post(
        SUBSCRIBE, [("email", ADA), ("form", "page"), ("sections", "news"), ("pace", "monthly")]
    )

    async with website.house.store.read() as session:
        there = await subscribers.by_email(session, KEY, website.house.email_hash(ADA))
    assert there is not None
    assert there.cadence == "monthly"
