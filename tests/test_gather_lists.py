"""Sources that are no feed: lists in JSON, sitemaps, pages of articles, pages of events."""

import gzip
import json
from datetime import UTC, datetime, timedelta

import pytest

from digest.domain import SourceKind
from digest.errors import ParseError
from digest.gather.dates import find_moment, read_moment
from digest.gather.document import Body, Document, Item
from digest.gather.htmltree import parse, select
from digest.gather.kinds import KINDS
from digest.gather.presets import feed_address, feed_in

NOW = datetime(2026, 8, 21, 18, 0, tzinfo=UTC)
DAY = timedelta(days=1)
CHANNEL = "UCabcdefghijklmnopqrstuv"


def read(kind: SourceKind, data: bytes | str, *, recipe: str = "", url: str = "") -> Document:
    raw = data.encode() if isinstance(data, str) else data
    return KINDS[kind](Body(data=raw, url=url or "https://site.example/blog/", recipe=recipe), NOW)


def listed(entries: object, *, recipe: str = "", url: str = "") -> tuple[Item, ...]:
    return read(SourceKind.JSON, json.dumps(entries), recipe=recipe, url=url).items


CONFERENCE = {
    "name": "Harbour Conf",
    "url": "https://harbour.example/",
    "startDate": "2026-09-14",
    "endDate": "2026-09-16",
    "city": "Aarhus",
    "country": "Denmark",
    "online": False,
    "cfpUrl": "https://harbour.example/call",
    "cfpEndDate": "2026-08-30",
}


def test_a_city_that_is_a_country_is_named_once() -> None:
    (conference, _) = listed([CONFERENCE | {"city": "Singapore", "country": "Singapore"}])

    assert conference.event is not None
    assert conference.event.place == "Singapore"


def test_a_list_of_conferences_is_read_by_the_names_of_its_fields() -> None:
    conference, call = listed(
        [CONFERENCE, CONFERENCE | {"name": "Over", "startDate": "2026-01-01", "endDate": ""}]
    )[:2]

    assert conference.event is not None
    assert (conference.title, conference.url) == ("Harbour Conf", "https://harbour.example/")
    assert conference.event.starts_at == datetime(2026, 9, 14, tzinfo=UTC)
    assert conference.event.ends_at == datetime(2026, 9, 17, tzinfo=UTC)
    assert (conference.event.place, conference.event.all_day) == ("Aarhus, Denmark", True)
    assert call.event is not None
    assert (call.title, call.url, call.event.is_deadline) == (
        "Harbour Conf: call closes",
        "https://harbour.example/call",
        True,
    )


def test_an_event_keeps_its_name_when_it_is_listed_again_or_moved_by_days() -> None:
    first = listed([CONFERENCE])
    moved = listed([CONFERENCE | {"startDate": "2026-09-15", "extra": 1}])

    assert [item.guid for item in first] == [item.guid for item in moved]


def test_an_event_keeps_its_name_when_its_city_becomes_known() -> None:
    first = listed([CONFERENCE | {"city": "", "country": ""}])
    named = listed([CONFERENCE])

    assert [item.guid for item in first] == [item.guid for item in named]


def test_one_title_in_two_cities_is_two_events() -> None:
    items = listed([CONFERENCE, CONFERENCE | {"city": "Riga"}, CONFERENCE])

    assert len({item.guid for item in items if item.event and not item.event.is_deadline}) == 2


def test_daily_papers_are_those_with_votes() -> None:
    papers = [
        {"paper": {"id": "2608.1", "title": "Measured", "summary": "We measure.", "upvotes": 40}},
        {
            "paper": {"id": "2608.2", "title": "Unloved", "upvotes": 2},
            "publishedAt": "2026-08-20T08:00:00.000Z",
        },
    ]

    (paper,) = listed(papers, url="https://huggingface.co/api/daily_papers")

    assert (paper.guid, paper.url) == ("2608.1", "https://huggingface.co/papers/2608.1")
    assert (paper.title, paper.description) == ("Measured", "We measure.")


def test_dates_in_milliseconds_and_topics_choose_from_a_list_of_everything() -> None:
    start = 1_788_220_800_000
    models = {"name": "Models", "date": [start, start + 86_400_000], "city": "Riga", "country": "Latvia"}
    models |= {"tags": [{"key": "topic", "value": "AI"}], "location": "Riga (Latvia) & Online"}
    java = {"name": "Java", "date": [start], "hyperlink": "https://j.example", "tags": [{"value": "java"}]}
    entries = [models, java]

    (one,) = listed(entries, url="https://developers.events/all-events.json")

    assert one.event is not None
    assert (one.title, one.event.place, one.event.online) == ("Models", "Riga, Latvia", True)
    assert one.event.starts_at == datetime(2026, 9, 1, tzinfo=UTC)
    assert one.event.ends_at == datetime(2026, 9, 3, tzinfo=UTC)


def test_the_end_of_a_competition_is_a_deadline() -> None:
    data = {
        "data": [
            {"name": "Find the boat", "url": "https://k.example/1", "deadline": "25 Sep 2026", "prize": "€5"}
        ]
    }

    (one,) = listed(data, url="https://raw.githubusercontent.com/mlcontests/x/competitions.json")

    assert one.event is not None
    assert (one.title, one.description, one.event.is_deadline) == ("Find the boat", "€5", True)
    assert one.event.starts_at == datetime(2026, 9, 25, tzinfo=UTC)


def test_a_recipe_maps_the_fields_of_any_list() -> None:
    data = {
        "payload": {
            "rows": [{"t": {"en": "One"}, "slug": "one", "when": 1787000000, "n": 3}, {"t": {}, "n": 9}]
        }
    }
    recipe = "items=payload.rows; title=t.en; url=https://x.example/{slug}; published=when; least=n 3"

    (one,) = listed(data, recipe=recipe)

    assert (one.title, one.url) == ("One", "https://x.example/one")
    assert one.published == datetime.fromtimestamp(1787000000, UTC)


@pytest.mark.parametrize(
    ("data", "recipe", "line"),
    [
        ("", "", "the answer is empty"),
        ("<html></html>", "", "this is not JSON"),
        ('{"a": 1}', "", "this is JSON, but it has no list of items"),
        ("[", "", "this JSON is damaged: line 1, column 2"),
        ("[" * 100_000, "", "this JSON is nested too deeply"),
        ('[{"x": 1}]', "", "none of the list's fields is a title: x"),
        ("[]", "colour=red", 'the recipe of this source has no "colour"'),
        ("[]", "title=", '"title" in the recipe of this source says nothing'),
        ('{"a": [1]}', "items=a.b", 'this is JSON, but it has no list at "a.b"'),
    ],
)
def test_what_is_no_list_is_one_clear_line(data: str, recipe: str, line: str) -> None:
    with pytest.raises(ParseError) as caught:
        read(SourceKind.JSON, data, recipe=recipe)

    assert caught.value.what == line


SITEMAP = """<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"
  xmlns:news="http://www.google.com/schemas/sitemap-news/0.9">
  <url><loc>https://site.example/</loc></url>
  <url><loc>https://site.example/blog/the-old-harbour</loc><lastmod>2026-07-01</lastmod></url>
  <url><loc>https://site.example/news/1</loc><news:news><news:publication><news:name>S</news:name>
    <news:language>da</news:language></news:publication><news:publication_date>2026-08-20T10:00:00+02:00</news:publication_date>
    <news:title>Havnen &amp; byen</news:title></news:news></url>
  <url><loc>javascript:alert(1)</loc></url></urlset>"""


def test_a_sitemap_gives_its_pages_the_newest_first() -> None:
    news, old = read(SourceKind.SITEMAP, SITEMAP).items

    assert (news.title, news.language) == ("Havnen & byen", "da")
    assert news.published == datetime(2026, 8, 20, 8, 0, tzinfo=UTC)
    assert (old.title, old.url) == ("The old harbour", "https://site.example/blog/the-old-harbour")


def test_a_recipe_chooses_from_a_sitemap_by_address() -> None:
    (one,) = read(SourceKind.SITEMAP, SITEMAP, recipe="only=/blog/").items

    assert one.title == "The old harbour"
    assert len(read(SourceKind.SITEMAP, SITEMAP, recipe="but=/blog/").items) == 1


def test_a_packed_sitemap_is_unpacked_and_a_bomb_is_not() -> None:
    assert len(read(SourceKind.SITEMAP, gzip.compress(SITEMAP.encode())).items) == 2
    with pytest.raises(ParseError, match="larger than 50 MB"):
        read(SourceKind.SITEMAP, gzip.compress(b" " * 60_000_000))


def test_a_sitemap_of_sitemaps_leads_to_its_newest_parts() -> None:
    parts = "".join(
        f"<sitemap><loc>/part{n}.xml</loc><lastmod>2026-0{n}-01</lastmod></sitemap>" for n in range(1, 9)
    )

    found = read(SourceKind.SITEMAP, f"<sitemapindex>{parts}</sitemapindex>")

    assert found.follow == tuple(f"https://site.example/part{n}.xml" for n in (8, 7, 6))


def test_the_day_of_a_sites_building_is_no_date_of_its_pages() -> None:
    urls = "".join(f"<url><loc>/page-{n}</loc><lastmod>2026-08-21</lastmod></url>" for n in range(40))

    found = read(SourceKind.SITEMAP, f"<urlset>{urls}</urlset>")

    assert {item.published for item in found.items} == {None}


PAGE = """<!doctype html><html lang="en"><head><title>Kestrel Lab: Writing</title></head><body>
<header><nav><ul><li><a href="/about-the-laboratory">About the laboratory</a></li>
<li><a href="/people-of-the-laboratory">People of the laboratory</a></li>
<li><a href="/work-at-the-laboratory">Work at the laboratory</a></li></ul></nav></header>
<main><h1>Writing</h1><div class="grid">
<div class="card c1"><a href="/writing/how-we-count-boats"><h3>How we count boats at night</h3></a>
  <p>Counting by radar goes wrong in rain, so we listened instead, with nine microphones.</p>
  <span>August 19, 2026</span></div>
<div class="card c2"><a href="/writing/a-year-of-tides"><h3>A year of tides in one file</h3></a>
  <time datetime="2026-08-12T09:00:00Z">12 Aug</time></div>
<div class="card c3"><a href="/writing/small-models"><h3>Small models on small boats</h3></a>
  <span>3 July 2026</span></div>
<div class="card c4"><a href="https://elsewhere.example/x"><h3>A guest article elsewhere</h3></a></div>
</div></main><footer><a href="/terms-and-conditions">Terms and conditions</a>
<a href="/privacy-and-other-matters">Privacy and other matters</a>
<a href="/where-we-are-found">Where we are found</a></footer>
</body></html>"""


def test_a_page_without_a_feed_is_read_by_itself() -> None:
    document = read(SourceKind.PAGE, PAGE)

    assert (document.title, document.language) == ("Kestrel Lab: Writing", "en")
    assert [(item.title, item.url) for item in document.items] == [
        ("How we count boats at night", "https://site.example/writing/how-we-count-boats"),
        ("A year of tides in one file", "https://site.example/writing/a-year-of-tides"),
        ("Small models on small boats", "https://site.example/writing/small-models"),
    ]
    assert [item.published for item in document.items] == [
        datetime(2026, 8, 19, tzinfo=UTC),
        datetime(2026, 8, 12, 9, 0, tzinfo=UTC),
        datetime(2026, 7, 3, tzinfo=UTC),
    ]
    assert document.items[0].description.startswith("Counting by radar")


def test_an_operators_selectors_say_what_an_entry_is() -> None:
    recipe = "item=div.grid > div[class^='card']; title=h3; link=a[href]; date=span"

    items = read(SourceKind.PAGE, PAGE, recipe=recipe).items

    assert len(items) == 4
    assert items[1].published is None
    assert items[3].url == "https://elsewhere.example/x"


def test_a_pages_own_list_in_json_ld_is_believed() -> None:
    blog = {"@type": "Blog", "blogPost": [
        {"@type": "BlogPosting", "headline": f"Post {n}", "url": f"/p/{n}", "datePublished": "2026-08-01"}
        for n in range(3)
    ]}  # fmt: skip

    page = f'<html><script type="application/ld+json">{json.dumps(blog)}</script><body></body></html>'

    assert [item.title for item in read(SourceKind.PAGE, page).items] == ["Post 0", "Post 1", "Post 2"]


@pytest.mark.parametrize(
    ("page", "recipe", "line"),
    [
        ("", "", "the answer is empty"),
        ("<rss></rss>", "", "this is not a web page: its first element is <rss>"),
        ("<html><body><p>Hi</p></body></html>", "", "no list of articles can be told on this page"),
        (PAGE, "item=.nothing", 'nothing on this page is ".nothing"'),
        (PAGE, "item=p", "the entries of this page have no link with words"),
        (PAGE, "item=a:hover", '"a:hover" is not a selector that can be read'),
        (PAGE, "item=a[", '"a[" is not a selector that can be read'),
        ("<html>" + "<div>" * 50_000 + "x", "", "no list of articles can be told on this page"),
    ],
)
def test_a_page_of_which_nothing_can_be_told_is_one_clear_line(page: str, recipe: str, line: str) -> None:
    with pytest.raises(ParseError) as caught:
        read(SourceKind.PAGE, page, recipe=recipe)

    assert caught.value.what == line


@pytest.mark.parametrize(
    ("selector", "texts"),
    [
        ("li", ["a", "b", "c"]),
        ("ul > li.x", ["b"]),
        ("li.x.y, #last", ["b", "c"]),
        ("li:first-child", ["a"]),
        ("li:nth-child(2)", ["b"]),
        ("li[data-k]", ["c"]),
        ("li[data-k='v w']", ["c"]),
        ("li[data-k~=w]", ["c"]),
        ("li[data-k$=w]", ["c"]),
        ("li + li", ["b", "c"]),
        ("li.x ~ li", ["c"]),
        ("*[id]", ["c"]),
    ],
)
def test_a_simple_selector_names_its_elements(selector: str, texts: list[str]) -> None:
    tree = parse('<ul><li>a</li><li class="x  y">b</li><li id="last" data-k="v w">c</li></ul>')

    assert [element.text for element in select(tree, selector)] == texts


def ld(*blocks: object) -> str:
    scripts = "".join(f'<script type="application/ld+json">{json.dumps(block)}</script>' for block in blocks)
    return f"<html><head><title>Harbour Hall</title>{scripts}</head><body></body></html>"


EVENT = {
    "@type": "EducationEvent",
    "name": "Night of models",
    "startDate": "2026-09-03T18:00:00+02:00",
    "endDate": "2026-09-03T21:00:00+02:00",
    "location": {
        "@type": "Place",
        "name": "Harbour Hall",
        "address": {"addressLocality": "Aarhus", "addressCountry": {"@type": "Country", "name": "Denmark"}},
    },
    "url": "/night",
}


def test_events_of_a_page_are_found_however_deep_they_stand() -> None:
    graph = {"@context": "https://schema.org", "@graph": [{"@type": "WebPage", "mainEntity": [[EVENT]]}]}

    document = read(SourceKind.EVENTS, ld({"@type": "Organization"}, graph, EVENT))

    (item,) = document.items
    assert item.event is not None
    assert (document.title, item.title, item.url) == (
        "Harbour Hall",
        "Night of models",
        "https://site.example/night",
    )
    assert item.event.starts_at == datetime(2026, 9, 3, 16, 0, tzinfo=UTC)
    assert item.event.place == "Harbour Hall, Aarhus, Denmark"


@pytest.mark.parametrize(
    ("start", "more", "zone", "hour"),
    [
        ("2026-09-03T18:00", {}, "floating", 18),
        ("2026-09-03T18:00Z", {}, "", 18),
        ("2026-09-03T18:00", {"timezone": "Europe/Copenhagen"}, "Europe/Copenhagen", 16),
        ("2026-09-03", {}, "", 0),
    ],
)
def test_an_hour_without_an_offset_is_kept_as_the_clocks_show_it(
    start: str, more: dict[str, str], zone: str, hour: int
) -> None:
    (item,) = read(SourceKind.EVENTS, ld(EVENT | {"startDate": start, "endDate": ""} | more)).items

    assert item.event is not None
    assert (item.event.zone, item.event.starts_at) == (zone, datetime(2026, 9, 3, hour, tzinfo=UTC))


def test_what_is_over_is_left_out_and_what_is_cancelled_or_online_is_told() -> None:
    online = EVENT | {"name": "Stream", "location": {"@type": "VirtualLocation", "url": "https://v.example"}}
    gone = EVENT | {"name": "Gone", "eventStatus": "https://schema.org/EventCancelled"}
    over = EVENT | {"name": "Over", "startDate": "2026-01-01", "endDate": "2026-01-02"}

    items = {item.title: item.event for item in read(SourceKind.EVENTS, ld([online, gone, over])).items}

    stream, called_off = items["Stream"], items["Gone"]
    assert set(items) == {"Stream", "Gone"}
    assert stream is not None
    assert called_off is not None
    assert (stream.online, stream.place, stream.is_cancelled) == (True, "", False)
    assert called_off.is_cancelled


def test_a_damaged_block_does_not_hide_the_others() -> None:
    page = ld(EVENT).replace(
        "<head>", '<head><script type="application/ld+json">{"@type": "Event", </script>'
    )
    page = page.replace('"url": "/night"}', '"url": "/night",}')

    assert len(read(SourceKind.EVENTS, page).items) == 1


def test_a_list_of_events_leads_to_their_pages() -> None:
    page = '<html><a class="e" href="/e/1">1</a><a class="e" href="/e/2">2</a><a href="/x">x</a></html>'

    assert read(SourceKind.EVENTS, page, recipe="link=a.e").follow == (
        "https://site.example/e/1",
        "https://site.example/e/2",
    )


def test_a_page_without_events_is_one_clear_line() -> None:
    with pytest.raises(ParseError, match="names no event"):
        read(SourceKind.EVENTS, PAGE)


@pytest.mark.parametrize(
    ("words", "moment"),
    [
        ("2026-08-19", datetime(2026, 8, 19, tzinfo=UTC)),
        ("on 19 August 2026", datetime(2026, 8, 19, tzinfo=UTC)),
        ("Aug. 19th, 2026", datetime(2026, 8, 19, tzinfo=UTC)),
        ("19. März 2026", datetime(2026, 3, 19, tzinfo=UTC)),
        ("19 août 2026", datetime(2026, 8, 19, tzinfo=UTC)),
        ("19 de agosto de 2026", datetime(2026, 8, 19, tzinfo=UTC)),
        ("2026年8月19日", datetime(2026, 8, 19, tzinfo=UTC)),
        ("2026-08-19T10:00:00+02:00", datetime(2026, 8, 19, 8, 0, tzinfo=UTC)),
        ("2026-08-19T10:00:00.123Z", datetime(2026, 8, 19, 10, 0, 0, 123000, tzinfo=UTC)),
        ("31 February 2026", None),
        ("Version 3 of 2026", None),
        ("", None),
    ],
)
def test_a_date_is_read_as_people_write_it(words: str, moment: datetime | None) -> None:
    assert find_moment(words) == (moment.astimezone(UTC) if moment else None)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 10**30, True, None, [], [[1]], {}, "soon"])
def test_what_is_no_date_is_none(value: object) -> None:
    assert read_moment(value) is None


@pytest.mark.parametrize(
    ("page", "feed"),
    [
        (f"https://www.youtube.com/channel/{CHANNEL}", f"https://www.youtube.com/feeds/videos.xml?channel_id={CHANNEL}"),
        ("https://arxiv.org/list/cs.CL/recent", "https://rss.arxiv.org/rss/cs.CL"),
        ("https://news.ycombinator.com/", "https://news.ycombinator.com/rss"),
        ("https://huggingface.co/papers", "https://huggingface.co/api/daily_papers"),
        ("https://example.org/blog", "https://example.org/blog"),
    ],
)  # fmt: skip
def test_a_well_known_page_stands_for_its_feed(page: str, feed: str) -> None:
    assert feed_address(page) == feed


def test_a_channels_page_by_name_leads_to_its_feed_however_late_it_says_which() -> None:
    page = "<html>" + "<script>var a;</script>" * 40_000 + f'<script>{{"externalId":"{CHANNEL}"}}</script>'
    feed = f"https://www.youtube.com/feeds/videos.xml?channel_id={CHANNEL}"

    assert feed_in("https://www.youtube.com/@quietlab", page) == feed
    assert feed_in("https://www.youtube.com/c/quietlab/videos", page) == feed
    assert feed_in("https://tube.example/@quietlab", page) == ""
    assert feed_in("https://www.youtube.com/@quietlab", "<html>") == ""


def test_new_papers_are_told_and_new_versions_of_old_ones_are_not() -> None:
    items = "".join(
        f"<item><title>{kind}</title><link>https://arxiv.org/abs/1</link><description>arXiv:2608.1v1 "
        f"Announce Type: {kind} \nAbstract: We say {kind}.</description></item>"
        for kind in ("new", "replace-cross")
    )
    feed = f"<rss version='2.0'><channel><title>cs</title><link>x</link>{items}</channel></rss>"

    (item,) = read(SourceKind.FEED, feed, url="https://rss.arxiv.org/rss/cs.CL").items

    assert item.description == "We say new."


def test_links_to_comments_are_no_description() -> None:
    item = "<item><title>T</title><description><![CDATA[<a href='https://x.example'>Comments</a>]]></description></item>"
    feed = f"<rss version='2.0'><channel><title>HN</title><link>x</link>{item}</channel></rss>"

    assert read(SourceKind.FEED, feed, url="https://news.ycombinator.com/rss").items[0].description == ""


@pytest.mark.parametrize(
    ("words", "wait"),
    [
        ("<ttl>90</ttl>", timedelta(minutes=90)),
        ("<sy:updatePeriod>daily</sy:updatePeriod><sy:updateFrequency>2</sy:updateFrequency>", DAY / 2),
        ("<ttl>soon</ttl>", timedelta(0)),
    ],
)
def test_a_feed_says_how_long_it_wants_to_be_left_alone(words: str, wait: timedelta) -> None:
    feed = (
        '<rss version="2.0" xmlns:sy="http://purl.org/rss/1.0/modules/syndication/"><channel><title>T</title>'
        f"<link>x</link>{words}<item><title>a</title></item></channel></rss>"
    )

    assert read(SourceKind.FEED, feed).wait == wait


def whole(entries: object, *, recipe: str = "") -> bool:
    return read(SourceKind.JSON, json.dumps(entries), recipe=recipe).whole_until == NOW + 400 * DAY


def test_a_list_that_is_its_whole_file_is_whole() -> None:
    assert whole([CONFERENCE])
    assert whole({"data": [CONFERENCE]})


def test_a_list_that_is_empty_sifted_or_a_page_of_several_is_not_whole() -> None:
    assert not whole([])
    assert not whole({"events": [CONFERENCE], "next": "/2"})
    assert not whole([CONFERENCE, CONFERENCE | {"city": "Oslo"}], recipe="only=city Oslo")
