"""Feeds as careless programs write them: what any reader finds in them, we find."""

import codecs
import gzip
import json
import zlib
from datetime import UTC, datetime

import pytest

from digest.domain import SourceKind
from digest.errors import ParseError
from digest.gather.document import Body, Document
from digest.gather.kinds import KINDS

NOW = datetime(2026, 8, 21, 18, 0, tzinfo=UTC)
HEAD = '<rss version="2.0"><channel><title>T</title><link>https://t.example/</link>'
ITEMS = "".join(
    f"<item><title>Item {n}</title><link>https://t.example/{n}</link>"
    f"<description>Text {n}</description></item>"
    for n in range(4)
)
FEED = f"{HEAD}{ITEMS}</channel></rss>"
ENTRY = "<entry><title>Alone</title><id>a</id><link href='https://t.example/a'/></entry>"


def read(data: str | bytes) -> Document:
    raw = data.encode() if isinstance(data, str) else data
    return KINDS[SourceKind.FEED](Body(data=raw, url="https://t.example/feed"), NOW)


@pytest.mark.parametrize(
    "feed",
    [
        FEED.replace("</item>", "", 1),
        FEED.replace("</item>", ""),
        FEED.replace("</item>", "", 1).replace("<item>", "<!-- <![CDATA[ --><item>", 1),
        FEED.replace("</item>", "").replace("<link>", "<![CDATA[ <item> ]]><link>"),
        FEED.replace("</item>", "</item></item>"),
        FEED.replace("Text", "<p>Text <br> <img src=x> & more"),
        FEED.replace("Text 0", "<a>" * 3000),
        FEED.replace("</channel></rss>", ""),
        FEED.replace("Text", "5 < 6 && 7 > 2"),
        FEED.replace("<item>", "<item a='1' a='2'>"),
        FEED.replace("Text", "&#55357;&#56832; &#0; &nbsp; &none;"),
        FEED.replace("<item>", "<item><media:thing url='x'/><!-- - -- -->"),
        f"<rss version=2.0><channel>{ITEMS}</channel></rss>",
        f"<scriptingNews><header/>{ITEMS}</scriptingNews>",
    ],
)
def test_one_damaged_entry_does_not_cost_the_others(feed: str) -> None:
    titles = [item.title for item in read(feed).items]

    assert [title[:6] for title in titles] == ["Item 0", "Item 1", "Item 2", "Item 3"]


@pytest.mark.parametrize(
    "before",
    [
        "<br />\n<b>Warning</b>:  no such index in <b>/srv/feed.php</b> on line <b>3</b><br />\n",
        "<!-- made in 0.3 s -->\n\n",
        "\ufeff\n\ufeff ",
        "Notice: deprecated\n<?xml version='1.0'?>",
        "<html><body><pre>",
    ],
)
def test_what_a_server_writes_before_its_feed_is_passed_over(before: str) -> None:
    assert len(read(before + FEED).items) == 4


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("has_mark", [True, False])
def test_wide_encodings_are_known_by_their_bytes(encoding: str, has_mark: bool) -> None:
    text = ("\ufeff" if has_mark else "") + FEED.replace("Item", "Ítem")

    assert read(codecs.encode(text, encoding)).items[1].title == "Ítem 1"


def test_the_halves_of_a_character_written_as_numbers_become_the_character() -> None:
    assert read(FEED.replace("Item", "&#xD83D;&#xDE00;")).items[0].title == "😀 0"


def test_two_feeds_in_one_file_are_both_read() -> None:
    assert len(read(FEED + FEED.replace("t.example", "u.example")).items) == 8


def test_a_single_entry_is_a_feed_of_one() -> None:
    assert [item.title for item in read(ENTRY).items] == ["Alone"]


@pytest.mark.parametrize("times", [1, 2])
def test_a_feed_that_is_still_packed_is_unpacked(times: int) -> None:
    data = FEED.encode()
    for _ in range(times):
        data = gzip.compress(data)

    assert len(read(data).items) == 4


def test_a_packed_bomb_does_not_grow_beyond_what_a_body_may_be() -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    data = b"".join(packer.compress(b" " * 1_000_000) for _ in range(100)) + packer.flush()

    with pytest.raises(ParseError, match="empty"):
        read(data)


def test_line_breaks_inside_the_texts_of_a_json_feed_are_read() -> None:
    feed = {"version": "https://jsonfeed.org/version/1.1", "items": [{"id": "1", "title": "One\ttwo"}]}

    assert read(json.dumps(feed).replace("\\t", "\t")).items[0].title == "One\ttwo"


@pytest.mark.parametrize(
    "page", ["<html><body><p>Words</p></body></html>", "<urlset><url/></urlset>", "<x/>"]
)
def test_what_holds_no_entry_is_still_no_feed(page: str) -> None:
    with pytest.raises(ParseError, match="not a feed"):
        read(page)
