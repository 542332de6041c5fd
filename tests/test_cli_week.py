"""The week by hand, twice: one mail a reader."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from calendars import Entry, conferences
from commands import Digest, digest, feed, make
from mailservers import recording_server, scripted_server
from sites import Site, open_site

__all__ = ["digest"]

READERS = ("ada@example.org", "bo@example.org")


async def draft_week(digest: Digest, site: Site) -> None:
    """Two readers, one source, and a draft."""
    for email in READERS:
        await digest.later("subscribers", "add", email, "--confirmed", "--basis", "a test")
    await digest.later("subscribers", "add", "waiting@example.org")
    site.put("/feed", feed("A story [bold]of[/bold] {{ 7*7 }}", "Tutorial: how to tell", "日本語の話"))
    await digest.later("sources", "add", f"{site.url}/feed")
    await digest.later("gather")
    await digest.later("draft")


async def test_a_week_by_hand_twice_is_one_mail_a_reader(digest: Digest) -> None:
    async with open_site() as site, recording_server() as mail:
        digest.change('url = "file://outbox"', f'url = "smtp://127.0.0.1:{mail.port}"')

        for turn in range(2):
            for email in READERS:
                await digest.later("subscribers", "add", email, "--confirmed", "--basis", "a test")
            site.put("/feed", feed("A story", "Another story"))
            await digest.later("sources", "add", f"{site.url}/feed")
            await digest.later("gather", "--all")
            await digest.later("draft", code=1 if turn else 0)
            await digest.later("approve", "1")
            await digest.later("send", "1", "--yes")

        assert Counter(one.recipient for one in mail.mails) == dict.fromkeys(READERS, 1)


async def test_a_draft_reads_as_an_editor_reads_it(digest: Digest) -> None:
    async with open_site() as site:
        await draft_week(digest, site)

        shown = (await digest.later("draft")).stdout

    assert "A story [bold]of[/bold] {{ 7*7 }}" in shown
    assert "日本語の話" in shown
    assert "Learnings" in shown
    assert shown.count("why: ") == 3


async def test_a_whole_day_is_shown_as_a_day_and_not_as_an_hour(digest: Digest) -> None:
    on = datetime.now(UTC) + timedelta(days=20)
    async with open_site() as site:
        open_day = Entry(title="Open Fjord Conference", starts_at=on, url=f"{site.url}/fjord")
        site.put("/list.json", conferences(open_day), content_type="application/json")
        await digest.later("sources", "add", f"{site.url}/list.json")
        await digest.later("gather")

        shown = (await digest.later("draft")).stdout

    assert f"starts {on:%a %d %b}, all day ·" in shown


async def test_each_json_is_one_object(digest: Digest) -> None:
    async with open_site() as site:
        await draft_week(digest, site)
        commands: tuple[tuple[str, ...], ...] = (
            *(("gather", "--all"), ("draft",), ("approve",), ("issues", "list"), ("issues", "show")),
            *(
                ("explain", "1"),
                ("explain", "--reader", READERS[0]),
                ("send", "--dry-run"),
                ("send", "--yes"),
            ),
            *(("send", "--yes"), ("status",), ("sources", "list"), ("sources", "check"), ("db", "check")),
            *(("config", "show"), ("subscribers", "list"), ("subscribers", "show", READERS[0]), ("doctor",)),
        )

        found = [await digest.json_later(*command) for command in commands]

    assert all(isinstance(one, dict) for one in found)
    assert len(found[1]["stories"]) == 3


async def test_approving_says_when_it_goes_and_how_to_stop_it(digest: Digest) -> None:
    async with open_site() as site:
        await draft_week(digest, site)

        err = (await digest.later("approve")).stderr

    assert "for 2 readers" in err
    assert "cancel 1 stops it" in err
    assert "already" in digest.run("approve").stderr


async def test_approving_for_nobody_says_that_who_joins_later_does_not_get_it(digest: Digest) -> None:
    async with open_site() as site:
        await draft_week(digest, site)
        for email in READERS:
            await digest.later("subscribers", "remove", email, "--yes")

        err = (await digest.later("approve")).stderr

    assert "issue 1 for 0 readers" in err
    assert "nobody waits for it, and who joins now gets the next one" in " ".join(err.split())


async def test_a_draft_is_not_sent_and_says_what_to_do_first(digest: Digest) -> None:
    async with open_site() as site:
        await draft_week(digest, site)

    err = digest.run("send", "--yes", code=1).stderr

    assert "error[S001]" in err
    assert " approve 1" in err


async def test_nobody_is_sent_anything_without_a_yes(digest: Digest) -> None:
    async with open_site() as site:
        await draft_week(digest, site)
    digest.run("approve")

    assert "Send issue 1 to 2 readers: nobody is here" in digest.run("send", code=2).stderr
    assert "2 queued; not sent: 1 not confirmed" in digest.run("send", "--dry-run").stderr
    assert not (digest.folder / "outbox").exists()


async def test_a_second_send_says_when_the_first_was(digest: Digest) -> None:
    async with open_site() as site:
        await draft_week(digest, site)
    digest.run("approve")
    assert "2 sent; not sent: 1 not confirmed" in digest.run("send", "--yes").stderr

    assert "was sent" in digest.run("send", "--yes").stderr
    digest.run("send", "--yes", "--exit-code", code=3)


@pytest.mark.parametrize(
    ("replies", "code", "state"),
    [
        ({"RCPT": "450 4.2.1 later"}, 75, "deferred"),
        ({"RCPT": "550 5.1.1 no such user"}, 1, "failed"),
        ({"RCPT": ["250 ok", "550 5.1.1 no such user"]}, 4, "failed"),
        ({"RCPT": ["250 ok", "450 4.2.1 later"]}, 4, "deferred"),
    ],
)
async def test_a_sending_ends_with_what_the_server_said(
    replies: dict[str, Any], code: int, state: str, tmp_path: Path
) -> None:
    digest = make(tmp_path)
    async with open_site() as site, scripted_server(**replies) as mail:
        digest.change('url = "file://outbox"', f'url = "smtp://127.0.0.1:{mail.port}"')
        digest.change("#connections = 4", "connections = 1")
        await draft_week(digest, site)
        await digest.later("approve")

        result = await digest.later("send", "--yes", "--json", code=code)

    assert json.loads(result.stdout)[state] >= 1
    shown = digest.run("explain", "--reader", READERS[1]).stdout
    assert state in shown
    assert ("no such user" if state == "failed" else "later") in shown


async def test_a_cancelled_issue_can_be_told_again(digest: Digest) -> None:
    async with open_site() as site:
        await draft_week(digest, site)

    assert digest.json("cancel", "--reason", "a wrong link")["state"] == "cancelled"
    assert "cancelled: a wrong link" in digest.run("issues", "list").stdout
    assert len(digest.json("draft", "--next")["stories"]) == 3


def test_nothing_to_do_is_said_and_only_a_failure_when_asked(digest: Digest) -> None:
    for command in ("gather", "draft"):
        assert "nothing" in digest.run(command).stderr
        digest.run(command, "--exit-code", code=3)
        assert digest.json(command)["nothing"]


def test_an_issue_that_is_not_there_is_named(digest: Digest) -> None:
    assert "has no issue 12" in digest.run("send", "12", code=1).stderr
    assert " draft" in digest.run("issues", "show", code=1).stderr
    assert "there are no issues yet" in digest.run("issues", "list").stderr


async def test_explaining_says_why_and_refuses_what_is_not_there(digest: Digest) -> None:
    async with open_site() as site:
        await draft_week(digest, site)

    assert "rank.recency" in digest.run("explain", "1", "2").stdout
    assert "it has 1 to 3" in digest.run("explain", "9", code=1).stderr
    assert "which story?" in digest.run("explain", code=2).stderr


def test_with_several_newsletters_one_must_be_named(digest: Digest) -> None:
    more = '[newsletters.other]\nname = "Other"\nfrom_address = "o@example.org"\n'
    digest.settings.write_text(digest.settings.read_text() + more)

    assert "one of week, other" in digest.run("draft", code=2).stderr
    assert "there is: week, other" in digest.run("draft", "-n", "third", code=2).stderr
    assert "nothing" in digest.run("draft", "-n", "other").stderr
