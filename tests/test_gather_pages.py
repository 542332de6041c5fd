"""Articles whose source tells only a teaser: their own pages are read for the rest."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from digest.config import GatherSettings
from digest.domain import Article, FullText, Source, SourceKind
from digest.errors import ParseError
from digest.gather import PageRead, canonical_url, open_client, read_pages
from digest.gather.document import Body
from digest.gather.extract import read_page
from digest.gather.pages import whole
from digest.gather.pagetext import PageText
from digest.house import House
from digest.publish import gather_sources
from digest.store import articles, sources
from sites import Site, open_site

NOW = datetime(2026, 8, 21, 18, 0, tzinfo=UTC)
TITLE = "Two Harbours Agree on How to Share Their Tides"
PARAGRAPHS = (
    "Officials from two harbours met on Monday to agree on how the readings of their tide gauges are "
    "shared, and under which rules others may use them for forecasts of their own.",
    "The next ten years decide whether small harbours can keep up, said Ane Holt, who keeps the gauges of "
    "the northern harbour and has done so since the first of them was set into the quay in 1998.",
    "Measuring is cheap, keeping is not, she said; a gauge that stands for thirty years tells more than "
    "thirty gauges that stand for one, and nobody wants to pay for the standing.",
    "Both harbours will begin in September, with the readings of the last nine years and a page that tells "
    "anybody who asks what the water did this morning.",
)


def page_like_the_seed(*, head: str = "") -> str:
    """A page of the kind that repeats its title and ends in what is not the article."""
    sections = "".join(f"<h2>Part {n}</h2><p>{text}</p>" for n, text in enumerate(PARAGRAPHS))
    related = "".join(
        f"<article><h3><a href='/r/{n}'>Another story of number {n}</a></h3><p>Read More</p></article>"
        for n in range(3)
    )
    return f"""<!doctype html><html lang="en-GB"><head><title>{TITLE} - Tidewater</title>
      <meta property="og:title" content="{TITLE}"><meta name="author" content="Jo Lind">
      <meta property="og:image" content="/tide.jpg">
      <meta property="article:published_time" content="2026-08-20T09:00:00+02:00">{head}</head>
      <body><header><nav><a href="/">Home</a><a href="/about">About</a></nav></header>
      <div class="hero"><h1>{TITLE}</h1></div><div class="breadcrumb">{TITLE}</div>
      <div class="content"><h1>{TITLE}</h1>{sections}
      <p>For more insights into tides, explore related topics such as <a href="/r/1">Another story</a>.</p>
      <h4>On Key</h4><h4>Related Posts</h4>{related}
      <h4>stay in the loop</h4><p>Get the latest tide news, learnings, and events in your inbox!</p>
      <form><input type="email"><button>Sign up</button></form></div>
      <footer>© Tidewater 2026</footer></body></html>"""


def read(markup: str, url: str = "https://tidewater.example/2026/tides") -> PageText:
    return read_page(Body(data=markup.encode(), url=url))


def test_a_page_gives_the_article_alone_and_its_title_once() -> None:
    page = read(page_like_the_seed())

    assert page.title == TITLE
    assert [line for line in page.text.split("\n") if len(line) > 40] == list(PARAGRAPHS)
    for other in (
        TITLE,
        "On Key",
        "Related Posts",
        "stay in the loop",
        "inbox",
        "Another story",
        "Tidewater",
    ):
        assert other not in page.text


@pytest.mark.parametrize(
    "layout",
    [
        "<main><article>{}</article></main>",
        "<table><tr><td>{}</td><td><a href='/side'>Aside</a></td></tr></table>",
        "<div class='a'><div class='b'>{}</div></div>",
    ],
)
def test_the_way_to_a_page_is_none_of_its_words(layout: str) -> None:
    body = "".join(f"<h2>Part {n}</h2><div>{text}</div>" for n, text in enumerate(PARAGRAPHS))
    head = f"<h1>{TITLE}</h1><div class='way'>Home » News » {TITLE}</div><h2>{TITLE}</h2>"

    page = read(f"<html><head><title>{TITLE}</title></head><body>{layout.format(head + body)}</body></html>")

    assert [line for line in page.text.split("\n") if len(line) > 20] == list(PARAGRAPHS)


def test_a_table_of_figures_stays_a_table() -> None:
    rows = "".join(f"<tr><td>Gauge {n}</td><td>{n}.5 m</td></tr>" for n in range(4))
    body = "".join(f"<p>{text}</p>" for text in PARAGRAPHS) + f"<table>{rows}</table>"

    page = read(f"<html><head><title>{TITLE}</title></head><body><article>{body}</article></body></html>")

    assert "Gauge 2" in page.text
    assert "2.5 m" in page.text


def test_a_page_tells_who_wrote_it_when_and_in_which_language() -> None:
    page = read(page_like_the_seed())

    assert (page.author, page.language, page.image) == ("Jo Lind", "en", "https://tidewater.example/tide.jpg")
    assert page.published == datetime(2026, 8, 20, 7, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("href", "canonical"),
    [
        ("/2026/tides/?utm_source=x", "https://tidewater.example/2026/tides"),
        ("https://www.tidewater.example/tides", "https://www.tidewater.example/tides"),
        ("https://other.example/tides", ""),
        ("/", ""),
        ("javascript:alert(1)", ""),
    ],
)
def test_a_page_names_itself_on_its_own_domain_only(href: str, canonical: str) -> None:
    assert read(page_like_the_seed(head=f'<link rel="canonical" href="{href}">')).canonical == canonical


@pytest.mark.parametrize("markup", ["", "%PDF-1.7", "<html><body></body></html>", "<rss></rss>"])
def test_a_page_without_an_article_is_one_clear_line(markup: str) -> None:
    with pytest.raises(ParseError):
        read(markup)


ARTICLE = Article(
    guid="1",
    url="https://tidewater.example/2026/tides",
    canonical_url=canonical_url("https://tidewater.example/2026/tides"),
    title="Tides, told",
    summary="A teaser.",
    seen_at=NOW,
)


def test_the_sources_own_words_stay_where_there_are_any() -> None:
    page = PageText(title="Other", text="A teaser. " + "word " * 400, author="B", language="en")
    given = replace(ARTICLE, author="A")

    made = whole(given, page, now=NOW)

    assert (made.title, made.author, made.language, made.minutes) == ("Tides, told", "A", "en", 2)
    assert made.summary.startswith("A teaser. word")
    assert len(made.summary) > 1000


def test_a_title_guessed_from_the_address_gives_way_to_the_pages() -> None:
    guessed = replace(ARTICLE, url="https://t.example/the-old-harbour", title="The old harbour")

    assert (
        whole(guessed, PageText(title="The Old Harbour, Told", text="x"), now=NOW).title
        == "The Old Harbour, Told"
    )


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with open_site() as opened:
        yield opened


async def read_all(*given: Article) -> list[PageRead]:
    async with open_client(GatherSettings(allow_hosts=("127.0.0.1",), timeout_seconds=20)) as client:
        return [one async for one in read_pages(given, client=client, now=NOW)]


async def test_every_page_has_one_result_whatever_it_does(site: Site) -> None:
    site.put("/robots.txt", "User-agent: *\nDisallow: /closed")
    urls = [
        site.put("/good", page_like_the_seed(), content_type="text/html"),
        site.put("/gone", status=404),
        site.put("/busy", status=503),
        site.put("/closed", page_like_the_seed()),
        site.put("/paper.pdf", b"%PDF-1.7 \x00\x01"),
        "https://nobody.example/a",
    ]

    found = {
        one.article.url.rpartition("/")[2]: one
        for one in await read_all(*(replace(ARTICLE, url=url) for url in urls))
    }

    assert {name: one.error for name, one in found.items()} == {
        "good": "",
        "gone": "127.0.0.1 answered 404",
        "busy": "127.0.0.1 answered 503",
        "closed": "robots.txt of 127.0.0.1 does not let us read this page",
        "paper.pdf": "this is not a web page",
        "a": "its address is nobody's",
    }
    assert found["busy"].is_later
    assert not found["gone"].is_later
    assert found["good"].article.text.startswith("Part 0\nOfficials from two harbours")


def feed(url: str, title: str = "Tides") -> str:
    return (
        "<rss version='2.0'><channel><title>T</title><link>https://t.example/</link><item><guid>1</guid>"
        f"<title>{title}</title><link>{url}</link><description>A teaser.</description>"
        "<pubDate>Fri, 21 Aug 2026 10:00:00 GMT</pubDate></item></channel></rss>"
    )


@pytest.mark.parametrize(
    ("full_text", "has_text"), [(FullText.SHORT, True), (FullText.ALWAYS, True), (FullText.NEVER, False)]
)
async def test_new_articles_of_a_source_are_made_whole_and_stay_so(
    house: House, site: Site, full_text: FullText, has_text: bool
) -> None:
    settings = house.settings.model_copy(update={"gather": GatherSettings(allow_hosts=("127.0.0.1",))})
    house = replace(house, settings=settings)
    page = site.put("/tides", page_like_the_seed(), content_type="text/html")
    source = Source(url=site.put("/feed", feed(page)), title="T", full_text=full_text)
    async with house.store.begin() as session:
        await sources.add(session, [source], now=NOW)

    for _ in range(2):
        site.put("/feed", feed(page) + "<!-- built again -->")
        report = await gather_sources(house, now=NOW, everything=True)

    async with house.store.read() as session:
        (article,) = await articles.by_ids(session, [1])
    assert report.revised == 0
    assert bool(article.text) is has_text
    assert ("Officials" in article.summary) is has_text
    assert site.paths().count("/tides") == has_text


async def test_an_article_with_another_title_is_read_again(house: House, site: Site) -> None:
    settings = house.settings.model_copy(update={"gather": GatherSettings(allow_hosts=("127.0.0.1",))})
    house = replace(house, settings=settings)
    page = site.put("/tides", page_like_the_seed(), content_type="text/html")
    async with house.store.begin() as session:
        await sources.add(session, [Source(url=site.put("/feed", feed(page)), title="T")], now=NOW)
    await gather_sources(house, now=NOW, everything=True)

    site.put("/feed", feed(page, "Tides, corrected"))
    report = await gather_sources(house, now=NOW, everything=True)

    async with house.store.read() as session:
        (article,) = await articles.by_ids(session, [1])
    assert report.revised == 1
    assert article.title == "Tides, corrected"
    assert article.text
    assert site.paths().count("/tides") == 2


async def test_a_sitemaps_guess_does_not_undo_the_pages_title(house: House, site: Site) -> None:
    settings = house.settings.model_copy(update={"gather": GatherSettings(allow_hosts=("127.0.0.1",))})
    house = replace(house, settings=settings)
    page = site.put("/the-tides", page_like_the_seed(), content_type="text/html")
    text = f"<urlset><url><loc>{page}</loc><lastmod>2026-08-20</lastmod></url></urlset>"
    source = Source(url=site.put("/sitemap.xml", text), title="T", kind=SourceKind.SITEMAP)
    async with house.store.begin() as session:
        await sources.add(session, [source], now=NOW)

    for built in ("", "<!-- again -->"):
        site.put("/sitemap.xml", text + built)
        report = await gather_sources(house, now=NOW, everything=True)

    async with house.store.read() as session:
        (article,) = await articles.by_ids(session, [1])
    assert (article.title, report.revised) == (TITLE, 0)
