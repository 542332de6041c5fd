"""Topics on the command line: told, explained, and changed by an editor."""

from pathlib import Path

from commands import Digest, digest
from test_cli_desk import number_of, week

__all__ = ["digest"]

TOPICS = """
[newsletters.{key}.topics]
metals = {{ label = "Metals", words = ["copper"] }}
animals = {{ label = "Animals", words = ["beetles"] }}
"""
COPPER = "Copper prices climb in Santiago"


def with_topics(digest: Digest) -> Digest:
    """The command with a newsletter that has topics."""
    text = digest.settings.read_text()
    key = text.split("[newsletters.", 1)[1].split("]", 1)[0]
    digest.settings.write_text(text + TOPICS.format(key=key))
    return digest


async def test_a_story_says_of_which_topic_it_is_and_an_editor_may_say_otherwise(digest: Digest) -> None:
    async with week(with_topics(digest)):
        number = await number_of(digest, COPPER)
        shown = (await digest.later("issues", "show")).stdout
        before = (await digest.later("explain", number)).stdout
        await digest.later("edit", number, "--topics", "animals, metals")
        after = await digest.json_later("explain", await number_of(digest, COPPER))
        changed = (await digest.later("diff")).stdout
        wrong = await digest.later("edit", number, "--topics", "copper", code=2)
        await digest.later("edit", await number_of(digest, COPPER), "--topics", "")
        none = await digest.json_later("explain", await number_of(digest, COPPER))

    assert "Topics: metals 1, animals 1, of none 3" in shown
    assert [line.strip() for line in shown.splitlines() if line.endswith("metals")] == [
        "Harbour News · metals"
    ]
    assert "topic.metals: Of the topic Metals: it says “copper”." in before
    assert after["topics"] == ["metals", "animals"]
    assert [one["words"] for one in after["reasons"] if one["rule"].startswith("topic.")] == [
        "Its topics, by an editor's word: Metals, Animals."
    ]
    assert "topics" in changed
    assert 'there is no topic "copper"' in wrong.output
    assert "metals, animals" in wrong.output
    assert none["topics"] == []


def test_a_readers_topics_are_shown_with_those_that_count_no_more(digest: Digest, tmp_path: Path) -> None:
    with_topics(digest)
    file = tmp_path / "readers.csv"
    file.write_text("email,topics\nada@example.org,metals\n")
    digest.run("subscribers", "import", str(file), "--confirmed", "--basis", "moved")
    assert ", topics: metals" in digest.run("explain", "reader", "ada@example.org").stdout
    assert digest.json("subscribers", "show", "ada@example.org")["topics"] == ["metals"]
    assert digest.json("subscribers", "set", "ada@example.org", "--topics", "")["topics"] == []
    assert (
        "there is no topic gone"
        in digest.run("subscribers", "set", "ada@example.org", "--topics", "animals,gone", code=2).output
    )
    digest.run("subscribers", "set", "ada@example.org", "--topics", "metals")

    digest.change("metals =", "minerals =")

    shown = digest.run("subscribers", "show", "ada@example.org").stdout
    assert "topics: metals (no topic any more)" in shown


def test_a_newsletter_without_topics_has_none_to_give(digest: Digest) -> None:
    digest.run("subscribers", "add", "ada@example.org")

    assert "topic" not in digest.run("subscribers", "show", "ada@example.org").stdout
