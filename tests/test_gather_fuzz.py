"""Whatever bytes come, every parser gives a document or one clear line, and articles keep their names."""

import contextlib
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from digest.domain import Article, Source, SourceKind
from digest.errors import DigestError, ParseError
from digest.gather import read_opml
from digest.gather.articles import articles_of
from digest.gather.clean import plain_text, title_text
from digest.gather.document import Body, Document, Item
from digest.gather.extract import read_page
from digest.gather.htmltree import parse, select
from digest.gather.kinds import KINDS
from digest.gather.reading import read_body
from digest.gather.recipe import read_recipe
from digest.gather.robots import Answer, rules_of

NOW = datetime(2026, 8, 21, 18, 0, tzinfo=UTC)
SOURCE = Source(id=7, url="https://feed.example/feed", title="S")
#: Bounded, so that all of it takes seconds.
BOUNDED = settings(max_examples=40)

RSS = b"""<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel>
<title>T</title><link>https://t.example/</link><ttl>60</ttl><item><title>One &amp; two</title><link>https://t.example/1?a=b</link>
<guid>1</guid><pubDate>Thu, 20 Aug 2026 07:30:00 GMT</pubDate>
<description><![CDATA[<p>Words &nbsp; <b>more</b></p>]]></description></item></channel></rss>"""
ATOM = b"""<feed xmlns="http://www.w3.org/2005/Atom" xml:base="https://t.example/"><title>T</title>
<entry><id>urn:1</id><title>One</title><link href="a"/><updated>2026-08-20T07:30:00Z</updated>
</entry></feed>"""
JSON_FEED = b'{"version": "1.1", "title": "T", "items": [{"id": 1, "url": "/a", "title": "x"}]}'
CALENDAR = b"""BEGIN:VCALENDAR\r\nX-WR-TIMEZONE:Europe/Berlin\r\nBEGIN:VEVENT\r\nUID:1
DTSTART;TZID=Europe/Berlin:20260901T180000\r\nDTEND:20260901T200000Z\r\nRRULE:FREQ=WEEKLY;COUNT=3;BYDAY=TU
SUMMARY:Night\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"""
LIST = b'[{"name": "C", "url": "https://c.example", "startDate": "2026-09-01", "city": "Riga"}]'
SITEMAP = b"<urlset><url><loc>https://t.example/a-page</loc><lastmod>2026-08-20</lastmod></url></urlset>"
PAGE = b"""<html lang="en"><head><title>T</title><script type="application/ld+json">{"@type": "Event",
"name": "E", "startDate": "2026-09-01", "location": {"name": "H"}}</script></head><body>
<h2><a href="/a/one-long">One long headline</a></h2><h2><a href="/a/two-long">Two long headlines</a></h2>
<h2><a href="/a/three-long">Three long headlines</a></h2></body></html>"""
OPML = b"""<opml version="2.0"><body><outline text="news"><outline text="a" xmlUrl="https://a.example/f"/>
</outline></body></opml>"""

SEEDS = {
    SourceKind.FEED: (RSS, ATOM, JSON_FEED),
    SourceKind.CALENDAR: (CALENDAR,),
    SourceKind.JSON: (LIST, JSON_FEED),
    SourceKind.SITEMAP: (SITEMAP,),
    SourceKind.PAGE: (PAGE,),
    SourceKind.EVENTS: (PAGE,),
}
#: What breaks parsers: openings without ends, wrong characters, huge numbers, other formats' marks.
ODD = [
    b"<",
    b">",
    b"&",
    b"]]>",
    b"<![CDATA[",
    b"<!--",
    b"\x00",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"&#xD800;",
    b"&#0;",
]
ODD += [
    b"<!DOCTYPE x [<!ENTITY a 'b'>]>",
    b"99999999999999999999",
    b"-1",
    b"NaN",
    b'"',
    b"'",
    b"\r\n ",
    b"{",
    b"[",
]
ODD += [
    b"0000",
    b"T25:61:61",
    b"\xe2\x80\xae",
    b"javascript:alert(1)",
    b"RRULE:FREQ=SECONDLY\r\n",
    b";=",
    b"\\u0000",
]


@st.composite
def mangled(draw: st.DrawFn, seeds: tuple[bytes, ...]) -> bytes:
    """A good body with some of it cut out, doubled, or replaced by what is odd."""
    data = draw(st.sampled_from(seeds))
    for _ in range(draw(st.integers(0, 5))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 40)))
        data = draw(
            st.sampled_from(
                [
                    data[:start] + data[end:],
                    data[:end] + data[start:],
                    data[:start],
                    data[:start] + data[end:] * 2,
                ]
                + [data[:start] + odd + data[end:] for odd in ODD]
            )
        )
    return data


@pytest.mark.parametrize("kind", list(SourceKind))
@given(data=st.data())
@BOUNDED
def test_a_mangled_body_is_read_or_is_one_clear_line(kind: SourceKind, data: st.DataObject) -> None:
    body = data.draw(mangled(SEEDS[kind]) | st.binary(max_size=300))

    try:
        articles = articles_of(KINDS[kind](Body(data=body, url="https://t.example/x"), NOW), SOURCE, now=NOW)
    except ParseError as exc:
        line = exc.what
    else:
        check(articles)
        line = "read"
    assert line
    assert "\n" not in line


def check(articles: tuple[Article, ...]) -> None:
    """What is true of every article, whatever it was made of."""
    assert len({article.guid for article in articles}) == len(articles)
    for article in articles:
        words = article.title + article.summary + article.author + article.guid
        assert article.title
        assert words.isprintable()
        assert article.url.startswith(("http://", "https://"))
        assert article.published_at is None or article.published_at.tzinfo
        assert len(article.title) <= 300
        assert len(article.summary) <= 1500


@given(data=mangled((PAGE, PAGE * 2, b"<html><body><p>" + b"Words of an article. " * 60)))
@BOUNDED
def test_a_mangled_page_gives_words_or_one_clear_line(data: bytes) -> None:
    try:
        page = read_page(Body(data=data, url="https://t.example/x"))
    except ParseError:
        return

    assert all(line.isprintable() for line in page.text.split("\n"))
    assert page.image == "" or page.image.startswith(("http://", "https://"))


@given(data=mangled((OPML,)) | st.binary(max_size=200))
@BOUNDED
def test_a_mangled_list_of_sources_is_read_or_is_one_clear_line(data: bytes) -> None:
    try:
        found = read_opml(data)
    except DigestError:
        return

    assert all(source.url.startswith(("http://", "https://")) for source in found.sources)


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=12),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(["name", "title", "url", "startDate", "deadline", "data", "city", "x"]), inner
            )
        ),
        max_leaves=25,
    )
)
@BOUNDED
def test_any_json_is_a_list_or_one_clear_line(value: Any) -> None:
    try:
        read_body(
            replace(SOURCE, kind=SourceKind.JSON), Body(data=json.dumps(value).encode(), url=SOURCE.url), NOW
        )
        line = ""
    except ParseError as exc:
        line = exc.what

    assert "unforeseen" not in line


@given(st.text(max_size=60))
@example("A¹")
@BOUNDED
def test_any_selector_and_recipe_is_followed_or_is_one_clear_line(text: str) -> None:
    tree = parse("<ul><li class=a>x</li></ul>")
    for act in (lambda: select(tree, text), lambda: read_recipe(text, ("item", "title"))):
        with contextlib.suppress(ParseError):
            act()


@given(st.binary(max_size=300), st.text(max_size=40))
@BOUNDED
def test_any_robots_txt_has_an_answer(body: bytes, path: str) -> None:
    assert rules_of(Answer(status=200, body=body)).can_fetch(f"https://t.example/{path}", "digest") in {
        True,
        False,
    }


@given(st.text(alphabet=st.sampled_from("<>/&;ab \"'=!-[]p#x0\u202e\u0301\x00"), max_size=80))
@BOUNDED
def test_any_markup_becomes_plain_words(markup: str) -> None:
    for words in (plain_text(markup), title_text(markup)):
        assert words.isprintable()
        assert words == words.strip()


ITEMS = st.lists(
    st.builds(
        Item,
        guid=st.sampled_from(["", "1", "2", "x" * 500]),
        url=st.sampled_from(
            ["", "https://t.example/a", "https://t.example/a#1", "https://t.example/b?utm_source=x", "/c"]
        ),
        title=st.sampled_from(["", "One", "Two", "one "]),
        description=st.sampled_from(["", "words", "<p>words</p>"]),
    ),
    max_size=8,
)


@given(ITEMS)
@BOUNDED
def test_items_keep_their_names_when_the_feed_is_read_again(items: list[Item]) -> None:
    document = Document(base="https://t.example/", items=tuple(items))

    first = articles_of(document, SOURCE, now=NOW)
    again = articles_of(document, replace(SOURCE, first_read_at=NOW), now=NOW)

    check(first)
    assert [(one.guid, one.canonical_url) for one in first] == [
        (one.guid, one.canonical_url) for one in again
    ]


@given(ITEMS, st.randoms())
@BOUNDED
def test_the_order_of_a_feed_names_nothing(items: list[Item], random: Any) -> None:
    shuffled = items[:]
    random.shuffle(shuffled)

    one = articles_of(Document(base="https://t.example/", items=tuple(items)), SOURCE, now=NOW)
    other = articles_of(Document(base="https://t.example/", items=tuple(shuffled)), SOURCE, now=NOW)

    assert {article.guid for article in one} == {article.guid for article in other}


@given(ITEMS)
@BOUNDED
def test_every_item_with_words_or_an_address_is_an_article_once(items: list[Item]) -> None:
    document = Document(base="https://t.example/", items=tuple(items))

    found = articles_of(document, SOURCE, now=NOW)

    told = {
        (item.guid, item.url, item.title)
        for item in items
        if item.title.strip() or item.description or item.url
    }
    assert len(found) <= len(items)
    assert bool(found) == bool(told)
