"""The editor's desk by hand: questions, answers, locks, moves, what is held back, and what changed."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from commands import Digest, digest
from sites import Site, open_site

__all__ = ["digest"]

#: By source: title, path and text of what it tells; the first two sources may tell one story.
HARBOUR = {
    "Harbour News": [
        (
            "Porto tests harbour drones",
            "news/drones",
            "Harbour drones began to fly in Porto on Monday, watched by a dozen fishermen.",
        ),
        (
            "Copper prices climb in Santiago",
            "news/copper",
            "Traders in Santiago paid more for copper than in any month since the spring of last year.",
        ),
        (
            "Beetles count footsteps underground",
            "lab/beetles",
            "A laboratory in Graz showed that beetles count how often somebody walks above them.",
        ),
    ],
    "Lisbon Post": [
        (
            "Fishermen of Porto complain",
            "fishermen",
            "Fishermen went to Lisbon about noise, torn nets and the lost working days.",
        ),
        (
            "Violins outlive their makers",
            "violins",
            "Old violins are played in more orchestras than ever, says a study of two hundred halls.",
        ),
    ],
}


def publish(site: Site, name: str, items: list[tuple[str, str, str]]) -> None:
    now, host = datetime.now(UTC), name.split()[0].lower()
    told = "".join(
        f"<item><title>{title}</title><link>https://{host}.example/{path}</link>"
        f"<description>{text}</description>"
        f"<pubDate>{format_datetime(now - timedelta(hours=number + 1))}</pubDate></item>"
        for number, (title, path, text) in enumerate(items)
    )
    head = f"<title>{name}</title><link>https://{host}.example</link>"
    site.put(f"/{host}", f'<?xml version="1.0"?><rss version="2.0"><channel>{head}{told}</channel></rss>')


@asynccontextmanager
async def week(digest: Digest) -> AsyncIterator[Site]:
    """A draft of two sources, and the site that they are on."""
    async with open_site() as site:
        for name, items in HARBOUR.items():
            publish(site, name, items)
            await digest.later("sources", "add", f"{site.url}/{name.split()[0].lower()}")
        await digest.later("gather")
        await digest.later("draft")
        yield site


async def again(digest: Digest, site: Site, *more: tuple[str, str, str]) -> None:
    """More news from the harbour, gathered and drafted."""
    publish(site, "Harbour News", [*more, *HARBOUR["Harbour News"]])
    await digest.later("gather", "--all")
    await digest.later("draft")


MORE = (
    "Ferries cross without captains",
    "news/ferries",
    "Ferries crossed the Minho with nobody on board. " * 2,
)


async def number_of(digest: Digest, title: str) -> str:
    found = (await digest.json_later("issues", "show"))["stories"]
    return str(next(story["position"] for story in found if story["title"] == title))


async def test_a_question_is_asked_answered_and_never_asked_again(digest: Digest) -> None:
    async with week(digest) as site:
        shown = await digest.later("questions")
        (asked,) = [
            each for each in (await digest.json_later("questions"))["questions"] if each["kind"] == "story"
        ]
        said = (await digest.later("draft")).stderr

        await digest.later("answer", "1", str(asked["number"]), "yes")
        await again(digest, site, MORE)
        later = (await digest.json_later("questions"))["questions"]
        stories = (await digest.json_later("issues", "show"))["stories"]

    assert sorted(asked["sources"]) == ["Harbour News", "Lisbon Post"]
    assert 0 < asked["confidence"] < 1
    assert "Same story? yes or no (likeness" in shown.stdout
    assert " questions 1" in said
    assert not [each for each in later if each["kind"] == "story"]
    assert [story["also"] for story in stories if story["title"] == "Porto tests harbour drones"] == [
        ["Lisbon Post"]
    ]


async def test_a_place_that_is_not_there_is_the_last_one_and_said(digest: Digest) -> None:
    async with week(digest):
        moved = (await digest.later("move", "1", "--place", "99")).stderr
        stories = (await digest.json_later("issues", "show"))["stories"]

    (place,) = [
        each["position"]
        for each in stories
        if each["section"] == "news" and f"moved “{each['title']}” to place" in moved
    ]
    assert f"to place {place} of News" in moved
    assert place == sum(each["section"] == "news" for each in stories)


async def test_the_same_answer_twice_is_the_same_and_another_takes_its_place(digest: Digest) -> None:
    async with week(digest) as site:
        (asked,) = [
            each for each in (await digest.json_later("questions"))["questions"] if each["kind"] == "story"
        ]
        number = str(asked["number"])

        first = (await digest.later("answer", number, "yes")).stderr
        twice = (await digest.later("answer", number, "yes")).stderr
        await again(digest, site, MORE)
        other = (await digest.later("answer", number, "no")).stderr
        (decided,) = (await digest.json_later("decisions", "list"))["decisions"]
        stories = (await digest.json_later("issues", "show"))["stories"]

    assert "answered  yes; issue 1 is at revision 2" in first
    assert "already   yes; issue 1 stays at revision 2" in twice
    assert "answered  no in place of yes; issue 1 is at revision 4" in other
    assert decided["answer"] == "no"
    assert [story["also"] for story in stories if story["title"] == "Porto tests harbour drones"] == [[]]


async def test_an_answer_can_be_forgotten_and_is_asked_again(digest: Digest) -> None:
    async with week(digest):
        (asked,) = [
            each for each in (await digest.json_later("questions"))["questions"] if each["kind"] == "story"
        ]
        await digest.later("answer", str(asked["number"]), "no")
        (decided,) = (await digest.json_later("decisions", "list"))["decisions"]
        gone = [
            each for each in (await digest.json_later("questions"))["questions"] if each["kind"] == "story"
        ]

        await digest.later("decisions", "remove", str(decided["id"]))
        await digest.later("draft")
        back = [
            each for each in (await digest.json_later("questions"))["questions"] if each["kind"] == "story"
        ]

    assert (decided["kind"], decided["answer"]) == ("story", "no")
    assert gone == []
    assert [each["urls"] for each in back] == [asked["urls"]]
    assert "no such decision" in digest.run("decisions", "remove", str(decided["id"]), code=1).stderr


async def test_a_wrong_answer_is_refused_with_those_there_are(digest: Digest) -> None:
    async with week(digest):
        asked = {each["kind"]: each for each in (await digest.json_later("questions"))["questions"]}

    number = str(asked["story"]["number"])
    assert "yes or no" in digest.run("answer", number, "perhaps", code=2).stderr
    assert "no open question 99" in digest.run("answer", "99", "yes", code=1).stderr
    assert " answer 12 3 yes" in digest.run("answer", "yes", code=2).stderr
    if "section" in asked:
        wrong = digest.run("answer", str(asked["section"]["number"]), "sports", code=2).stderr
        assert "news, learnings, events" in wrong


async def test_what_an_editor_wrote_stays_when_the_draft_is_made_again(digest: Digest) -> None:
    async with week(digest) as site:
        copper = await number_of(digest, "Copper prices climb in Santiago")
        words = ("--title", "Copper is dear", "--summary", "", "--why", "Wires will cost more.")
        await digest.later("edit", copper, *words)
        await digest.later("edit", "--note", "Dear all", "--subject", "Mine")
        await again(digest, site, MORE)
        found = await digest.json_later("issues", "show")
        preview = (await digest.later("preview", "--text")).stdout

    assert [story["summary"] for story in found["stories"] if story["title"] == "Copper is dear"] == [""]
    assert "Ferries cross without captains" in [story["title"] for story in found["stories"]]
    assert "Wires will cost more." in preview
    assert "Dear all" in preview


async def test_a_story_is_moved_dropped_taken_in_and_given_back(digest: Digest) -> None:
    async with week(digest) as site:
        before = await digest.json_later("issues", "show")
        last = before["stories"][-1]
        await digest.later("move", str(last["position"]), "--place", "1")
        first = (await digest.json_later("issues", "show"))["stories"][0]
        assert first["title"] == last["title"] or first["section"] != last["section"]

        await digest.later(
            "edit", await number_of(digest, "Violins outlive their makers"), "--why", "They sing."
        )
        assert "· locked" in (await digest.later("issues", "show")).stdout
        await digest.later("drop", await number_of(digest, "Violins outlive their makers"))
        await again(digest, site, MORE)
        assert "Violins outlive their makers" not in await titles_now(digest)

        held = (await digest.json_later("explain", "issue", "1", "--held"))["held"]
        (position,) = [each["position"] for each in held if each["title"] == "Violins outlive their makers"]
        await digest.later("take", str(position))
        assert "They sing." in (await digest.later("preview", "--text")).stdout
        assert "Violins outlive their makers" in await titles_now(digest)

        await digest.later("edit", await number_of(digest, "Violins outlive their makers"), "--unlock")
        again_unlocked = await digest.later(
            "edit", await number_of(digest, "Violins outlive their makers"), "--unlock", code=1
        )

    assert "is not locked" in again_unlocked.stderr


async def titles_now(digest: Digest) -> list[str]:
    return [story["title"] for story in (await digest.json_later("issues", "show"))["stories"]]


async def test_a_move_is_learnt_for_that_kind_of_the_source_shown_and_forgotten(digest: Digest) -> None:
    lab = (
        "Owls nest inside stadiums",
        "lab/owls",
        "Owls were found to nest inside nine stadiums of Graz. " * 2,
    )
    async with week(digest) as site:
        beetles = await number_of(digest, "Beetles count footsteps underground")
        where = {
            story["title"]: story["section"]
            for story in (await digest.json_later("issues", "show"))["stories"]
        }
        to = "learnings" if where["Beetles count footsteps underground"] == "news" else "news"
        said = (await digest.later("move", "1", beetles, to)).stderr
        await again(digest, site, lab, MORE)
        stories = (await digest.json_later("issues", "show"))["stories"]
        decided = (await digest.json_later("decisions", "list"))["decisions"]
        (rule,) = [each for each in decided if each["kind"] == "rule"]

        await digest.later("decisions", "remove", *(str(each["id"]) for each in decided))

    assert "addresses that begin with /lab/" in said
    placed = {story["title"]: story["section"] for story in stories}
    assert placed["Beetles count footsteps underground"] == placed["Owls nest inside stadiums"] == to
    assert (rule["source"], rule["pattern"], rule["answer"]) == ("Harbour News", "/lab/", to)
    assert "in issue 1" in rule["words"]
    assert "nothing was decided" in digest.run("decisions", "list").stderr


async def test_an_approval_says_how_many_questions_are_open(digest: Digest) -> None:
    async with week(digest):
        asked = (await digest.json_later("questions"))["questions"]
        said = (await digest.later("approve")).stderr
        again = await digest.json_later("approve")

    assert asked
    assert again["questions"] == len(asked)
    assert f"{len(asked)} question" in said
    assert " questions 1" in said


async def test_a_sent_issue_is_not_edited(digest: Digest) -> None:
    async with week(digest):
        await digest.later("approve")

    for command in (("edit", "1", "--lock"), ("drop", "1"), ("move", "1", "news"), ("answer", "1", "yes")):
        assert "error[S001]" in digest.run(*command, code=1).stderr


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("edit", "1"), "what shall change?"),
        (("edit", "--lock"), "which story?"),
        (("edit", "1", "--title", ""), "needs a title"),
        (("edit", "1", "--note", "x", "--title", "y"), "one at a time"),
        (("edit", "1", "--unlock", "--title", "y"), "not both"),
        (("move", "1"), "what goes where?"),
        (("move", "1", "sports"), 'no section "sports"'),
        (("move", "1", "news", "--once", "--always"), "contradict"),
        (("drop", "1", "2", "3"), "which story?"),
    ],
)
async def test_what_cannot_be_done_is_said_in_one_line(
    command: tuple[str, ...], words: str, digest: Digest
) -> None:
    async with week(digest):
        pass

    assert words in digest.run(*command, code=2).stderr


async def test_every_way_of_asking_why_gives_the_same_answer(digest: Digest) -> None:
    async with week(digest):
        pass

    asked = (("issue", "1", "story", "2"), ("1", "2"), ("2",), ("issue", "1", "2"), ("1", "story", "2"))
    shown = {digest.run("explain", *words).stdout for words in asked}
    found = digest.json("explain", "issue", "1", "story", "2")

    assert len(shown) == 1
    next_command = digest.run("explain", "1", "2").stderr
    assert "edit 1 2" in next_command
    assert "drop" in next_command
    assert round(sum(found["terms"].values()), 3) == round(found["score"], 3)
    assert {"rank.recency", "rank.rarity"} <= {each["rule"] for each in found["reasons"]}
    assert "which story?" in digest.run("explain", "issue", "1", code=2).stderr
    assert "neither an issue nor a story" in digest.run("explain", "issue", "x", code=2).stderr


async def test_a_near_miss_is_told_with_its_likeness(digest: Digest) -> None:
    async with week(digest):
        found = await digest.json_later("explain", await number_of(digest, "Porto tests harbour drones"))

    (near,) = [each for each in found["reasons"] if each["rule"] == "story.unsure"]
    assert "Fishermen of Porto complain" in near["words"]
    assert 0 < near["value"] < 1


async def test_what_is_held_back_says_why_and_all_about_one(digest: Digest) -> None:
    digest.change("#max_stories = 24", "max_stories = 2")
    async with week(digest):
        pass

    found = digest.json("explain", "issue", "1", "--held")
    one = digest.json("explain", "issue", "1", "story", "1", "--held")

    assert (len(found["held"]), found["count"]) == (3, 3)
    assert "there is room for 2 stories" in digest.run("explain", "issue", "1", "--held").stdout
    assert one["title"] == found["held"][0]["title"]
    assert "take 1 1" in digest.run("explain", "1", "1", "--held").stderr
    assert one["terms"]
    assert "holds back no story 9" in digest.run("explain", "1", "9", "--held", code=1).stderr


async def test_an_issue_is_replayed_to_the_byte_before_and_after_it_was_sent(digest: Digest) -> None:
    async with week(digest) as site:
        await digest.later("edit", "1", "--title", "A title of mine")
        await digest.later("move", "2", "--place", "1")
        await digest.later("answer", "1", "yes")
        drafted = await digest.json_later("replay")
        await digest.later("subscribers", "add", "ada@example.org", "--confirmed", "--basis", "a test")
        await digest.later("approve")
        await digest.later("send", "--yes")
        publish(
            site, "Harbour News", [MORE, ("Porto tests drones no more", "news/drones", "They fell. " * 9)]
        )
        await digest.later("gather", "--all")

    replayed = digest.json("replay", "1")

    assert drafted["same"]
    assert replayed["same"]
    assert replayed["then"] == replayed["now"]
    said = digest.run("replay", "1").stderr
    assert "comes out as it was" in said
    assert "issues show 1" in said
    assert "issues show 1" in digest.run("explain", "1", "2").stderr
    (taken,) = [line for line in digest.run("status").stdout.splitlines() if "before its time" in line]
    assert taken.strip().startswith("issue 1 was sent before its time, ")
    assert [one["number"] for one in digest.json("status")["newsletters"][0]["taken"]] == [1]


async def test_status_says_why_a_time_passes_without_an_issue(digest: Digest) -> None:
    async with week(digest):
        await digest.later("cancel", "1", "--reason", "no news")

    said = digest.run("status").stdout

    (line,) = [line for line in said.splitlines() if "issue due" in line]
    assert line.endswith(" was cancelled: no news")


async def test_a_replay_that_differs_says_what(digest: Digest) -> None:
    async with week(digest):
        pass
    with closing(sqlite3.connect(digest.folder / "digest.db")) as database, database:
        (plain,) = database.execute("SELECT content FROM issue").fetchone()
        database.execute(
            "UPDATE issue SET hash = 'another', content = ?",
            (plain.replace("Violins outlive", "Violas like"),),
        )

    result = digest.run("replay", "1", code=1)

    assert "Violas like their makers → Violins outlive their makers" in result.stdout
    assert "differs" in result.stderr


async def test_a_diff_tells_what_an_edit_changed_and_what_a_gathering_did(digest: Digest) -> None:
    async with week(digest) as site:
        await digest.later("edit", await number_of(digest, "Violins outlive their makers"), "--title", "Mine")
        edited = await digest.json_later("diff", "1")
        await again(digest, site, MORE)
        await digest.later("drop", await number_of(digest, "Copper prices climb in Santiago"))
        shown = (await digest.later("diff", "1", "--from", "1")).stdout

    assert [(each["kind"], each["before"], each["after"]) for each in edited["changes"]] == [
        ("retitled", "Violins outlive their makers", "Mine")
    ]
    assert "rewrote “Violins outlive their makers”" in edited["after"]
    assert "added      Ferries cross without captains" in shown
    assert "dropped    Copper prices climb in Santiago" in shown
    assert "has no revision 9" in digest.run("diff", "1", "--to", "9", code=1).stderr
    assert "two issues, or two revisions" in digest.run("diff", "1", "1", "--to", "2", code=2).stderr
    assert digest.json("diff", "1", "1")["changes"] == []
    assert " preview 1" in digest.run("diff", "1").stderr
    digest.run("approve", "1")
    assert " issues show 1" in digest.run("diff", "1", "1").stderr
