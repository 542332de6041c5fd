"""The demo's parts: readers in every state, a count not to be fooled, feeds as of a time, the mailbox."""

import inspect
import json
import unicodedata
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer

from conftest import NOW
from digest.demo import DemoOptions
from digest.demo.catcher import Catcher, Caught
from digest.demo.crowd import count_mails, expected, gather_crowd, require_no_strangers
from digest.demo.folder import as_of, feed_pages
from digest.demo.mailbox import mailbox
from digest.demo.material import sample_readers, sample_sites
from digest.demo.stage import KEY, open_stage
from digest.domain import Content, IssueSection
from digest.errors import DigestError
from digest.store import subscribers
from sample_issues import story

STATES = {"confirmed", "pending", "left", "returning", "twice", "bounced", "complained"}


def test_forty_readers_are_in_every_state_and_every_script() -> None:
    readers = sample_readers(40)
    letters = [letter for reader in readers for letter in reader.name if letter.isalpha()]
    scripts = {unicodedata.name(letter).split()[0] for letter in letters}

    assert {reader.state for reader in readers} == STATES
    assert len({reader.email for reader in readers}) == 40
    assert scripts >= {"LATIN", "CJK", "ARABIC", "HEBREW", "HANGUL", "CYRILLIC"}
    assert {reader.sections for reader in readers} >= {(), ("events",), ("learnings",)}
    assert len(sample_readers(50)) == 50
    assert sample_readers(3) == readers[:3]


def test_sample_links_lead_nowhere_real() -> None:
    for site in sample_sites():
        links = [article.link for article in site.articles if article.link]
        assert site.site.endswith(".example")
        assert all(link.split("/")[2].endswith(".example") for link in links)


def test_the_mail_server_can_be_asked_for_all_its_attributes_by_any_python() -> None:
    # Python 3.11.2 leaves "__weakref__" in a dataclass with slots, which cannot be read; aiosmtpd reads all.
    assert inspect.getmembers(Catcher())
    assert not hasattr(Catcher, "__slots__")


async def test_the_crowd_is_in_the_database_as_the_sample_data_says() -> None:
    async with open_stage(DemoOptions(now=NOW, readers=12)) as stage:
        states = await gather_crowd(stage)
        async with stage.house.store.read() as session:
            found = await subscribers.counts(session, KEY)
            pages = [page async for page in subscribers.pages(session, KEY)]
        names = Counter(mail.message["Subject"] for mail in stage.catcher.mails)

    assert set(states) == STATES
    assert found == {"confirmed": 7, "pending": 1, "left": 2, "suppressed": 2}
    assert {one.subscriber.language for one in pages[0]} == {"en", "ja", "ar", "he"}
    assert stage.catcher.issues() == []
    assert sum(names.values()) == 12 + 11 + 1 + 1  # asked, welcomed, asked again, asked in other letters


def issue_for(recipient: str) -> Caught:
    return Caught(recipient=recipient, data=b"Subject: The Week\r\n\r\n")


async def test_the_count_finds_the_missing_the_doubled_and_the_strangers() -> None:
    section = IssueSection(key="news", label="News", stories=(story("One"),))
    content = Content(newsletter=KEY, number=1, since=NOW, until=NOW, sections=(section,))
    async with open_stage(DemoOptions(now=NOW, readers=22)) as stage:
        wanted = sorted(expected(stage, content))
        stage.catcher.mails += [issue_for(one) for one in wanted]
        assert count_mails(stage, content) == (0, 0, 0)

        stage.catcher.mails.append(issue_for(wanted[0]))
        assert count_mails(stage, content) == (0, 1, 0)
        del stage.catcher.mails[1]
        assert count_mails(stage, content) == (1, 1, 0)
        stage.catcher.mails.append(issue_for("ben@harmattan.example"))
        assert count_mails(stage, content) == (1, 1, 1)

    assert "soren@xn--bg-lka.example" in wanted
    assert "elif@narin.example" not in wanted  # wants events, and there are none
    with pytest.raises(DigestError, match="3 readers"):
        require_no_strangers(3)


def item(written: str, tag: str = "pubDate") -> bytes:
    return f"<item><title>x</title><{tag}>{written}</{tag}></item>".encode()


@pytest.mark.parametrize(
    ("block", "is_kept"),
    [
        (item("Fri, 21 Aug 2026 17:59:00 GMT"), True),
        (item("Fri, 21 Aug 2026 18:01:00 GMT"), False),
        (item("Fri, 21 Aug 2026 17:01:00 -0200"), False),
        (item("<![CDATA[Sat, 22 Aug 2026 00:00:00 GMT]]>"), False),
        (item("2026-08-22", "dc:date"), False),
        (item("2026-08-20", "dc:date"), True),
        (item("next week"), True),
        (item("Fri, 32 Aug 2026 99:00:00 GMT"), True),
        (item("Fri, 21 Aug 99999 18:01:00 GMT"), True),
        (b"<item><title>no date</title></item>", True),
        (
            b"<entry><published>2026-08-20T00:00:00Z</published><updated>2026-09-01T00:00:00Z</updated></entry>",
            True,
        ),
        (b'<entry xml:lang="en"><updated>2026-09-01T00:00:00Z</updated></entry>', False),
        (b"<items><pubDate>Sat, 22 Aug 2026 00:00:00 GMT</pubDate></items>", True),
        (b"<item><pubDate>Sat, 22 Aug 2026 00:00:00 GMT</pubDate>", True),
    ],
)
def test_what_is_dated_later_is_not_there_yet(block: bytes, is_kept: bool) -> None:
    kept = as_of(b"<rss>" + block + b"</rss>", NOW)

    assert kept == (b"<rss>" + block + b"</rss>" if is_kept else b"<rss></rss>")


@pytest.mark.parametrize(
    ("data", "kept"),
    [
        (b'{"items": [{"date_published": "2027-01-01"}, {"date_published": "2026-01-01"}]}', 1),
        (b'{"items": [{"date_modified": "2027-01-01T00:00:00Z"}, {}, 3, {"date_published": 7}]}', 3),
        (b'\xef\xbb\xbf{"items": []}', 0),
    ],
)
def test_a_json_feed_loses_its_future_too(data: bytes, kept: int) -> None:
    assert len(json.loads(as_of(data, NOW))["items"]) == kept


@pytest.mark.parametrize("data", [b"", b"{", b"{}", b'{"items": 3}', b"[" * 100_000, b"\xff\xfe<\0r\0"])
def test_what_is_no_feed_is_left_as_it_is(data: bytes) -> None:
    assert as_of(data, NOW) == data


def test_items_that_never_end_are_looked_at_once() -> None:
    assert as_of(b"<item>" * 200_000, NOW) == b"<item>" * 200_000


def test_a_folder_gives_its_feeds_by_name(tmp_path: Path) -> None:
    (tmp_path / "b.ics").write_text("BEGIN:VCALENDAR")
    (tmp_path / "a.XML").write_text("<rss/>")
    (tmp_path / "below.xml").mkdir()

    pages = feed_pages(tmp_path, datetime(2026, 1, 1, tzinfo=UTC))

    assert list(pages) == ["a.XML", "b.ics"]
    assert pages["b.ics"].content_type == "text/calendar"


async def test_the_mailbox_shows_each_mail_and_lets_it_do_nothing() -> None:
    html = b"Subject: =?utf-8?q?Caf=C3=A9?=\r\nTo: a@b.example\r\nContent-Type: text/html\r\n\r\n"
    html += b"<html><head></head><body><script>1</script>x</body></html>"
    catcher = Catcher(mails=[issue_for("a@b.example"), Caught(recipient="a@b.example", data=html)])
    async with TestClient(TestServer(mailbox(catcher), host="127.0.0.1")) as visitor:
        texts = {}
        for path in (
            "/",
            "/mail/1",
            "/mail/1?view=text",
            "/mail/1?view=source",
            "/mail/1/html",
            "/mailbox.css",
        ):
            async with visitor.get(path) as answer:
                texts[path] = await answer.text()
                policy = answer.headers["Content-Security-Policy"]
                assert answer.status == 200
                assert "default-src 'none'" in policy
                assert "script-src" not in policy
        for path in ("/mail/2", "/mail/x", "/mail/1?view=none", "/mail/9999999"):
            async with visitor.get(path) as answer:
                assert answer.status == 404
        async with visitor.get("/", headers={"Host": "rebound.example"}) as answer:
            assert answer.status == 403

    assert texts["/"].index("Café") < texts["/"].index("The Week")
    assert 'sandbox="allow-popups' in texts["/mail/1"]
    assert "&lt;script&gt;" in texts["/mail/1?view=source"]
