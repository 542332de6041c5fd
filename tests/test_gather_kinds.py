"""Each kind of source read into articles, and every bad body into one line."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from digest.domain import Article, Source, SourceKind
from digest.errors import ParseError
from digest.gather.articles import MAX_ARTICLES, articles_of
from digest.gather.document import Body, Document
from digest.gather.kinds import KINDS

NOW = datetime(2026, 8, 21, 18, 0, tzinfo=UTC)
FEEDS = Path(__file__).parent / "data" / "feeds"
HEAD = '<rss version="2.0"><channel><title>T</title><link>https://t.example/</link>'
FOOT = "</channel></rss>"
BOMB = (
    '<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY a "aaaaaaaaaa">'
    + "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True))
    + "]>"
)


def document(data: bytes | str, kind: SourceKind = SourceKind.FEED, charset: str = "") -> Document:
    raw = data.encode() if isinstance(data, str) else data
    return KINDS[kind](Body(data=raw, url="https://feed.example/blog/feed.xml", charset=charset), NOW)


def source(kind: SourceKind = SourceKind.FEED, **changes: datetime) -> Source:
    return replace(
        Source(id=7, url="https://feed.example/blog/feed.xml", title="S", kind=kind),
        **changes,  # type: ignore[arg-type]
    )


def read(data: bytes | str, kind: SourceKind = SourceKind.FEED, charset: str = "") -> tuple[Article, ...]:
    return articles_of(document(data, kind, charset), source(kind), now=NOW)


def items(*inner: str) -> str:
    return HEAD + "".join(f"<item>{words}</item>" for words in inner) + FOOT


def test_an_rss_feed_becomes_clean_articles() -> None:
    first, relative, hostile = read((FEEDS / "blog.rss").read_bytes())

    assert first.title == "Atlas 4 reads a whole library & answers in a minute"
    assert first.summary == "The model holds nine million words. It is free for schools."
    assert first.url == "https://orbit.example/2026/08/atlas-4?utm_source=rss"
    assert first.canonical_url == "https://orbit.example/2026/08/atlas-4"
    assert first.published_at == datetime(2026, 8, 20, 7, 30, tzinfo=UTC)
    assert (first.guid, first.author, first.language) == ("orbit-1", "Ida Lund", "en")
    assert (first.source_id, first.seen_at, first.is_backlog) == (7, NOW, False)
    assert relative.url == "https://orbit.example/2026/08/relative"
    assert relative.summary == ""
    assert relative.is_backlog
    assert hostile.title == "A title with {{ 7*7 }} and <script> in it"
    assert hostile.url == "https://orbit.example/"
    assert hostile.canonical_url.startswith("urn:")
    assert hostile.summary == "Only this stays."
    assert hostile.published_at is None


def test_atom_links_are_relative_to_the_feed() -> None:
    (article,) = read((FEEDS / "lab.atom").read_bytes())

    assert article.url == "https://feed.example/2026/messen.pdf"
    assert article.title == "Messen, was Modelle wirklich können"
    assert (article.kind, article.language) == ("Paper", "de")
    assert article.published_at == datetime(2026, 8, 19, 8, 0, tzinfo=UTC)


def test_xml_base_says_what_links_are_relative_to() -> None:
    text = (FEEDS / "lab.atom").read_text().replace("<feed ", '<feed xml:base="https://halden.example/a/b/" ')

    assert read(text)[0].url == "https://halden.example/a/2026/messen.pdf"


def test_rdf_is_read_like_rss() -> None:
    (article,) = read((FEEDS / "notes.rdf").read_bytes())

    assert article.title == "Old format, new thought"
    assert article.published_at == datetime(2026, 8, 18, 12, 0, tzinfo=UTC)


def test_a_json_feed_is_known_by_its_bytes() -> None:
    video, thought = read((FEEDS / "links.json").read_bytes())

    assert (video.url, video.kind, video.language) == ("https://youtu.be/abc?si=xyz", "Video", "ja")
    assert (video.guid, video.title, video.author) == ("1", "動画", "花子")
    assert thought.title == "No title, only a thought that is told in one sentence."
    assert thought.url == "https://feed.example/2"


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"", "the answer is empty"),
        (b" \r\n\xef\xbb\xbf", "the answer is empty"),
        (b"\xef\xbb\xbf", "the answer is empty"),
        (b"<!doctype html><html><body><p>Hi</p></body></html>", "this is a web page, not a feed"),
        (b"<html><head><title>x</title></head></html>", "this is a web page, not a feed"),
        (b"<?xml version='1.0'?><urlset></urlset>", "this is a sitemap, not a feed"),
        (b"BEGIN:VCALENDAR\r\nEND:VCALENDAR", "this is a calendar, not a feed"),
        (b"<svg></svg>", "this is not a feed: its first element is <svg>"),
        (b"\x00\x01\x02\x03\x89PNG", "this is not a feed: there is no XML and no JSON in it"),
        (b"Service temporarily away", "this is not a feed: there is no XML and no JSON in it"),
        (b'{"items": [', "this JSON is damaged: line 1, column 12"),
        (b'{"a": 1}', "this is JSON, but not a JSON Feed: it has no list of items"),
        (b"[" * 100_000, "this JSON is nested too deeply"),
        (b'{"items": [' + b"9" * 5000 + b"]}", "this JSON is damaged: a number is too long"),
    ],
)
def test_what_is_no_feed_is_one_clear_line(data: bytes, line: str) -> None:
    with pytest.raises(ParseError) as caught:
        document(data)

    assert caught.value.what == line


def test_of_a_truncated_feed_what_came_is_read() -> None:
    text = items("<title>One</title><link>https://t.example/1</link>", "<title>Two</title>")

    assert [article.title for article in read(text[: text.index("Two") + 3])] == ["One", "Two"]


def test_a_feed_without_entries_is_a_quiet_week() -> None:
    assert read(HEAD + FOOT) == ()


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig", "latin-1", "cp1252"])
def test_a_wrong_or_rare_encoding_is_read(encoding: str) -> None:
    text = '<?xml version="1.0" encoding="utf-8"?>' + items("<title>Café für alle</title>")

    assert read(text.encode(encoding))[0].title == "Café für alle"


def test_the_declared_encoding_is_believed_when_the_bytes_are_not_utf_8() -> None:
    text = items("<title>Привет</title>")
    declared = '<?xml version="1.0" encoding="windows-1251"?>' + text

    assert read(declared.encode("cp1251"))[0].title == "Привет"
    assert read(text.encode("cp1251"), charset="windows-1251")[0].title == "Привет"


@pytest.mark.parametrize("charset", ["zip", "rot13", "no-such", "\ud800"])
def test_an_absurd_charset_is_passed_over(charset: str) -> None:
    assert read(items("<title>Caf\u00e9</title>").encode("latin-1"), charset=charset)[0].title == "Café"


def test_entities_that_xml_does_not_know_are_characters_and_bare_ampersands_stay() -> None:
    text = items("<title>A&nbsp;B &hellip; R&D</title><link>https://t.example/?a=1&b=2</link>")

    (article,) = read(text)

    assert article.title == "A B … R&D"
    assert article.url == "https://t.example/?a=1&b=2"


def test_an_entity_bomb_does_not_grow() -> None:
    (article,) = read(BOMB + items("<title>Boom &i;</title>"))

    assert article.title == "Boom &i;"


def test_a_bomb_hidden_behind_another_doctype_does_not_grow() -> None:
    (article,) = read("<!DOCTYPE x><!-- <rss> -->" + BOMB[21:] + items("<title>Boom &i;</title>"))

    assert article.title == "Boom &i;"


def test_a_file_is_never_read_through_an_entity() -> None:
    text = '<!DOCTYPE rss [<!ENTITY f SYSTEM "file:///etc/hostname">]>' + items("<title>F &f;</title>")

    assert read(text)[0].title == "F &f;"


def test_deep_nesting_is_survived() -> None:
    assert read(items(f"<title>Deep</title><description>{'<a>' * 50_000}</description>"))[0].title == "Deep"


def test_a_repeated_guid_is_told_apart_by_the_address() -> None:
    one, two = read(
        items(
            "<title>One</title><guid>same</guid><link>https://t.example/1</link>",
            "<title>Two</title><guid>same</guid><link>https://t.example/2</link>",
        )
    )

    assert (one.guid, two.guid) == ("same https://t.example/1", "same https://t.example/2")


def test_the_same_item_twice_is_one_article() -> None:
    item = "<title>One</title><guid>same</guid><link>https://t.example/1</link>"

    assert len(read(items(item, item))) == 1


def test_without_guid_the_address_and_without_address_the_words_name_an_article() -> None:
    by_address, by_words, others = read(
        items(
            "<title>One</title><link>https://t.example/1</link>",
            "<title>Two</title><description>words</description>",
            "<title>Two</title><description>other words</description>",
        )
    )

    assert by_address.guid == "https://t.example/1"
    assert by_words.guid.startswith("sha256:")
    assert by_words.guid != others.guid
    assert by_words.canonical_url != others.canonical_url


def test_entries_of_one_page_are_not_one_article() -> None:
    found = read(items(*(f"<title>v{n}</title><link>https://t.example/log#v{n}</link>" for n in (1, 2))))

    assert [a.canonical_url for a in found] == ["https://t.example/log#v1", "https://t.example/log#v2"]


def test_a_guid_that_is_an_address_is_the_link_of_an_item_without_one() -> None:
    assert read(items("<title>One</title><guid>https://t.example/p</guid>"))[0].url == "https://t.example/p"


def test_a_thousand_newest_articles_are_taken() -> None:
    start = datetime(2020, 1, 1, tzinfo=UTC)
    dates = [(start + timedelta(days=n)).strftime("%a, %d %b %Y %H:%M:%S GMT") for n in range(1200)]

    found = read(items(*(f"<title>n{n}</title><pubDate>{date}</pubDate>" for n, date in enumerate(dates))))

    assert len(found) == MAX_ARTICLES
    assert found[0].title == "n200"


@pytest.mark.parametrize(
    "date", ["Fri, 31 Dec 9999 23:59:59 GMT", "0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "soon", ""]
)
def test_a_date_that_cannot_be_true_is_no_date(date: str) -> None:
    assert read(items(f"<title>One</title><pubDate>{date}</pubDate>"))[0].published_at is None


def test_backlog_is_what_was_there_before_we_came() -> None:
    feed = document(
        items(
            "<title>New</title><pubDate>Thu, 20 Aug 2026 00:00:00 GMT</pubDate>",
            "<title>Old</title><pubDate>Sat, 01 Aug 2026 00:00:00 GMT</pubDate>",
            "<title>Undated</title>",
            "<title>Ancient</title><pubDate>Mon, 01 Jun 2026 00:00:00 GMT</pubDate>",
        )
    )

    first = articles_of(feed, source(), now=NOW)
    later = articles_of(feed, source(first_read_at=NOW - timedelta(days=1)), now=NOW)

    assert [article.is_backlog for article in first] == [False, True, True, True]
    assert [article.is_backlog for article in later] == [False, False, False, True]


@pytest.mark.parametrize(
    ("head", "start", "title", "zone", "hour"),
    [
        ("", "DTSTART:20260901T180000", "Model night", "floating", 18),
        ("X-WR-TIMEZONE:Asia/Tokyo\r\n", "DTSTART:20260901T180000", "Model night", "Asia/Tokyo", 9),
        ("", "DTSTART:20260901T180000Z", "Model night", "", 18),
        ("", "DTSTART;VALUE=DATE:20260901", "Model night", "", 0),
        ("", "DTSTART:20260901T180000", "Model Conf: submission deadline", "", 18),
    ],
)
def test_an_hour_without_a_zone_is_kept_as_the_clocks_show_it(
    head: str, start: str, title: str, zone: str, hour: int
) -> None:
    entry = f"BEGIN:VEVENT\r\nUID:1\r\nSUMMARY:{title}\r\n{start}\r\nEND:VEVENT\r\n"
    data = f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n{head}{entry}END:VCALENDAR\r\n"

    (item,) = document(data.encode(), SourceKind.CALENDAR).items

    assert item.event is not None
    assert (item.event.zone, item.event.starts_at) == (zone, datetime(2026, 9, 1, hour, tzinfo=UTC))


def test_a_calendar_becomes_events_in_order() -> None:
    found = document((FEEDS / "meetups.ics").read_bytes(), SourceKind.CALENDAR)
    articles = articles_of(found, source(SourceKind.CALENDAR), now=NOW)
    open_day = articles[0]

    assert open_day.event is not None
    assert (open_day.title, open_day.guid) == ("Open Evaluation Day", "open-day@example.org")
    assert open_day.event.starts_at == datetime(2026, 9, 1, 13, 0, tzinfo=UTC)
    assert open_day.event.ends_at == datetime(2026, 9, 1, 17, 0, tzinfo=UTC)
    assert (open_day.event.zone, open_day.event.online) == ("Europe/Copenhagen", True)
    assert open_day.url == "https://openeval.example/2026"
    assert found.title == "Meetups of the north"
    assert found.depends_on_now
    assert found.refused == 1
    assert not any(article.is_backlog for article in articles)
    starts = [article.event.starts_at for article in articles if article.event]
    assert starts == sorted(starts)
    assert not {"Long over", "Every second"} & {article.title for article in articles}
    cancelled = [article.title for article in articles if article.event and article.event.is_cancelled]
    assert cancelled == ["Cancelled evening"]


def test_each_date_of_a_series_is_an_article_of_its_own() -> None:
    found = read((FEEDS / "meetups.ics").read_bytes(), SourceKind.CALENDAR)
    nights = [article for article in found if article.title == "Model night"]

    assert nights[0].guid == "monthly@example.org 20260902T1600Z"
    assert (
        len(nights) == len({night.guid for night in nights}) == len({n.canonical_url for n in nights}) == 12
    )
    assert nights[0].url == "https://night.example/"
    assert nights[0].event is not None
    assert nights[0].event.place == "Havnegade 4, Aarhus"
    # Winter time has come, and 7 October was struck out.
    assert [n.event.starts_at for n in nights if n.event][1] == datetime(2026, 11, 4, 17, 0, tzinfo=UTC)


def test_days_and_deadlines_are_told_as_such() -> None:
    found = {a.title: a for a in read((FEEDS / "meetups.ics").read_bytes(), SourceKind.CALENDAR)}
    days = found["Nordic Model Conference"].event
    deadline = found["Nordic Model Conference: submission deadline"]

    assert days is not None
    assert days.all_day
    assert days.starts_at == datetime(2026, 10, 11, 22, 0, tzinfo=UTC)
    assert days.ends_at == datetime(2026, 10, 14, 22, 0, tzinfo=UTC)
    assert deadline.event is not None
    assert deadline.event.is_deadline
    assert deadline.event.zone == "Etc/GMT+12"
    assert deadline.event.starts_at == datetime(2026, 9, 16, 11, 59, tzinfo=UTC)


def test_a_deadline_keeps_its_name_when_the_calendar_makes_new_uids() -> None:
    text = (FEEDS / "meetups.ics").read_text()

    before = {a.guid for a in read(text, SourceKind.CALENDAR)}
    after = {a.guid for a in read(text.replace("random-1", "random-2"), SourceKind.CALENDAR)}

    assert before == after


def event(rule: str) -> str:
    lines = ["BEGIN:VCALENDAR", "BEGIN:VEVENT", "UID:x", "DTSTART:20260901T100000Z", rule, "SUMMARY:X"]
    return "\r\n".join([*lines, "END:VEVENT", "END:VCALENDAR", ""])


@pytest.mark.parametrize(
    ("rule", "dates"),
    [
        ("RRULE:FREQ=SECONDLY", 0),
        ("RRULE:FREQ=MINUTELY;COUNT=5", 0),
        ("RRULE:FREQ=HOURLY", 0),
        ("RRULE:FREQ=DAILY;BYHOUR=1,2,3,4,5;BYMINUTE=1,2,3", 0),
        ("RRULE:FREQ=DAILY;INTERVAL=0", 0),
        ("RRULE:FREQ=DAILY;COUNT=1000000000", 390),
        ("RRULE:FREQ=DAILY;COUNT=3", 3),
        ("RRULE:FREQ=WEEKLY;UNTIL=20260915T100000Z", 3),
        ("RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", 1),
        ("RRULE:", 1),
        ("RRULE:FREQ=NEVER", 1),
        ("RRULE:FREQ=WEEKLY;COUNT=-1;UNTIL=20260908T100000Z", 2),
    ],
)
def test_a_hostile_recurrence_ends(rule: str, dates: int) -> None:
    found = read(event(rule), SourceKind.CALENDAR)

    assert len(found) == pytest.approx(dates, abs=2 if dates > 100 else 0)


def test_many_costly_series_are_refused_before_they_are_computed() -> None:
    rule = "RRULE:FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYMONTH=1,2,3,4,5,6,7,8,9,10,11,12"
    one = event(rule).replace("BEGIN:VCALENDAR\r\n", "").replace("END:VCALENDAR\r\n", "")
    many = "".join(
        one.replace("UID:x", f"UID:{n}").replace("DTSTART:2026", "DTSTART:1990") for n in range(60)
    )

    found = document(f"BEGIN:VCALENDAR\r\n{many}END:VCALENDAR\r\n", SourceKind.CALENDAR)

    assert found.refused > 30
    assert found.items


def test_a_calendar_gives_at_most_500_dates() -> None:
    one = event("RRULE:FREQ=DAILY").replace("BEGIN:VCALENDAR\r\n", "").replace("END:VCALENDAR\r\n", "")
    two = one.replace("UID:x", "UID:y")

    assert len(read(f"BEGIN:VCALENDAR\r\n{one}{two}END:VCALENDAR\r\n", SourceKind.CALENDAR)) == 500


def test_a_zone_that_changes_every_second_is_not_computed() -> None:
    zone = (
        "BEGIN:VTIMEZONE\r\nTZID:Odd\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nRRULE:FREQ=SECONDLY\r\n"
    )
    zone += "TZOFFSETFROM:+0100\r\nTZOFFSETTO:+0100\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
    text = event("LOCATION:x").replace("BEGIN:VEVENT", zone + "BEGIN:VEVENT")

    (article,) = read(
        text.replace("DTSTART:20260901T100000Z", "DTSTART;TZID=Odd:20260901T100000"), SourceKind.CALENDAR
    )

    assert article.event is not None
    assert article.event.starts_at == datetime(2026, 9, 1, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"", "the answer is empty"),
        (b"<html><body>Sign in</body></html>", "this is a web page, not a calendar"),
        (b"BEGIN:VCARD", "this is something else, not a calendar"),
        (b"BEGIN:VCALENDAR\r\nnonsense\r\nEND:VCALENDAR", "this calendar is damaged"),
        (b"BEGIN:VCALENDAR\r\nX-WR-CALNAME:Half", "this calendar is damaged: it has no end"),
        (b"BEGIN:VCALENDAR\r\n" + b"x" * 5_000_001, "this calendar is larger than 5 MB"),
    ],
)
def test_what_is_no_calendar_is_one_clear_line(data: bytes, line: str) -> None:
    with pytest.raises(ParseError) as caught:
        document(data, SourceKind.CALENDAR)

    assert caught.value.what.startswith(line)
    assert "\n" not in caught.value.what


def test_a_calendar_of_which_nothing_is_left_out_is_whole() -> None:
    text = event("LOCATION:x")

    assert document(text, SourceKind.CALENDAR).whole_until == NOW + timedelta(days=400)


@pytest.mark.parametrize(
    "text",
    [
        "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n",
        event("LOCATION:x").replace("SUMMARY:X", "LOCATION:y"),
        event("RRULE:FREQ=SECONDLY"),
        event("RRULE:FREQ=DAILY").replace(
            "END:VCALENDAR",
            "BEGIN:VEVENT\r\nUID:y\r\nDTSTART:20260901T120000Z\r\nRRULE:FREQ=DAILY\r\n"
            "SUMMARY:Y\r\nEND:VEVENT\r\nEND:VCALENDAR",
        ),
        event("LOCATION:x") + "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:y\r\nSUMMARY:Y\r\n",
    ],
    ids=["empty", "without a title", "refused", "more than 500 dates", "cut off"],
)
def test_a_calendar_of_which_something_may_be_left_out_is_not_whole(text: str) -> None:
    assert document(text, SourceKind.CALENDAR).whole_until is None
