"""What one reader wants, changed by the operator; and the issue of the month, made by hand."""

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from commands import Digest, digest
from sites import open_site

__all__ = ["digest"]

ADA = "ada@example.org"
CONFIRMED = ("--confirmed", "--basis", "a test")


def put_ada(digest: Digest) -> None:
    digest.run("subscribers", "add", ADA, *CONFIRMED)


def test_only_what_is_given_changes_and_twice_is_the_same(digest: Digest) -> None:
    put_ada(digest)

    digest.run("subscribers", "set", ADA, "--pace", "monthly", "--zone", "Asia/Tokyo", "--hour", "18")
    first = digest.json("subscribers", "set", ADA, "--sections", "news, events")
    again = digest.json("subscribers", "set", ADA, "--sections", "events,news")

    names = ("pace", "zone", "hour", "sections", "paused_until")
    assert [first[name] for name in names] == ["monthly", "Asia/Tokyo", 18, ["news", "events"], None]
    assert again == first
    history = digest.json("explain", "reader", ADA)["history"]
    assert sum(one["what"].startswith("changed") for one in history) == 2
    said = digest.run("explain", "reader", ADA).stdout
    assert "wants: the issue of the month, at 18:00, Asia/Tokyo time" in said


def test_a_pause_is_set_shown_and_ended(digest: Digest) -> None:
    put_ada(digest)

    said = digest.run("subscribers", "set", ADA, "--pause", "3w").stderr
    shown = digest.run("subscribers", "show", ADA).stdout
    digest.run("subscribers", "set", ADA, "--pause", "")

    assert "every issue, paused until" in said
    assert "gets no issue: paused until" in shown
    assert "paused" not in digest.run("subscribers", "show", ADA).stdout.splitlines()[-1]


def test_everything_is_as_it_was_with_empty_words(digest: Digest) -> None:
    put_ada(digest)
    before = digest.json("subscribers", "show", ADA)
    digest.run("subscribers", "set", ADA, "--zone", "Asia/Tokyo", "--hour", "0", "--sections", "news")

    after = digest.json("subscribers", "set", ADA, "--zone", "", "--hour", "", "--sections", "")

    assert after == {name: value for name, value in before.items() if name != "history"}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "nothing to change"),
        (("--zone", "Atlantis"), "no time zone Atlantis"),
        (("--hour", "25"), "no hour 25"),
        (("--sections", "news,sport"), "no section sport"),
        (("--pause", "soon"), "no length of a pause"),
        (("--pause", "0d"), "no length of a pause"),
        (("--pause", "90w"), "no length of a pause"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(
    digest: Digest, options: tuple[str, ...], words: str
) -> None:
    put_ada(digest)
    before = digest.json("subscribers", "show", ADA)

    assert words in digest.run("subscribers", "set", ADA, *options, code=2).stderr
    assert digest.json("subscribers", "show", ADA) == before


def test_who_left_or_is_not_there_is_named(digest: Digest) -> None:
    assert "is not subscribed" in digest.run("subscribers", "set", ADA, "--pace", "weekly", code=1).stderr
    put_ada(digest)
    digest.run("subscribers", "remove", ADA, "--yes")

    assert f"{ADA} has left" in digest.run("subscribers", "set", ADA, "--pace", "weekly", code=1).stderr


async def test_the_issue_of_the_month_is_made_by_hand_for_who_waits_for_it(digest: Digest) -> None:
    day = format_datetime(datetime.now(UTC) - timedelta(hours=1))
    feed = (
        '<rss version="2.0"><channel><title>S</title><item><title>A bridge opens</title>'
        "<link>https://s.example/1</link><description>A bridge opens in the harbour.</description>"
        f"<pubDate>{day}</pubDate></item>"
        "</channel></rss>"
    )
    async with open_site() as site:
        site.put("/feed.xml", feed)
        await digest.later("sources", "add", f"{site.url}/feed.xml", "--section", "news")
        await digest.later("gather", "--all")
    await digest.later("subscribers", "add", "bo@example.org", *CONFIRMED)
    nothing = (await digest.later("draft", "--monthly")).stderr
    await digest.later("draft")
    await digest.later("approve")
    nobody = (await digest.later("draft", "--monthly")).stderr
    await digest.later("subscribers", "add", ADA, *CONFIRMED)
    await digest.later("subscribers", "set", ADA, "--pace", "monthly")

    month = json.loads((await digest.later("draft", "--monthly", "--json")).stdout)
    edited = (await digest.later("edit", str(month["number"]), "1", "--title", "Mine", code=1)).stderr

    assert "no issue went since" in nothing
    assert "no reader waits" in nobody
    assert [story["title"] for story in month["stories"]] == ["A bridge opens"]
    assert "is the month's" in edited
    both = (await digest.later("draft", "--monthly", "--next", code=2)).stderr
    assert "do not go together" in both
