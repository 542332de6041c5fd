"""The most telling sentences of a page: whole, in their order, in the page's language."""

from hypothesis import given, settings
from hypothesis import strategies as st

from articles import article, issue
from digest.compose.extract import extract
from digest.compose.sentences import word_count

PAGE = """DriftConf in Porto
Sand moves along the coast of Porto faster than the harbour was built for. The city measures the sand with
twelve drones every morning. Lunch was good. Drones that measure sand cost less than one dredger, the harbour
master says. A second city wants drones for its own harbour. Read more
Related posts"""
JAPANESE = "研究所が手話翻訳モデルを公開した。天気は晴れだった。手話翻訳モデルは学校で試験された。"


def test_an_extract_is_of_whole_sentences_in_their_order() -> None:
    text = " ".join(PAGE.split("\n")[1:])

    told = extract(text, max_words=40, max_sentences=2)

    pieces = [piece for piece in told.split(". ") if piece]
    assert len(pieces) == 2
    assert all(piece.rstrip(".") in text for piece in pieces)
    assert told.startswith("Sand moves along the coast")


def test_titles_of_columns_and_small_talk_are_no_sentences_of_it() -> None:
    told = extract(PAGE, max_words=200, max_sentences=9)

    assert "Related" not in told
    assert "Lunch" not in told
    assert "DriftConf" not in told


def test_japanese_sentences_are_joined_without_spaces() -> None:
    assert extract(JAPANESE, max_words=60, max_sentences=2).count(" ") == 0


def test_what_has_no_sentence_has_no_extract() -> None:
    assert extract("Menu\nHome\nAbout us", max_words=60) == ""


def test_a_story_without_a_summary_is_told_by_its_page() -> None:
    (story,) = issue([article(1, summary="", text=PAGE.replace("\n", " "))]).stories

    assert story.summary.startswith("DriftConf in Porto Sand moves") or story.summary.startswith("Sand moves")


def test_whole_sentences_of_the_page_go_before_a_teaser_that_the_feed_cut() -> None:
    teaser = "Sand moves in Porto and nobody who ever stood on it would have thought that the whole of it […]"
    (cut,) = issue([article(1, title="DriftConf", summary=teaser, text=PAGE)]).stories
    (only,) = issue([article(1, title="DriftConf", summary=teaser)]).stories

    assert cut.summary.endswith(".")
    assert only.summary.endswith("the whole of it…")


@settings(max_examples=60)
@given(st.text(alphabet="abcd .!?\nÄ。ñ", max_size=600), st.integers(5, 60))
def test_any_text_gives_whole_sentences_within_the_limit(text: str, words: int) -> None:
    assert word_count(extract(text, max_words=words)) <= words
