"""What comes from outside: too much, garbled, hostile; and requests that must change nothing."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from sqlalchemy import event, text

from conftest import KEY, NOW, settings_for
from digest import subscribe
from digest.domain import IssueState, SubscriptionState
from digest.errors import NotFoundError, TokenError, TokenExpiredError
from digest.house import House, open_house
from digest.log import Log
from digest.tokens import Purpose
from digest.web.limits import Limits, block_of
from digest.web.seal import Sealer
from sample_issues import week
from websites import ADA, Website, serve, website

__all__ = ["website"]

SUBSCRIBE = f"/n/{KEY}/subscribe"
FORM = {"email": ADA, "form": "short"}


async def contents(house: House) -> list[str]:
    """Every row of every table."""
    async with house.store.engine.connect() as connection:
        names = await connection.scalars(
            text("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1")
        )
        return [
            f"{name} {tuple(row)}"
            for name in names.all()
            for row in await connection.execute(text(f'SELECT * FROM "{name}"'))
        ]


async def every_path(site: Website) -> list[str]:
    """A GET address of each page in each state."""
    pending, left = await site.pending("wait@example.org"), await site.left("gone@example.org")
    reader = await site.confirmed()
    story = next(story for story in week().stories if story.event)
    await site.issue(replace(week(), newsletter=KEY))
    draft = await site.issue(replace(week(), newsletter=KEY, number=2), IssueState.REVIEW, days=-7)
    review = site.house.token(Purpose.REVIEW, KEY, draft.id)
    check = (await site.post(SUBSCRIBE, {"email": "new@example.org"})).headers["Location"]
    own = [site.path(what, who) for what in ("leave", "undo", "preferences") for who in (reader, left)]
    own += [site.path("confirm", who) for who in (pending, reader, left)]
    pages = ["", "/issues", "/issues/1", "/feed.atom", "/embed", f"/issues/1/events/{story.key}.ics"]
    pages += [f"/review/{review}", f"/review/{review}/mail", "/check-your-mail"]
    return ["/", "/healthz", "/readyz", "/static/base.css", check, *own, *(f"/n/{KEY}{one}" for one in pages)]


async def test_get_and_head_change_nothing_and_agree(website: Website) -> None:
    paths = await every_path(website)
    before = await contents(website.house)

    for path in paths:
        got, head = await website.get(path), await website.get(path, "HEAD")
        assert got.status in {200, 410}, path
        assert (head.status, head.body) == (got.status, b"")
        assert head.headers["Content-Length"] == str(len(got.body))

    assert await contents(website.house) == before


async def test_every_post_pressed_twice_at_once_is_pressed_once(website: Website) -> None:
    reader, waiting = await website.confirmed(), await website.pending("wait@example.org")
    paths = [
        (website.path("confirm", waiting), {}),
        (website.path("preferences", reader), {"sections": "news"}),
        (website.path("leave", reader), {}),
        (website.path("undo", reader), {}),
        (SUBSCRIBE, {"email": "new@example.org"}),
    ]

    for path, fields in paths:
        first, second = await asyncio.gather(website.post(path, fields), website.post(path, fields))
        assert (first.status, first.status) == (second.status, 200 if "/leave/" in path else 303)

    rows = [row.split(" ", 1)[0] for row in await contents(website.house)]
    assert rows.count("subscription") == 3
    # Two confirmations before, one after; the welcomes of both readers.
    assert rows.count("notice") == 5


@pytest.mark.parametrize(
    "email",
    [
        "ada@example.org\r\nBcc: all@example.org",
        "ada\x00@example.org",
        "<script>@example.org",
        "ada@example.org>",
        "a" * 5000 + "@example.org",
        '"><img src=x>@example.org',
        "{{ 7*7 }}@example.org",
        "\u202e@example.org",
    ],
)
async def test_a_hostile_address_is_one_clear_page(website: Website, email: str) -> None:
    answer = await website.post(SUBSCRIBE, {"email": email, "form": "short"})

    assert (answer.status, answer.heading) == (422, "Check the address")
    assert "<script>" not in answer.text
    assert "<img" not in answer.text


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"email=ada%40example.org&x=" + b"x" * 70_000, "application/x-www-form-urlencoded", 413),
        (b"&".join(b"a=b" for _ in range(200)), "application/x-www-form-urlencoded", 400),
        (b"email=\xff\xfe%ff", "application/x-www-form-urlencoded", 422),
        (b"", "", 422),
        (b"\x00\x01\x02", "application/octet-stream", 422),
        (b"no parts", "multipart/form-data", 400),
        (b"no parts", "multipart/form-data; boundary=x", 400),
        (b'{"email": "ada@example.org"}', "application/json", 422),
    ],
)
async def test_a_garbled_form_is_refused_in_words(
    website: Website, body: bytes, kind: str, status: int
) -> None:
    answer = await website.post(SUBSCRIBE, body, Content_Type=kind)

    assert answer.status == status
    assert answer.heading
    assert "Traceback" not in answer.text


async def test_a_form_that_hides_its_length_is_capped_too(website: Website) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(9):
            yield b"x" * 10_000

    answer = await website.post(SUBSCRIBE, endless())

    assert (answer.status, answer.heading) == (413, "That is too much")


async def test_a_locked_database_is_one_moment_and_the_button_works_afterwards(tmp_path: Path) -> None:
    settings = settings_for(f"sqlite:///{tmp_path / 'digest.db'}", tmp_path / "outbox")
    log = StringIO()
    async with open_house(settings, log=Log(log)) as house, serve(house) as site:
        await house.store.engine.dispose()
        event.listen(
            house.store.engine.sync_engine,
            "connect",
            lambda connection, _record: connection.execute("PRAGMA busy_timeout=50"),
        )
        async with house.store.begin() as session:
            await session.execute(text("SELECT 1"))
            answer = await site.post(SUBSCRIBE, FORM)

        assert (answer.status, answer.heading, answer.headers["Retry-After"]) == (503, "One moment", "10")
        assert f'name="email" value="{ADA}"' in answer.text
        assert (await site.post(SUBSCRIBE, FORM)).status == 303
        assert "web.busy" in log.getvalue()
        assert ADA not in log.getvalue()


async def test_a_bug_is_one_plain_page_and_a_line_in_the_log(tmp_path: Path) -> None:
    settings = settings_for(f"sqlite:///{tmp_path / 'digest.db'}", tmp_path / "outbox")
    log = StringIO()
    async with open_house(settings, log=Log(log)) as house, serve(house) as site:
        site.now = "no time at all"  # type: ignore[assignment]
        answer = await site.get(f"/n/{KEY}")

    assert (answer.status, answer.heading) == (500, "Something broke")
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "web.broke" in log.getvalue()


async def test_a_site_with_several_newsletters_lists_them(tmp_path: Path) -> None:
    one = settings_for(f"sqlite:///{tmp_path / 'digest.db'}", tmp_path / "outbox")
    other = one.newsletters[KEY].model_copy(update={"name": "The Month in Tea", "schedule": "0 9 1 * *"})
    settings = one.model_copy(
        update={
            "newsletters": {KEY: one.newsletters[KEY], "tea": other},
            "public_url": "https://x.example/mail",
        }
    )
    async with open_house(settings, log=Log(StringIO())) as house, serve(house) as site:
        front = await site.get("/")

        assert (front.heading, "One mail once a month" in front.text) == ("Newsletters", True)
        assert 'href="/mail/n/tea"' in front.text
        there = await subscribe.add(house, KEY, ADA, confirmed=True, basis="test", now=NOW)
        token = house.token(Purpose.LEAVE, KEY, there.subscriber.id)
        assert (await site.post(f"/n/tea/leave/{token}")).status == 404
        assert (await subscribe.find(house, KEY, ADA)).state is SubscriptionState.CONFIRMED


async def test_ready_says_what_is_not(website: Website) -> None:
    assert (await website.get("/healthz")).text == "ok\n"
    ready = await website.get("/readyz")
    assert (ready.status, '"ready":true' in ready.text) == (200, True)

    async with website.house.store.begin() as session:
        await session.execute(text("UPDATE alembic_version SET version_num = 'from the future'"))

    behind = await website.get("/readyz")
    assert (behind.status, "from the future" in behind.text) == (503, True)
    assert (await website.get("/healthz")).status == 200


async def test_the_style_sheet_may_be_kept_because_its_address_changes_with_it(website: Website) -> None:
    page = await website.get(f"/n/{KEY}")
    address = page.text.partition('rel="stylesheet" href="')[2].partition('"')[0]

    style = await website.get(address)

    assert "?v=" in address
    assert (style.status, style.headers["Content-Type"]) == (200, "text/css; charset=utf-8")
    assert "immutable" in style.headers["Cache-Control"]


async def test_the_form_for_other_sites_posts_to_the_public_address(website: Website) -> None:
    page = await website.get(f"/n/{KEY}/embed")

    assert "action=&#34;http://127.0.0.1:8080/n/week-in-ai/subscribe&#34;" in page.text
    assert (await website.post(SUBSCRIBE, {"email": ADA, "form": "embed", "leave-empty": ""})).status == 303
    assert (await subscribe.find(website.house, KEY, ADA)).sections == ()


def test_limits_count_an_hour_for_each_block_and_for_all() -> None:
    limits = Limits(each=2, overall=3)
    hour = timedelta(hours=1)

    assert [limits.wait("192.0.2.1", NOW) for _ in range(3)] == [timedelta(0), timedelta(0), hour]
    assert limits.wait("192.0.2.2", NOW + hour / 2) == timedelta(0)
    assert limits.wait("192.0.2.3", NOW + hour / 2) == hour / 2
    assert limits.wait("192.0.2.1", NOW + hour) == timedelta(0)


def test_a_household_of_ipv6_addresses_is_one_block() -> None:
    assert block_of("2001:db8::1") == block_of("2001:db8::ffff:2")
    assert block_of("2001:db8:0:1::1") != block_of("2001:db8::1")
    assert block_of("::ffff:192.0.2.1") == block_of("192.0.2.1")


def test_a_seal_hides_its_text_and_opens_for_its_purpose_and_time_only() -> None:
    sealer, hour = Sealer("a secret of thirty-two characters or more"), timedelta(hours=1)
    sealed = sealer.seal("check", ADA, NOW)

    assert sealer.open("check", sealed, now=NOW + hour, life=hour) == (ADA, NOW)
    with pytest.raises(TokenExpiredError):
        sealer.open("check", sealed, now=NOW + hour * 2, life=hour)
    for purpose, text_ in (
        ("bar", sealed),
        ("check", sealed[:-2]),
        ("check", ""),
        ("check", "ä"),
        ("check", "%"),
    ):
        with pytest.raises(TokenError):
            sealer.open(purpose, text_, now=NOW, life=hour)


async def test_who_was_deleted_can_still_leave_in_one_click(website: Website) -> None:
    there = await website.confirmed()
    await subscribe.remove(website.house, KEY, ADA)

    for answer in (
        await website.post(website.path("leave", there)),
        await website.get(website.path("leave", there)),
    ):
        assert (answer.status, answer.heading) == (200, "You have left")
    with pytest.raises(NotFoundError):
        await subscribe.find(website.house, KEY, ADA)
