"""What counts as a correction, and which are due."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from articles import NOW, SINCE, UNTIL, article, issue, plan, source
from digest.compose import best_of, changes, compose, corrections, tellings
from digest.compose.correct import MAX_CORRECTIONS
from digest.compose.titles import is_another_title, is_reworded, title_mark
from digest.domain import (
    Content,
    Correction,
    CorrectionKind,
    Event,
    IssueSection,
    PageCheck,
    Reason,
    Story,
)

NAMES = ("https://www.harbour-news.example/2026/drones", "Harbour News", "Halden Press", "")

#: Words that are no label and no part of the site's name.
WORDS = st.lists(
    st.text("abcdefgijkmnoqrvwxyzäßéжñłøабв漢字ひら", min_size=2, max_size=8), min_size=1, max_size=6
)
NUMBERS = st.integers(min_value=0, max_value=99_999)


@pytest.mark.parametrize(
    ("told", "is_now"),
    [
        ("Porto tests drones", "PORTO  tests\u00a0drones!"),
        ("“Porto” tests drones", "'Porto' tests drones"),
        ("Porto tests drones – again", "Porto tests drones, again"),
        ("The e-mail is dead", "The email is dead?"),
        ("R&D grows", "R and D grows"),
        ("1,000 ships", "1000 ships"),
        ("Ｆｕｌｌ width", "Full width"),
        ("I ♥\ufe0f ships 🚢", "I ships"),
        ("Porto tests drones", "UPDATE: Porto tests drones"),
        ("Porto tests drones", "UPDATE 2-Porto tests drones"),
        ("Porto tests drones", "[Updated] Porto tests drones (live)"),
        ("BREAKING NEWS: Porto tests drones", "Porto tests drones"),
        ("Porto tests drones", "Porto tests drones | Harbour News"),
        ("Porto tests drones", "Porto tests drones - harbour-news.example"),
        ("Porto tests drones", "Porto tests drones — HarbourNews – Halden Press"),
        ("Porto tests drones over the old…", "Porto tests drones over the old harbour"),
        ("Porto tests drones", ""),
        ("Porto tests drones", "!!!"),
        ("Update", "UPDATE:"),
    ],
)
def test_what_is_only_dressed_otherwise_is_no_other_title(told: str, is_now: str) -> None:
    assert not is_another_title(told, is_now, names=NAMES)
    assert not is_another_title(is_now, told, names=NAMES)


@pytest.mark.parametrize(
    ("told", "is_now"),
    [
        ("Porto tests drones", "Porto tests no drones"),
        ("Dog bites man", "Man bites dog"),
        ("Talks in Iran", "Talks in Iraq"),
        ("A loss of a million", "A loss of a billion"),
        ("200 ships", "300 ships"),
        ("1.5 ships each", "15 ships each"),
        ("10-12 ships", "1012 ships"),
        ("Growth of -5", "Growth of 5"),
        ("$5 a ship", "€5 a ship"),
        ("5% of ships", "5 of ships"),
        ("Ships in C++", "Ships in C#"),
        ("Das Schiff ist schon da", "Das Schiff ist schön da"),
        ("が", "か"),
        ("Porto tests drones", "RETRACTED: Porto tests drones"),
        ("Porto tests drones", "Porto tests drones - and fails"),
        ("Porto…", "Porto is burning"),
    ],
)
def test_a_word_a_number_a_sign_or_their_order_make_another_title(told: str, is_now: str) -> None:
    assert is_another_title(told, is_now, names=NAMES)
    assert is_another_title(is_now, told, names=NAMES)


@pytest.mark.parametrize(
    ("told", "is_now"),
    [
        ("Porto tests harbour drones", "Porto is testing harbour drones"),
        ("Porto tests harbour drones", "UPDATE: Porto tested its harbour drones"),
        ("A licence is changed", "The licence has changed"),
        ("Copper prices climb", "Copper price climbs | Harbour News"),
        ("Five lessons of 2026", "The five lessons of 2026"),
    ],
)
def test_articles_and_endings_are_only_a_rewording(told: str, is_now: str) -> None:
    assert is_another_title(told, is_now, names=NAMES)
    assert is_reworded(told, is_now, names=NAMES)
    assert is_reworded(is_now, told, names=NAMES)


@pytest.mark.parametrize(
    ("told", "is_now"),
    [
        ("Porto tests drones", "Porto tests no drones"),
        ("Dog bites man", "Man bites dog"),
        ("A loss of a million", "A loss of a billion"),
        ("A hundred ships sink", "Hundreds of ships sink"),
        ("A million ships", "Millions ships"),
        ("5% of the ships", "5 of the ships"),
        ("Growth of -5", "The growth of 5"),
        ("Attack by the Danes", "Attack on Danes"),
        ("Airline plans crash", "Airline planes crash"),
        ("She is president", "She was president"),
        ("Der Hund ist tot", "Hund nicht tot"),
        ("The The", "The"),
    ],
)
def test_what_could_be_another_fact_is_no_rewording(told: str, is_now: str) -> None:
    assert not is_reworded(told, is_now, names=NAMES)
    assert not is_reworded(is_now, told, names=NAMES)


def test_each_language_has_its_own_articles() -> None:
    titles = ("Der Hund ist tot", "Ein Hund ist tot")

    assert is_reworded(*titles, language="de")
    assert not is_reworded(*titles, language="en")
    assert not is_reworded("Men who die for gold", "Men who for gold", language="en")


@given(WORDS, st.sampled_from(["UPDATE: ", "Breaking: ", "(Live) ", "Updated – ", ""]), st.data())
def test_any_dress_leaves_a_title_the_same(words: list[str], label: str, data: st.DataObject) -> None:
    marks = st.sampled_from([" ", "  ", ", ", " “", "” ", "! ", " (", ") ", "; "])
    site = data.draw(st.sampled_from(["", " | Harbour News", " - Harbour News", " · harbour-news.example"]))
    dressed = label + "".join(word + data.draw(marks) for word in words) + site

    assert not is_another_title(" ".join(words), dressed, names=NAMES)
    assert not is_another_title(dressed, " ".join(words), names=NAMES)


@given(WORDS, st.text("abcdefgijkmnoqrvwxyzабв漢字", min_size=1, max_size=6), st.data())
def test_any_word_more_is_another_title(words: list[str], more: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(min_value=0, max_value=len(words)))
    longer = [*words[:place], more, *words[place:]]

    assert is_another_title(" ".join(words), " ".join(longer), names=NAMES)


@given(WORDS, NUMBERS, NUMBERS)
def test_any_other_number_is_another_title(words: list[str], one: int, other: int) -> None:
    told, is_now = f"{one} {' '.join(words)} {one}", f"{one} {' '.join(words)} {other}"

    assert is_another_title(told, is_now, names=NAMES) is (one != other)


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_text_is_another_than_itself_and_the_order_does_not_matter(one: str, other: str) -> None:
    assert not is_another_title(one, one, names=NAMES)
    assert is_another_title(one, other, names=NAMES) is is_another_title(other, one, names=NAMES)
    assert title_mark(one) == title_mark(f" {one} ")


# What is due


def story(number: int, **values: Any) -> Story:
    chosen: dict[str, Any] = {
        "key": f"key{number}",
        "section": "news",
        "title": f"Harbour story of day {number}",
        "url": f"https://s1.example/{number}",
        "article_ids": (number, 99),
    }
    return Story(**(chosen | values))


def sent(number: int, *stories: Story, **values: Any) -> Content:
    sections = (IssueSection(key="news", label="News", stories=stories),)
    return Content(newsletter="weekly", number=number, since=SINCE, until=UNTIL, sections=sections, **values)


def due(
    *contents: Content,
    title: str = "",
    check: PageCheck | None = None,
    others: tuple[Content, ...] = (),
    earlier: tuple[str, ...] = (),
) -> tuple[Correction, ...]:
    """What is due when article 1 has that title now, those before it, and its page answered so."""
    now = article(
        1, url="https://s1.example/1", title=title or "Harbour story of day 1", earlier_titles=earlier
    )
    return corrections(tellings(contents, others), {1: now}, {1: check} if check else {}, {1: source(1)})


GONE = PageCheck(
    article_id=1, url="https://s1.example/1", asked_at=NOW, status=410, missing_since=NOW, is_gone=True
)


def test_another_title_is_told_with_the_issue_and_both_titles() -> None:
    (found,) = due(sent(12, story(1)), title="No harbour at all")

    assert (found.kind, found.number, found.section) == (CorrectionKind.RETITLED, 12, "news")
    assert (found.title, found.new_title) == ("Harbour story of day 1", "No harbour at all")
    assert found.reasons[0].rule == "correction.retitled"
    assert found.reasons[0].words == "Source 1 has changed the title since."


def test_the_name_of_the_source_behind_its_title_is_no_correction() -> None:
    assert due(sent(12, story(1)), title="Harbour Story of Day 1 | Source 1") == ()


def test_a_page_that_is_gone_is_told_and_goes_before_another_title() -> None:
    (found,) = due(sent(12, story(1)), title="No harbour at all", check=GONE)

    assert (found.kind, found.new_title) == (CorrectionKind.GONE, "")
    assert "(410)" in found.reasons[0].words


@pytest.mark.parametrize(
    "check", [replace(GONE, is_gone=False), replace(GONE, url="https://s1.example/where-it-was-before")]
)
def test_a_page_that_may_be_there_is_not_told(check: PageCheck) -> None:
    assert due(sent(12, story(1)), check=check) == ()


def test_nothing_is_known_of_an_article_that_is_not_stored() -> None:
    told = tellings([sent(12, story(7), story(8, article_ids=()))])

    assert corrections(told, {1: article(1, title="Another")}, {}, {}) == ()


def test_events_are_corrected_as_events() -> None:
    assert due(sent(12, story(1, event=Event(starts_at=NOW))), title="No harbour at all", check=GONE) == ()


def test_what_was_told_is_not_told_again_but_a_third_title_is() -> None:
    first, second = sent(12, story(1)), sent(13)
    told = due(first, title="No harbour at all")
    second = sent(13, corrections=told)

    assert due(first, second, title="No harbour at all!") == ()
    assert due(first, title="No harbour at all", others=(second,)) == ()
    (third,) = due(first, second, title="A harbour after all")
    assert (third.number, third.title) == (13, "No harbour at all")


def test_a_title_that_readers_were_told_before_is_not_told_again() -> None:
    first = sent(12, story(1))
    second = sent(13, corrections=due(first, title="No harbour at all"))
    third = sent(14, corrections=due(first, second, title="A harbour after all"))

    assert due(first, second, title="HARBOUR story of day 1") == ()
    assert due(first, second, third, title="No harbours at all") == ()
    assert len(due(first, second, third, title="A fourth")) == 1


def test_a_title_that_the_source_gave_up_and_took_again_is_a_variant_that_it_tries() -> None:
    a, b = "Harbour story of day 1", "No harbour at all"
    told = sent(12, story(1))

    assert len(due(told, title=b, earlier=(a,))) == 1
    assert len(due(told, title=f"UPDATE: {b}", earlier=(a, b))) == 1
    assert due(told, title=b, earlier=(a, b, a)) == ()
    assert due(told, title=b, earlier=("Something else", b, a)) == ()
    assert len(due(told, title="A third", earlier=(a, b, a))) == 1


def test_a_small_rewording_is_not_told() -> None:
    assert due(sent(12, story(1)), title="The harbour stories of day 1") != ()
    assert due(sent(12, story(1)), title="The harbour story of this day 1") == ()


def test_a_page_that_was_told_to_be_gone_is_not_told_again() -> None:
    first = sent(12, story(1))
    second = sent(13, corrections=due(first, check=GONE))

    assert due(first, second, title="No harbour at all", check=GONE) == ()


def test_an_editors_own_title_is_corrected_only_when_the_sources_is_another() -> None:
    locked = story(1, title="Mine", reasons=(Reason(rule="pick.locked", words="Locked by mette."),))
    (told,) = tellings([sent(12, locked)])
    known = replace(told, was="Harbour story of day 1")
    same, other = article(1, title="Harbour Story of day 1"), article(1, title="No harbour at all")

    assert told.is_locked
    assert corrections([known], {1: same}, {}, {1: source(1)}) == ()
    (found,) = corrections([known], {1: other}, {}, {1: source(1)})
    assert (found.title, found.new_title) == ("Mine", "No harbour at all")
    assert "wrote “Harbour story of day 1” then" in found.reasons[0].words


def test_the_same_correction_has_the_same_key_however_the_title_is_dressed() -> None:
    one, *_ = due(sent(12, story(1)), title="No harbour at all")
    other, *_ = due(sent(12, story(1)), title="UPDATE: No harbour at all!")
    third, *_ = due(sent(12, story(1)), title="No harbours at all")

    assert one.key == other.key
    assert one.key != third.key


def test_the_newest_issue_comes_first() -> None:
    told = tellings([sent(13, story(2)), sent(12, story(1), story(3))])

    assert [(each.number, each.article_id) for each in told] == [(13, 2), (12, 1), (12, 3)]


# In an issue


def some(count: int) -> tuple[Correction, ...]:
    one = due(sent(12, story(1)), title="No harbour at all")[0]
    return tuple(replace(one, key=f"c{number}") for number in range(count))


def test_an_issue_tells_what_its_editor_did_not_drop_and_not_too_many() -> None:
    found = some(MAX_CORRECTIONS + 2)

    told = issue([article(1)], corrections=found, uncorrected=frozenset({"c0"})).corrections

    assert [each.key for each in told] == [f"c{number}" for number in range(1, MAX_CORRECTIONS + 1)]


def test_an_issue_with_corrections_and_no_story_is_empty() -> None:
    found = compose([], plan(corrections=some(1)), now=NOW)

    assert found.corrections
    assert found.is_empty


def test_a_reader_of_some_sections_is_told_the_corrections_of_these() -> None:
    found = issue([article(1), article(5)], corrections=some(1))

    assert found.only([]).corrections == found.corrections
    assert found.only(["news"]).corrections == found.corrections
    assert found.only(["events"]).corrections == ()


def test_an_issue_without_corrections_keeps_the_hash_that_it_had_before_there_were_any() -> None:
    plain = Content(
        newsletter="weekly",
        number=12,
        since=NOW.replace(month=8, day=14, hour=0),
        until=NOW.replace(month=8, day=21, hour=0),
        sections=(
            IssueSection(
                key="news",
                label="News",
                stories=(
                    Story(
                        key="k", section="news", title="Äpfel", url="https://a.example/1", article_ids=(1,)
                    ),
                ),
            ),
        ),
    )

    assert plain.digest() == "0f7a4c9505f1f9103a85352e6e347c1f0ad0e23636559f8590138cbd02430065"
    assert replace(plain, corrections=some(1)).digest() != plain.digest()


def test_what_an_editor_did_to_a_correction_is_a_change() -> None:
    before, after = issue([article(1)], corrections=some(1)), issue([article(1)])

    (dropped,) = changes(before, after)
    (added,) = changes(after, before)

    assert (dropped.kind, dropped.what) == ("dropped", "correction of “Harbour story of day 1”")
    assert (added.kind, added.after) == ("added", "“No harbour at all”")


def test_the_issue_of_the_month_tells_a_story_as_the_months_corrections_leave_it() -> None:
    first = sent(12, story(1), story(2), story(3))
    lines = due(first, title="No harbour at all")
    gone = replace(lines[0], kind=CorrectionKind.GONE, story="key2", new_title="")

    month = best_of([first, sent(13, story(4), corrections=(*lines, gone))], plan(), now=NOW)

    titles = {one.key: one.title for one in month.stories}
    assert titles == {
        "key1": "No harbour at all",
        "key3": "Harbour story of day 3",
        "key4": "Harbour story of day 4",
    }
    assert month.corrections == ()


def test_the_issue_of_the_month_is_from_at_least_the_sources_that_it_tells() -> None:
    parts = [
        replace(
            sent(number, replace(story(number), source=f"Source {number}")), articles_read=1, sources_read=1
        )
        for number in (1, 2)
    ]

    month = best_of(parts, plan(), now=NOW)

    assert (month.articles_read, month.sources_read) == (2, 2)
    assert best_of([], plan(), now=NOW).sources_read == 0
