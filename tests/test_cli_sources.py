"""Sources from the command line: found, checked, listed, switched, as OPML both ways."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from commands import Digest, digest, feed
from sites import Site, open_site

__all__ = ["digest"]

PAGE = '<html><head><link rel="alternate" type="application/rss+xml" title="{}" href="{}"></head></html>'


def put_page(site: Site, *names: str) -> None:
    links = "".join(PAGE.format(name, f"/{name}") for name in names)
    site.put("/", links, content_type="text/html")
    for name in names:
        site.put(f"/{name}", feed("A story", name=name))


async def test_a_sites_address_is_enough_and_twice_is_one_source(digest: Digest) -> None:
    async with open_site() as site:
        put_page(site, "blog")

        first = await digest.later("sources", "add", site.url, "--section", "news", "--owner", "Us")
        again = await digest.later("sources", "add", site.url)

    assert first.stderr.startswith("added")
    assert again.stderr.startswith("there")
    (source,) = digest.json("sources", "list")["sources"]
    assert (source["url"], source["section"], source["owner"]) == (f"{site.url}/blog", "news", "Us")


async def test_of_several_feeds_the_first_is_taken_and_all_are_told(digest: Digest) -> None:
    async with open_site() as site:
        put_page(site, "first", "second")

        err = (await digest.later("sources", "add", site.url)).stderr

    assert "1  first" in err
    assert "2  second" in err
    assert [one["title"] for one in digest.json("sources", "list")["sources"]] == ["first"]


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("nonsense",), "is no address of a site"),
        (("javascript:alert(1)",), "is no address of a site"),
        (("https://x.example", "--section", "sport"), "there is: news, learnings, events"),
        (("https://x.example", "-n", "other"), "there is: week"),
        (("https://x.example", "--weight", "many"), "--weight"),
        (("https://x.example", "--kind", "podcast"), "--kind"),
    ],
)
def test_what_cannot_be_added_is_one_clear_line(digest: Digest, args: tuple[str, ...], words: str) -> None:
    assert words in digest.run("sources", "add", *args, code=2).stderr


async def test_a_page_without_a_feed_and_a_dead_host_are_one_line_and_no_check_stores_them(
    digest: Digest,
) -> None:
    async with open_site() as site:
        site.put("/", "<p>no feed</p>", content_type="text/html")
        await digest.later("sources", "add", site.url, code=1)
        await digest.later("sources", "add", site.url, "--no-check", "--title", "Later")

    assert [one["title"] for one in digest.json("sources", "list")["sources"]] == ["Later"]
    assert digest.run("sources", "add", "http://127.0.0.1:1/", code=1).stderr.startswith("error[G")


async def test_a_check_reads_and_stores_nothing(digest: Digest) -> None:
    async with open_site() as site:
        site.put("/feed", feed("A fresh story"))
        site.put("/html", "<html><body>no feed</body></html>")
        await digest.later("sources", "add", f"{site.url}/feed")
        await digest.later("sources", "add", f"{site.url}/html", "--no-check", "--title", "Broken")

        one = await digest.later("sources", "check", "blog")
        some = await digest.later("sources", "check", code=4)
        all_bad = await digest.json_later("sources", "check", f"{site.url}/html", "--kind", "feed", code=1)

    assert "A fresh story" in one.stdout
    assert "failed  Broken:" in some.stdout
    assert all_bad["failed"] == 1
    assert all(source["checked_at"] is None for source in digest.json("sources", "list")["sources"])


def lab() -> str:
    """A page that lists what it published, and has no feed."""
    entries = "".join(
        f'<li class="post"><h2><a href="/notes/{number}">What we measured in week {number}</a></h2>'
        f'<span class="when">{number} October 2026</span></li>'
        for number in range(3, 9)
    )
    return f"<!doctype html><html><head><title>Quiet Lab</title></head><body><ul>{entries}</ul></body></html>"


async def test_a_check_says_what_an_address_is_how_that_was_found_and_what_to_look_at(
    digest: Digest,
) -> None:
    async with open_site() as site:
        site.put("/robots.txt", "User-agent: *\nCrawl-delay: 0.1\n")
        site.put("/lab", lab(), content_type="text/html", etag='"1"', cache_control="max-age=7200")
        site.redirect("/old", "/lab")
        said = await digest.later("sources", "check", f"{site.url}/old")
        told = (await digest.json_later("sources", "check", f"{site.url}/old"))["sources"][0]

    for words in (
        "ok      Quiet Lab: 6 articles",
        f"{site.url}/old redirects to {site.url}/lab (301)",
        "names no feed, and none is at the usual places; it is a page that lists articles",
        'by itself: the entries "ul > li.post"',
        "lets us read it, with 0.1 s between",
        "ETag asked with next time; it asks for 2 h of patience; next reading in 2 h",
        "03 Oct 2026  What we measured in week 3",
        "warn    6 of 6 tell little more than a title",
    ):
        assert words in said.stdout
    assert said.stderr.endswith(f"digest --config {digest.settings} sources add {site.url}/lab --kind page\n")
    assert (told["kind"], told["error"], len(told["trail"])) == ("page", "", 3)
    assert digest.json("sources", "list")["sources"] == []


async def test_selectors_are_tried_and_then_stored(digest: Digest) -> None:
    async with open_site() as site:
        url = site.put("/lab", lab(), content_type="text/html")
        given = ("--recipe", "item=li.post", "--recipe", "date=.when")
        wrong = await digest.later("sources", "check", url, "--recipe", "item=.card", code=1)
        unknown = await digest.later("sources", "check", url, "--recipe", "items=li", code=1)
        tried = await digest.later("sources", "check", url, *given)
        await digest.later("sources", "add", url, *given)
        again = await digest.later("sources", "check", "Quiet")

    assert 'nothing on this page is ".card" (it has item=ul > li.post)' in wrong.stdout
    assert 'has no "items"' in unknown.stdout
    assert "by selectors: item=li.post; title=its heading; link=a[href]; date=.when" in tried.stdout
    assert tried.stderr.endswith("--kind page --recipe 'item=li.post; date=.when'\n")
    assert "by selectors: item=li.post" in again.stdout
    (source,) = digest.json("sources", "list")["sources"]
    assert (source["kind"], source["recipe"]) == ("page", "item=li.post; date=.when")


async def test_each_kind_says_how_it_was_read(digest: Digest) -> None:
    soon = datetime.now(UTC) + timedelta(days=9)
    event = f'{{"@type":"Event","name":"A night of talks","startDate":"{soon:%Y-%m-%dT18:00+01:00}"}}'
    entry = f'{{"conf":"Ocean","www":"https://o.example/","startDate":"{soon:%Y-%m-%d}"}}'
    async with open_site() as site:
        site.put("/events", f'<html><script type="application/ld+json">{event}</script></html>')
        site.put("/list", f'{{"data":[{entry}]}}', content_type="application/json")
        site.put("/map", f"<urlset><url><loc>{site.url}/notes/a-first-note</loc></url></urlset>")
        checked = [
            await digest.later("sources", "check", f"{site.url}/{name}", *options)
            for name, *options in (
                ("events",),
                ("list", "--recipe", "items=data; title=conf; url=www"),
                ("map", "--recipe", "only=/notes/"),
                ("list", "--kind", "json", "--recipe", "title=conf"),
            )
        ]

    events, fields, sitemap, given = (one.stdout for one in checked)
    assert "it is a page with events (schema.org)" in events
    assert f"{soon:%d %b %Y}  A night of talks" in events
    assert "by fields: items=data; title=conf; url=www; starts=startDate" in fields
    assert "1 of its 1 addresses" in sitemap
    assert "titles are guessed" in sitemap
    assert "way" not in given


async def test_a_page_that_robots_txt_keeps_to_itself_is_not_added(digest: Digest) -> None:
    async with open_site() as site:
        site.put("/robots.txt", "User-agent: *\nDisallow: /lab\n")
        url = site.put("/lab", lab(), content_type="text/html")
        added = await digest.later("sources", "add", url, code=1)
        checked = await digest.later("sources", "check", url, code=1)

    assert "robots.txt of 127.0.0.1 does not let us read this page" in added.stderr
    assert "robots.txt of 127.0.0.1 does not let us read this page" in checked.stdout


async def test_a_gathering_with_a_failure_is_partly_done(digest: Digest) -> None:
    async with open_site() as site:
        site.put("/feed", feed("A story"))
        await digest.later("sources", "add", f"{site.url}/feed")
        await digest.later("sources", "add", f"{site.url}/gone", "--no-check", "--title", "Gone")

        some = await digest.later("gather", code=4)
        none = await digest.later("gather", "--source", "Gone", code=1)

    assert "failed    Gone:" in some.stderr
    assert "1 new article from 2 sources: 1 fresh, 0 unchanged, 1 failed" in some.stderr
    assert "1 failed" in none.stderr
    assert "Gone" in digest.run("sources", "list").stdout
    assert "no source is sick" in digest.run("sources", "list", "--sick").stderr


async def test_a_source_that_is_gone_for_good_says_so_in_the_list(digest: Digest) -> None:
    async with open_site() as site:
        url = site.put("/feed", status=410)
        digest.run("sources", "add", url, "--no-check", "--title", "Gone")
        await digest.later("gather", code=1)

    (state,) = [one["state"] for one in digest.json("sources", "list")["sources"]]
    assert state.startswith("off: ")
    assert "gone for good (410)" in state


async def test_a_source_added_unseen_is_called_by_its_address_until_it_tells_its_title(
    digest: Digest,
) -> None:
    async with open_site() as site:
        url = site.put("/feed", feed("A story"))
        digest.run("sources", "add", url, "--no-check")
        before = digest.run("sources", "list").stdout
        await digest.later("gather")

    assert f"by rule  {url}" in before
    assert [one["title"] for one in digest.json("sources", "list")["sources"]] == ["A blog"]


async def test_a_second_gathering_after_a_restart_asks_nobody(digest: Digest) -> None:
    async with open_site() as site:
        site.put("/feed", feed("A story"))
        await digest.later("sources", "add", f"{site.url}/feed")
        await digest.later("gather")
        before = len(site.asked)
        again = await digest.later("gather")

    assert len(site.asked) == before
    assert "0 new articles" in again.stderr or "due" in again.stderr


def test_words_that_match_nothing_are_named(digest: Digest) -> None:
    for command in ("remove", "enable", "disable", "check"):
        assert 'no source matches "zebra"' in digest.run("sources", command, "zebra", code=1).stderr


def test_removing_needs_a_yes(digest: Digest) -> None:
    digest.run("sources", "add", "https://x.example/feed", "--no-check", "--title", "X")

    assert "--yes" in digest.run("sources", "remove", "X", code=2).stderr
    assert "removed" in digest.run("sources", "remove", "X", "--yes").stderr
    assert digest.json("sources", "list")["sources"] == []


def test_a_source_is_switched_off_and_on(digest: Digest) -> None:
    digest.run("sources", "add", "https://x.example/feed", "--no-check", "--title", "X")

    digest.run("sources", "disable", "X")
    assert digest.json("sources", "list")["sources"][0]["state"] == "off"
    digest.run("sources", "enable", "X")
    assert digest.json("sources", "list")["sources"][0]["state"] == "not read yet"


def test_an_export_is_imported_again_and_twice_is_safe(digest: Digest, tmp_path: Path) -> None:
    digest.run("sources", "starter")
    file = str(tmp_path / "sources.opml")
    digest.run("sources", "export", file)
    before = digest.json("sources", "list")["sources"]

    assert "added     0 of" in digest.run("sources", "import", file).stderr
    for source in before[:3]:
        digest.run("sources", "remove", source["url"], "--yes")
    assert "added     3 of" in digest.run("sources", "import", file).stderr
    names = ("url", "title", "section", "owner", "kind", "enabled", "weight")
    after = digest.json("sources", "list")["sources"]
    assert [[one[name] for name in names] for one in after] == [
        [one[name] for name in names] for one in before
    ]


def test_two_thousand_sources_are_one_report_and_twice_is_safe(digest: Digest, tmp_path: Path) -> None:
    digest.run("sources", "add", "http://s7.example/feed/", "--no-check", "--title", "Mine")
    good = "".join(f'<outline text="{n}" xmlUrl="https://s{n}.example/feed"/>' for n in range(2000))
    bad = "".join(f'<outline text="{n}" xmlUrl="ftp://s{n}.example/"/>' for n in range(50))
    file = tmp_path / "big.opml"
    file.write_text(f"<opml><body>{good}{bad}</body></opml>")

    first = digest.run("sources", "import", str(file), code=4).stderr
    again = digest.json("sources", "import", str(file), code=4)

    assert "added     1999 of 2000 sources, 1 were there already; 50 entries refused" in first
    assert first.count("refused   ") == 21
    assert "30 more" in first
    assert (again["added"], again["already"], len(again["refused"])) == (0, 2000, 50)
    (mine,) = [one for one in digest.json("sources", "list")["sources"] if "s7.example" in one["url"]]
    assert mine["title"] == "Mine"


def test_an_opml_from_a_pipe_and_to_a_pipe(digest: Digest) -> None:
    outline = '<outline type="rss" text="X" xmlUrl="https://x.example/feed"/><outline type="rss" text="Y" xmlUrl="ftp://y"/>'
    opml = f'<opml version="2.0"><body>{outline}</body></opml>'

    result = digest.run("sources", "import", "-", "--json", stdin=opml, code=4)

    assert json.loads(result.stdout)["added"] == 1
    assert "refused" in result.stderr
    assert "https://x.example/feed" in digest.run("sources", "export").stdout


@pytest.mark.parametrize("data", [b"", b"<html>", b"\xff\xfe\x00", b"<opml><body><outline"])
def test_a_file_that_is_no_opml_is_one_clear_line(digest: Digest, data: bytes) -> None:
    err = digest.run("sources", "import", "-", stdin=data, code=1).stderr

    assert err.startswith("error[G003]")


def test_a_file_that_is_not_there_is_one_clear_line(digest: Digest) -> None:
    assert "No such file" in digest.run("sources", "import", "/nowhere/x.opml", code=2).stderr
    assert "No such file" in digest.run("sources", "export", "/nowhere/x.opml", code=2).stderr
    assert "directory" in digest.run("sources", "import", str(digest.folder), code=2).stderr


def put_source(digest: Digest, *options: str) -> dict[str, object]:
    """A source that nobody can read, as `sources list` shows it."""
    digest.run("sources", "add", "https://a.example/feed", "--no-check", "--title", "A blog", *options)
    (source,) = digest.json("sources", "list")["sources"]
    return dict(source)


def test_set_changes_what_is_given_and_nothing_else(digest: Digest) -> None:
    before = put_source(digest, "--owner", "Us", "--section", "news")

    told = digest.json("sources", "set", "A blog", "--weight", "2", "--section", "learnings", "-n", "week")
    again = digest.json("sources", "set", "A blog", "--weight", "2")

    (after,) = digest.json("sources", "list")["sources"]
    assert after == before | {"weight": 2.0, "section": "learnings", "newsletters": ["week"]}
    assert (told["changed"], told["sources"]) == (1, [after])
    assert again["changed"] == 0


def test_set_with_empty_words_goes_back_to_the_default(digest: Digest) -> None:
    before = put_source(digest)
    chosen = ("--section", "news", "--newsletter", "week", "--kind", "page", "--recipe", "item=li")
    digest.run("sources", "set", "1", *chosen)

    digest.run("sources", "set", "1", "--section", "", "--newsletter", "", "--kind", "feed", "--recipe", "")

    assert digest.json("sources", "list")["sources"] == [before]


def test_a_source_that_is_stored_unseen_has_a_recipe_that_its_kind_can_follow(digest: Digest) -> None:
    unseen = ("sources", "add", "https://a.example/feed", "--no-check")

    assert "takes no recipe" in digest.run(*unseen, "--recipe", "item=li", code=2).stderr
    assert "added" in digest.run(*unseen, "--kind", "page", "--recipe", "item=li").stderr


async def test_a_source_of_another_kind_is_read_anew(digest: Digest) -> None:
    async with open_site() as site:
        url = site.put("/list", '<ul><li><a href="/a">A long enough story</a></ul>', etag='"1"')
        digest.run("sources", "add", url, "--no-check", "--title", "A list")
        await digest.later("gather", "--all", code=1)

        digest.run("sources", "set", "A list", "--kind", "page", "--recipe", "item=li")
        await digest.later("gather")

    (source,) = digest.json("sources", "list")["sources"]
    assert (source["kind"], source["recipe"], source["state"]) == ("page", "item=li", "ok")


@pytest.mark.parametrize(
    ("args", "words", "code"),
    [
        (("1",), "nothing to change", 2),
        (("1", "--section", "sport"), "there is: news, learnings, events", 2),
        (("1", "-n", "other"), "there is: week", 2),
        (("1", "--weight", "11"), "--weight", 2),
        (("1", "--recipe", "nonsense"), "a source of kind feed takes no recipe", 2),
        (("1", "--kind", "page", "--recipe", "nonsense"), 'has no "nonsense"', 2),
        (
            ("1", "--kind", "sitemap", "--recipe", "only="),
            '"only" in the recipe',
            2,
        ),
        (("example", "--title", "One"), "2 sources match", 2),
        (("nothing", "--weight", "2"), 'no source matches "nothing"', 1),
    ],
)
def test_what_cannot_be_set_is_one_clear_line(
    digest: Digest, args: tuple[str, ...], words: str, code: int
) -> None:
    put_source(digest)
    digest.run("sources", "add", "https://b.example/feed", "--no-check", "--title", "B")

    assert words in digest.run("sources", "set", *args, code=code).stderr


def test_adding_what_is_there_names_it_and_the_command_that_changes_it(digest: Digest) -> None:
    put_source(digest)

    again = digest.run("sources", "add", "http://a.example/feed/", "--no-check", "--weight", "3").stderr

    assert "1  A blog (feed, https://a.example/feed), left as it is" in again
    assert "sources set 1" in again
    assert digest.json("sources", "list")["sources"][0]["weight"] == 1.0
