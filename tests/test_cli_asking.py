"""What a person at a terminal is asked."""

from pathlib import Path

from commands import Digest, digest, feed
from sites import open_site

__all__ = ["digest"]


def test_init_asks_what_the_options_leave_open_and_asks_again_when_it_is_wrong(tmp_path: Path) -> None:
    digest = Digest(tmp_path)

    with digest.ask("init", "--no-starter") as (process, answer):
        answer("called? ", "The Week\n")
        answer("come from? ", "nonsense\n")
        assert "an address looks like" in answer("come from? ", "news@example.org\n")
        answer("drafts? ", "\n")
        answer("law wants one): ", "\n")
        answer("to try: ", "\n")
        answer("the pages? ", "\n")
        answer("Time zone, ", "\n")
        told = answer("doctor", "")

    assert process.returncode == 0
    assert "wrote" in told
    assert 'editor = "news@example.org"' in digest.settings.read_text()


def test_a_person_who_says_no_changes_nothing(digest: Digest) -> None:
    digest.run("sources", "add", "https://x.example/feed", "--no-check", "--title", "X")

    with digest.ask("sources", "remove", "X") as (process, answer):
        answer("Remove 1 source with all articles? y/n", "n\n")

    assert process.returncode == 0
    assert len(digest.json("sources", "list")["sources"]) == 1


async def test_sending_asks_for_the_number_of_readers(digest: Digest) -> None:
    async with open_site() as site:
        site.put("/feed", feed("A story"))
        await digest.later("sources", "add", f"{site.url}/feed")
        await digest.later("gather")
    digest.run("subscribers", "add", "ada@example.org", "--confirmed", "--basis", "a test")
    digest.run("draft")
    digest.run("approve")

    with digest.ask("send") as (wrong, answer):
        answer("Send issue 1 to 1 reader now? Type 1", "12\n")
        assert "nothing was sent" in answer("nothing was sent", "")
    with digest.ask("send") as (right, answer):
        answer("Type 1", "1\n")
        answer("1 sent", "")

    assert (wrong.returncode, right.returncode) == (2, 0)
