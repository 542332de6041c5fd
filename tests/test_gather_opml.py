"""Lists of sources, in and out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.domain import FullText, Source, SourceKind
from digest.errors import ParseError
from digest.gather import read_opml, starter_pack, write_opml

NESTED = """<?xml version="1.0"?><!DOCTYPE opml [<!ENTITY a "b">]>
<opml version="1.0"><head><title>Mine &amp; yours</title></head><body>
  <outline text="Tech"><outline text="Learnings">
    <outline text="Deep" xmlUrl="https://deep.example/feed?a=1&b=2" htmlUrl="https://deep.example/"/>
  </outline></outline>
  <outline text="Cat" xmlurl="https://cat.example/feed" category="/confidence/high,/News/daily"/>
  <outline title="Meet" type="rss" xmlUrl="webcal://meet.example/all.ics" enabled="no" weight="nan"/>
  <outline text="Cat again" xmlUrl="https://cat.example/feed"/>
  <outline text="Nowhere" type="rss"/>
  <outline text="Bad" xmlUrl="file:///etc/passwd"/>
</body></opml>"""


def test_folders_and_categories_become_sections() -> None:
    read = read_opml(NESTED.encode())

    assert [(s.title, s.url, s.section) for s in read.sources] == [
        ("Deep", "https://deep.example/feed?a=1&b=2", "learnings"),
        ("Cat", "https://cat.example/feed", "news"),
        ("Meet", "https://meet.example/all.ics", None),
    ]
    assert (read.sources[2].kind, read.sources[2].enabled, read.sources[2].weight) == (
        SourceKind.CALENDAR,
        False,
        1,
    )
    assert read.title == "Mine & yours"


def test_what_cannot_be_taken_is_named_and_the_rest_goes_in() -> None:
    assert read_opml(NESTED.encode("utf-16")).problems == (
        '"Cat again" is in the file twice (https://cat.example/feed)',
        '"Nowhere" has no web address',
        '"Bad" has no web address: file:///etc/passwd',
    )


def test_what_is_written_is_read_back_as_it_was() -> None:
    sources = (
        Source(url="https://a.example/f?x=1&y=<2>", title='A "quoted" & <odd> title', section="news"),
        Source(
            url="https://b.example/c.ics",
            title="日本語",
            kind=SourceKind.CALENDAR,
            site_url="https://b.example/",
            owner="B & Co",
            section="my-own",
            newsletters=("one", "two"),
            weight=2.5,
            enabled=False,
            note="switched off: too loud",
            full_text=FullText.NEVER,
        ),
        Source(
            url="https://c.example/list",
            title="C",
            kind=SourceKind.PAGE,
            recipe="item=li.post > a; date=.when",
            full_text=FullText.ALWAYS,
        ),
        Source(
            url="https://d.example/list", title="D", kind=SourceKind.JSON, recipe='title=a | "b"; url=c&d'
        ),
        Source(url="https://e.example/map", title="E", kind=SourceKind.SITEMAP, recipe="only=/blog/"),
        Source(url="https://f.example/on", title="F", kind=SourceKind.EVENTS, recipe="link=.card a"),
    )

    read = read_opml(write_opml(sources, "All"))

    assert {s.url for s in read.sources} == {
        "https://a.example/f?x=1&y=%3C2%3E",
        *(s.url for s in sources[1:]),
    }
    assert read.sources[1:] == sources[1:]
    assert read.sources[0].title == sources[0].title
    assert read.problems == ()


def test_one_source_under_several_addresses_is_taken_once() -> None:
    urls = ("https://a.example/feed", "http://a.example/feed/", "HTTPS://A.example:443/feed?utm_source=x")
    outlines = "".join(f'<outline text="{url}" xmlUrl="{url}"/>' for url in urls)

    read = read_opml(f"<opml><body>{outlines}</body></opml>".encode())

    assert [one.url for one in read.sources] == [urls[0]]
    assert len(read.problems) == 2


def test_a_source_in_sixty_thousand_folders_is_found() -> None:
    folders = '<outline text="f">' * 60_000 + '<outline text="news">'
    inside = f'{folders}<outline text="Deep" xmlUrl="https://deep.example/"/>{"</outline>" * 60_001}'

    (one,) = read_opml(f"<opml><body>{inside}</body></opml>".encode()).sources

    assert (one.title, one.section) == ("Deep", "news")


def test_a_bomb_in_a_list_of_sources_does_not_grow() -> None:
    bomb = '<!ENTITY a "aaaaaaaaaa">' + "".join(
        f'<!ENTITY a{n} "{f"&a{n - 1 or str()};" * 10}">' for n in range(1, 12)
    )
    opml = f'<!DOCTYPE opml [{bomb}]><opml><body><outline text="&a11;" xmlUrl="https://x.example/"/></body></opml>'

    (one,) = read_opml(opml.encode()).sources

    assert len(one.title) < 20


@given(st.text(max_size=80), st.text(max_size=80))
def test_no_title_or_note_breaks_the_file(title: str, note: str) -> None:
    source = Source(url="https://a.example/", title=title, note=note)

    assert len(read_opml(write_opml([source], title)).sources) == 1


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"", "not an OPML file"),
        (b"<html></html>", "not an OPML file"),
        (b"<opml>\n<body>\n<outline>\n</opml>", "damaged at line 4"),
        (b"<opml>" + b"<a>" * 5, "damaged at line 1"),
    ],
)
def test_what_is_no_opml_is_one_clear_line(data: bytes, line: str) -> None:
    with pytest.raises(ParseError) as caught:
        read_opml(data)

    assert line in caught.value.what


def test_the_starter_pack_is_complete_and_honest() -> None:
    pack = starter_pack()

    assert len(pack) == len({source.url for source in pack}) == 47
    assert {source.section for source in pack} == {"news", "learnings", "events"}
    assert all(source.title and source.owner and source.site_url for source in pack)
    assert all(source.note for source in pack if not source.enabled)
    lists = [source for source in pack if source.kind is SourceKind.JSON]
    assert len(lists) == 5
    assert all(source.enabled for source in lists)
