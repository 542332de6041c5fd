"""Addresses: the table of vectors of the one canonical form, and its properties."""

from operator import itemgetter
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.gather import canonical_url
from digest.gather.urls import web_url

SAME = [
    ("HTTP://Example.ORG:80", "https://example.org/"),
    ("https://example.org:443/a/", "https://example.org/a"),
    ("https://example.org./a", "https://example.org/a"),
    ("https://user:secret@example.org/a", "https://example.org/a"),
    ("https://example.org/a/./b/../c", "https://example.org/a/c"),
    ("https://example.org/../../a", "https://example.org/a"),
    ("https://example.org/a/index.html", "https://example.org/a"),
    ("https://example.org/index.php?p=7", "https://example.org/?p=7"),
    ("https://example.org/%7Eida/%e6%97%a5", "https://example.org/~ida/%E6%97%A5"),
    ("https://example.org/日", "https://example.org/%E6%97%A5"),
    ("https://example.org/a b", "https://example.org/a%20b"),
    ("https://example.org/100%", "https://example.org/100%25"),
    ("https://münchen.example/", "https://xn--mnchen-3ya.example/"),
    ("https://example.org/a#comments", "https://example.org/a"),
    ("https://example.org/a;jsessionid=12AB?x=1", "https://example.org/a?x=1"),
    ("https://example.org/a?utm_source=x&utm_medium=y", "https://example.org/a"),
    ("https://example.org/a?UTM_Source=x&id=7", "https://example.org/a?id=7"),
    ("https://example.org/a?fbclid=1&gclid=2&mc_cid=3&mtm_campaign=4&ref=home", "https://example.org/a"),
    ("https://example.org/a?source=rss----abc---4", "https://example.org/a"),
    ("https://example.org/a?b=2&a=1", "https://example.org/a?a=1&b=2"),
    ("https://example.org/a?", "https://example.org/a"),
    ("https://example.org/2026/a-long-title/amp/", "https://example.org/2026/a-long-title"),
    ("https://example.org/story.amp.html", "https://example.org/story.html"),
    ("https://example.org/story?amp=1", "https://example.org/story"),
    ("https://[2001:DB8::1]:443/a", "https://[2001:db8::1]/a"),
]
DIFFERENT = [
    ("https://example.org/a", "https://www.example.org/a"),
    ("https://example.org/a?id=1", "https://example.org/a?id=2"),
    ("https://example.org/a?tag=x&tag=y", "https://example.org/a?tag=y&tag=x"),
    ("https://example.org/a?source=physics", "https://example.org/a"),
    ("https://example.org/a", "https://example.org/A"),
    ("https://example.org/guitars/amp", "https://example.org/guitars"),
    ("https://example.org/#/chapter/1", "https://example.org/#/chapter/2"),
    ("https://example.org/?q=a%26b", "https://example.org/?q=a&b"),
    ("http://example.org:8080/", "https://example.org/"),
    ("https://straße.example/", "https://strasse.example/"),
]
HOSTS = st.sampled_from(["example.org", "a.example", "[::1]", "münchen.example", "127.0.0.1:8080"])
REST = st.text(alphabet=st.sampled_from("/ab.%2?&=#;amp-index.html~é!: +E\\"), max_size=40)


@pytest.mark.parametrize(("url", "canonical"), SAME)
def test_one_page_has_one_address(url: str, canonical: str) -> None:
    assert canonical_url(url) == canonical


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_what_selects_another_page_is_kept(one: str, other: str) -> None:
    assert canonical_url(one) != canonical_url(other)


@pytest.mark.parametrize(
    "url", ["", "mailto:a@example.org", "http://[", "https://", "https://a:99999/", "x y"]
)
def test_what_is_no_web_address_comes_back_as_it_is(url: str) -> None:
    assert canonical_url(url) == url
    assert web_url(url) == ""


@given(st.sampled_from(["http", "https"]), HOSTS, REST)
def test_twice_is_once_and_no_host_is_crossed(scheme: str, host: str, rest: str) -> None:
    url = f"{scheme}://{host}/{rest}"

    once = canonical_url(url)

    assert canonical_url(once) == once
    home = canonical_url(f"{scheme}://{host}/")
    assert urlsplit(once).netloc == urlsplit(home).netloc


NAMES = st.sampled_from(["id", "p", "article", "page", "q", "lang", "v", "story"])
PAIRS = st.lists(st.tuples(NAMES, st.text("abc019-", max_size=4)), max_size=4)
SELECTED = st.tuples(st.lists(st.text("abc-", min_size=1, max_size=4), max_size=3), PAIRS)
TRACKED = st.lists(
    st.sampled_from(["utm_source=x", "fbclid=1", "ref=home", "mc_cid=2", "gclid=", "_hsenc=y"]), max_size=3
)


def _url(selected: tuple[list[str], list[tuple[str, str]]], tracked: list[str]) -> str:
    path, pairs = selected
    return f"https://example.org/{'/'.join(path)}?{'&'.join([*map('='.join, pairs), *tracked])}#top"


@given(SELECTED, SELECTED, TRACKED, TRACKED)
def test_tracking_selects_nothing_and_all_else_selects_the_page(
    one: tuple[list[str], list[tuple[str, str]]],
    other: tuple[list[str], list[tuple[str, str]]],
    tracked: list[str],
    more: list[str],
) -> None:
    """Pages are the same when path and parameters are, whatever their order and what tracks them."""
    is_same = one[0] == other[0] and sorted(one[1], key=itemgetter(0)) == sorted(other[1], key=itemgetter(0))

    assert canonical_url(_url(one, tracked)) == canonical_url(_url(one, more))
    assert (canonical_url(_url(one, tracked)) == canonical_url(_url(other, more))) == is_same


@given(st.text(max_size=60))
def test_no_text_is_too_odd_for_an_address(text: str) -> None:
    assert canonical_url(canonical_url(text)) == canonical_url(text)
    assert web_url(text, "https://example.org/") == web_url(web_url(text, "https://example.org/"))


@pytest.mark.parametrize(
    ("raw", "url"),
    [
        ("/a", "https://example.org/a"),
        ("b?c=1#d", "https://example.org/x/b?c=1#d"),
        ("//other.example/a", "https://other.example/a"),
        ("https://good.example\\@evil.example/", ""),
        ("https://user@example.org/a", "https://example.org/a"),
        ("javascript:alert(1)", ""),
        ("data:text/html,x", ""),
        ("file:///etc/passwd", ""),
    ],
)
def test_a_link_becomes_absolute_or_nothing(raw: str, url: str) -> None:
    assert web_url(raw, "https://example.org/x/y") == url
