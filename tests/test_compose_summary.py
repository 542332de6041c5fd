"""The words under a headline: cleaned, cut at a sentence, never the title again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.compose.sentences import sentences, word_count
from digest.compose.summary import summary
from digest.domain import Tier

ONE = "The form has nineteen fields and one page."
TWO = "Regulators agreed on it in Geneva."
THREE = "It starts in March."


def item(text: str, title: str = "One form for all") -> str:
    return summary(text, title, Tier.ITEM)


def test_an_item_has_two_sentences_and_a_brief_none() -> None:
    assert item(f"{ONE} {TWO} {THREE}") == f"{ONE} {TWO}"
    assert summary(f"{ONE} {TWO} {THREE}", "Title", Tier.BRIEF) == ""


def test_a_lead_has_whole_sentences_up_to_sixty_words() -> None:
    told = summary(" ".join([ONE, TWO, THREE] * 9), "Title", Tier.LEAD)

    assert 50 < word_count(told) <= 60
    assert told.endswith(".")


def test_no_sentence_is_cut_and_one_that_is_too_long_is_passed_over() -> None:
    long = "The regulators " + "of many lands " * 15 + "met, and then " + "they talked " * 20 + "at length."

    assert item(long) == ""
    assert item(f"{long} {ONE} {TWO}") == f"{ONE} {TWO}"
    assert summary(f"{long} {ONE} {TWO} {THREE}", "Title", Tier.LEAD) == f"{ONE} {TWO} {THREE}"


def test_a_sentence_that_is_a_little_too_long_stands_alone() -> None:
    long = "The regulators " + "of many lands " * 18 + "met in Geneva."

    assert len(long) > 280
    assert item(f"{long} {ONE}") == long


def test_what_is_no_sentence_is_cut_at_a_word() -> None:
    told = item("word " * 100)

    assert told.endswith("word…")
    assert len(told) <= 280


@pytest.mark.parametrize(
    "text",
    [
        f"A line of its own https://x.example/paper {ONE} {TWO}",
        f"Originally published at https://x.example/a?b=c {ONE} https://y.example/ {TWO}",
        f"https://x.example/ {ONE} {TWO} <https://y.example/>",
        f"The form ( https://x.example/ ) has nineteen fields and one page. {TWO}",
        f"By Ada Lovelace and Bo Ek GENEVA/OSLO, Feb 17 (Reuters) - {ONE} {TWO}",
        f"GENEVA (AP) — {ONE} {TWO}",
        f"Click here for the other parts. {ONE} {TWO}",
    ],
)
def test_bare_addresses_and_datelines_are_left_out(text: str) -> None:
    assert item(text) == f"{ONE} {TWO}"


def test_an_address_within_a_sentence_is_a_word_of_it() -> None:
    text = "If you do not know https://quiz.example, it is a site of many quizzes."

    assert item(text) == text


@pytest.mark.parametrize("text", ["By Ada Lovelace, Member of the Technical Staff", "by G. K. Nobody"])
def test_the_name_of_who_wrote_it_tells_nothing(text: str) -> None:
    assert item(text) == ""


@pytest.mark.parametrize(
    "junk",
    [
        "Read more", "Read more…", "[Read more]", "Continue reading One form for all →", "[…]", "…",
        "The post One form for all appeared first on Orbit Daily.", "Read the full article »", "もっと読む",
        "[link] [comments]", "This post was originally published on Orbit.",
        "[…] Read more The post X appeared first on Y.",
    ],
)  # fmt: skip
def test_the_furniture_of_feeds_is_taken_off(junk: str) -> None:
    assert item(f"{ONE} {junk}").rstrip("…") == ONE


@pytest.mark.parametrize(
    "text",
    [
        "", "Comments", "Murfet et al.", "Fundamental research", "One form for all", "One form for all.",
        "ONE FORM, FOR ALL", "{", "…",
        "Article URL: https://x.example/ Comments URL: https://y.example/ Points: 3 # Comments: 9",
    ],
)  # fmt: skip
def test_a_text_that_tells_nothing_is_none(text: str) -> None:
    assert item(text) == ""


@pytest.mark.parametrize("between", [" ", ". ", " – ", ": ", "\n\n"])
def test_the_title_at_the_start_of_the_text_is_not_repeated(between: str) -> None:
    assert item(f"One form for all{between}{ONE}") == ONE


def test_a_text_that_only_begins_like_the_title_is_kept_whole() -> None:
    assert item("Atlas 4 is here and reads a thousand forms.", "Atlas 4").startswith("Atlas 4 is here")


def test_a_last_sentence_that_the_feed_cut_is_left_out() -> None:
    assert item(f"{ONE} And then the regul…") == ONE
    assert item(f"{ONE} And then the regul [...]") == ONE
    assert (
        item("And then the regulators of the whole world [...]")
        == "And then the regulators of the whole world…"
    )


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("Dr. A. Smith et al. met, e.g. in the U.S. on Nov. 3. They talked.", 2),
        ("Version 2.3.1 is out! Is it? Yes.", 3),
        ("“It works.” She left. (It did.)Since then all is well.", 4),
        ("It all happened at the same time.The first was new. Is it so?It's fine.", 4),
        ("We use http.Client and sync.Mutex, and string.In(x) too.", 1),
        ("これは文です。次の文です！本当？", 3),
        ("هل هذا جيد؟ نعم.", 2),
        ("यह एक वाक्य है। दूसरा वाक्य।", 2),
        ("no mark at all", 1),
        ("", 0),
    ],
)
def test_sentences_end_where_a_reader_ends_them(text: str, count: int) -> None:
    assert len(sentences(text)) == count


def test_japanese_is_cut_at_its_own_full_stop_and_counted_by_letters() -> None:
    text = "大規模言語モデルの新しい評価手法を発表しました。" * 20

    told = summary(text, "発表", Tier.LEAD)

    assert told.endswith("。")
    assert word_count(told) <= 60
    assert item(text) == "大規模言語モデルの新しい評価手法を発表しました。" * 2


def test_a_cut_never_tears_an_emoji_or_an_accent() -> None:
    told = item("All of it is here " + "👩\u200d🚀e\u0301" * 200)

    assert len(told) <= 280
    assert told[-2] in {"🚀", "\u0301"}


@given(st.text(max_size=1500), st.text(max_size=300), st.sampled_from(Tier))
def test_any_text_keeps_within_its_limits(text: str, title: str, tier: Tier) -> None:
    told = summary(text, title, tier)

    assert len(told) <= {Tier.LEAD: 600, Tier.ITEM: 400, Tier.BRIEF: 0}[tier]
    assert word_count(told) <= 60


@given(st.text(alphabet="ab .!?…。é\u0301\u200d👩", max_size=400))
def test_sentences_lose_no_letter(text: str) -> None:
    assert "".join("".join(sentences(text)).split()) == "".join(text.split())
