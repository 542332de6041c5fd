"""The same story in other words, in other languages, by one owner, day after day; an editor's answers."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from articles import NOW, SINCE, article, issue, moved, plan
from digest.compose import Review, review
from digest.compose.forest import Forest
from digest.compose.terms import Vocabulary, shingles, stem, stems
from digest.domain import Article

REGISTER = (
    ("Twelve cities adopt a joint permit register for algorithms",
     "Aarhus, Porto and ten more cities adopted a joint permit register for algorithms in Tampere."),
    ("Permit register for algorithms goes live in twelve cities",
     "The joint register, agreed in Tampere, lists each algorithm that Aarhus, Porto and others permit."),
    ("Aarhus and Porto start the Tampere register",
     "In Tampere the mayors of Aarhus and Porto started a permit register for algorithms with ten cities."),
)  # fmt: skip
LIBRARY = (
    "Twelve libraries lend telescopes after dark",
    "Readers in Odense and Vejle may borrow a telescope for two nights; the libraries bought forty of them.",
)
JAPANESE = (
    ("京都の研究所が手話翻訳モデルを公開", "京都の研究所は手話翻訳モデルを公開し、学校で試験を始めた。"),
    (
        "手話翻訳モデル、京都の研究所が無料で公開",
        "学校での試験に続き、京都の研究所が手話翻訳モデルを無料で公開した。",
    ),
    ("北海道で雪害予測の実験が始まる", "北海道の三つの町で、雪害を予測する実験が来週始まる。"),
)


#: Two stories each, told in the words in which news tells anything.
FORMULAS = {
    "nl": (
        ("Kabinet presenteert nieuwe strategie voor AI",
         "Het kabinet heeft vrijdag een nieuwe strategie gepresenteerd, die volgens de minister vanaf"
         " volgend jaar moet gelden. Bedrijven zullen daardoor meer steun krijgen, zo bleek."),
        ("Nieuwe metrolijn in Amsterdam geopend",
         "De burgemeester heeft vrijdag een nieuwe metrolijn geopend, die volgens de gemeente vanaf"
         " volgend jaar moet rijden. Inwoners zullen daardoor sneller reizen, zo bleek."),
    ),
    "sv": (
        ("Regeringen presenterar ny strategi",
         "Regeringen presenterade på fredagen en ny strategi, som enligt ministern ska gälla redan nästa år."
         " Företagen kommer därmed att få mer stöd, säger hon."),
        ("Ny spårvägslinje invigd i Göteborg",
         "Kommunen invigde på fredagen en ny spårvägslinje, som enligt borgmästaren ska trafikeras redan"
         " nästa år. Invånarna kommer därmed att resa snabbare, säger hon."),
    ),
    "ar": (
        ("الحكومة تعلن استراتيجية جديدة للذكاء الاصطناعي",
         "أعلنت الحكومة يوم الجمعة عن استراتيجية جديدة التي سوف تدخل حيز التنفيذ في العام المقبل. وقال"
         " الوزير إن الشركات سوف تحصل على دعم أكبر من الدولة."),
        ("افتتاح محطة مترو جديدة في القاهرة",
         "أعلن محافظ القاهرة يوم الجمعة عن افتتاح محطة مترو جديدة التي سوف تدخل الخدمة في العام المقبل. وقال"
         " المحافظ إن السكان سوف يحصلون على تذاكر مجانية."),
    ),
}  # fmt: skip


def told(*texts: tuple[str, str], owners: bool = True, **values: object) -> list[Article]:
    return [
        article(
            number, source_id=number if owners else 1, canonical_url=f"https://s{number}.example/x",
            title=title, summary=text, **values,
        )
        for number, (title, text) in enumerate(texts, 1)
    ]  # fmt: skip


def groups(found: Review) -> list[list[int]]:
    return sorted(sorted(story.article_ids) for story in found.content.stories)


def look(week: list[Article], **values: object) -> Review:
    return review(week, plan(**({"max_per_source": 50, "max_stories": 50} | values)), now=NOW)


def test_one_story_in_three_peoples_words_is_one_story() -> None:
    found = look(told(*REGISTER, LIBRARY))

    assert groups(found) == [[1, 2, 3], [4]]
    lead = next(story for story in found.content.stories if len(story.article_ids) == 3)
    rules = {reason.rule for reason in lead.reasons}
    assert {"story.alike", "story.member.alike"} <= rules
    assert lead.also == ("Source 2", "Source 3")


def test_two_stories_of_one_kind_stay_two() -> None:
    week = told(
        (
            "Mia Lund leaves the board of Halden",
            "Mia Lund left the board of Halden on Friday after nine years.",
        ),
        (
            "Karl Voss leaves the board of Brightwave",
            "Karl Voss left the board of Brightwave on Tuesday after two.",
        ),
    )

    assert groups(look(week)) == [[1], [2]]


def test_japanese_is_compared_two_characters_at_a_time() -> None:
    assert groups(look(told(*JAPANESE, language="ja"))) == [[1, 2], [3]]


@pytest.mark.parametrize("language", FORMULAS)
def test_what_news_says_of_anything_makes_no_story_in_any_language(language: str) -> None:
    assert groups(look(told(*FORMULAS[language], language=language))) == [[1], [2]]


def test_articles_in_two_languages_are_two_stories() -> None:
    first, second = told(REGISTER[0], REGISTER[0])
    second = replace(second, title="Permit register Aarhus Porto Tampere algorithms", language="da")

    assert len(groups(look([replace(first, language="en"), second]))) == 2


def test_what_one_owner_tells_twice_is_two_stories_unless_it_is_a_copy() -> None:
    twice = told(*REGISTER[1:], owners=False)
    copied = told(REGISTER[0], ("A joint permit register for algorithms", REGISTER[0][1] + " More tomorrow."))

    assert groups(look(twice)) == [[1], [2]]
    found = look([replace(each, source_id=1) for each in copied])
    assert groups(found) == [[1, 2]]
    assert "nearly the same text" in " ".join(reason.words for reason in found.content.stories[0].reasons)


def test_parts_of_one_owners_series_are_never_one() -> None:
    week = told(
        ("A history of registers, part 1", REGISTER[0][1]),
        ("A history of registers, part 2", REGISTER[0][1] + " It continues."),
        owners=False,
    )

    assert groups(look(week)) == [[1], [2]]


def test_a_sites_own_description_under_every_title_makes_nothing_alike() -> None:
    same = "Halden is a laboratory in Aarhus that writes about registers, permits and algorithms for cities."
    week = told(
        ("Chips for hospitals", same), ("Weather on Mars", same), ("Bread and robots", same), owners=False
    )

    assert groups(look(week)) == [[1], [2], [3]]


def test_a_week_lies_between_one_story_and_its_anniversary() -> None:
    first, second = told(REGISTER[0], REGISTER[1])
    old = replace(first, published_at=SINCE - timedelta(days=30))

    assert groups(look([old, second])) == [[1], [2]]


UNSURE = (
    (
        "Porto tests harbour drones",
        "Harbour drones began to fly in Porto on Monday, watched by a dozen fishermen.",
    ),
    (
        "Fishermen of Porto complain",
        "Fishermen went to Lisbon about noise, torn nets and the lost working days.",
    ),
)


def test_what_is_not_sure_is_not_joined_and_asked() -> None:
    found = look(told(*UNSURE))

    assert groups(found) == [[1], [2]]
    assert [(each.kind, each.urls) for each in found.questions if each.kind == "story"] == [
        ("story", ("https://s1.example/x", "https://s2.example/x"))
    ]
    assert any(reason.rule == "story.unsure" for reason in found.content.stories[0].reasons)


def test_an_editors_answer_holds() -> None:
    pair = ("https://s1.example/x", "https://s2.example/x")

    yes = look(told(*UNSURE), same=frozenset({pair}))
    no = look(told(*UNSURE), different=frozenset({pair}))
    parted = look(told(*REGISTER[:2]), different=frozenset({pair}))

    assert groups(yes) == [[1, 2]]
    assert groups(no) == [[1], [2]]
    assert not [each for each in (*yes.questions, *no.questions, *parted.questions) if each.kind == "story"]
    assert groups(parted) == [[1], [2]]


subjects = st.sampled_from(
    ["permit register", "harbour drones", "sign language", "snow forecast", "Aarhus", "Porto", "Tampere",
     "mayors agree", "model released", "libraries lend", "telescopes", "algorithms", "fishermen", "hospital"]
)  # fmt: skip
lines = st.lists(subjects, min_size=2, max_size=6, unique=True).map(" ".join)


@st.composite
def two_days(draw: st.DrawFn) -> tuple[list[Article], list[Article]]:
    # Few sources, texts and addresses: some give one text or one address to all that they publish.
    rows = st.tuples(lines, lines, st.integers(1, 4), st.integers(1, 9))
    drawn = draw(st.lists(rows, min_size=2, max_size=16))
    early = draw(st.integers(1, len(drawn)))
    week = [
        article(
            number, title=title, summary=text, source_id=owner, canonical_url=f"https://s.example/{place}"
        )
        for number, (title, text, owner, place) in enumerate(drawn, 1)
    ]
    monday = [moved(each, SINCE + timedelta(hours=2)) for each in week[:early]]
    tuesday = [moved(each, SINCE + timedelta(hours=26)) for each in week[early:]]
    return monday, tuesday


@settings(max_examples=80)
@given(two_days())
def test_mondays_stories_stay_together_when_tuesdays_articles_come(
    days: tuple[list[Article], list[Article]],
) -> None:
    monday, tuesday = days

    before = groups(look(monday))
    after = groups(look([*monday, *tuesday]))

    assert all(any(set(story) <= set(each) for each in after) for story in before)


def on(day: int, number: int, source_id: int, title: str, summary: str, **values: object) -> Article:
    """An article that was first seen on that day, at an address of its own."""
    return moved(
        article(number, source_id=source_id, title=title, summary=summary, **values),
        SINCE + timedelta(days=day, hours=2),
    )


def test_a_text_that_a_source_repeats_the_next_day_parts_no_story() -> None:
    monday = [on(0, at, at, title, text) for at, (title, text) in enumerate(REGISTER[:2], 1)]
    repeated = on(1, 3, 1, "Snow closes mountain road", REGISTER[0][1])

    before, after = groups(look(monday)), groups(look([*monday, repeated]))

    assert before == [[1, 2]]
    assert after == [[1, 2], [3]]


def test_an_address_that_a_source_repeats_the_next_day_parts_no_story() -> None:
    address = {"canonical_url": "https://s.example/all"}
    monday = [
        on(0, 1, 1, "Bridge opens to cyclists", "", **address),
        on(0, 2, 2, "Nine years of work are over", "", **address),
    ]
    repeated = on(1, 3, 1, "Library lends telescopes", "", **address)

    before, after = groups(look(monday)), groups(look([*monday, repeated]))

    assert before == [[1, 2]]
    assert after == [[1, 2], [3]]


@pytest.mark.parametrize(
    "words", [("release", "releases", "released", "releasing"), ("stop", "stopped"), ("study", "studies")]
)
def test_forms_of_one_word_have_one_stem(words: tuple[str, ...]) -> None:
    assert len({stem(word) for word in words}) == 1


@pytest.mark.parametrize("word", ["सरकार", "தமிழ்நாடு", "বাংলাদেশ", "naïve", "الذَّكَاءُ"])
def test_a_word_is_not_torn_at_its_vowel_signs(word: str) -> None:
    assert list(stems(f"{word}, {word}")) == [word]


@given(st.text(max_size=300), st.text(max_size=600))
def test_any_text_has_terms_and_none_of_them_is_negative(title: str, text: str) -> None:
    counts = Vocabulary().count(title, text)
    assert all(weight > 0 for weight in counts.weights)
    assert counts.heads <= set(counts.keys)
    assert len(set(counts.keys)) == len(counts.keys) == len(counts.weights)
    assert isinstance(shingles(text), frozenset)


def test_a_forest_names_each_cluster_by_its_smallest() -> None:
    forest = Forest(5)

    forest.join(4, 2)
    forest.join(2, 3)

    assert [forest.root(index) for index in range(5)] == [0, 1, 2, 2, 2]


def test_a_story_told_by_three_owners_stands_before_one_told_by_one() -> None:
    assert len(issue(told(*REGISTER, LIBRARY)).stories[0].article_ids) == 3
