"""A text as the terms it is compared by: stems, pairs of them, and two characters at a time in Japanese."""

import math
import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from importlib.resources import files

#: So much of a text is compared: what a story is about stands at its beginning.
LEAD_WORDS = 60
#: A word of the title counts as often.
TITLE_TIMES = 2
#: Words written with a capital are mostly names, and names tell two stories of one kind apart.
CAPITAL = 1.4
#: What a pair of words counts beside its two words.
PAIR = 0.3

_WORD = re.compile(r"[^\W_]+(?:[.'’-][^\W_]+)*")
#: Written without spaces, or (Korean) with endings that hide the word.
_RUN = re.compile("[\u0e01-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+")
_SUFFIXES = ("ingly", "edly", "ing", "ed")


@cache
def small_words() -> frozenset[str]:
    """The words that tell nothing, of the languages of western Europe."""
    return frozenset(word for line in _lines("stop.txt") for word in line.split())


@cache
def background() -> dict[str, float]:
    """In what part of ordinary articles each common word stands; `benchmarks/train_words.py` counted them."""
    rows = (line.split() for line in _lines("words.txt"))
    return {word: int(thousandths) / 1000 for word, thousandths in rows}


def _lines(name: str) -> list[str]:
    lines = files("digest.compose").joinpath(name).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def terms(title: str, text: str) -> dict[str, float]:
    """How often each term stands in the title and the first words of the text, weighted."""
    counts: dict[str, float] = {}
    _count(_words(title), TITLE_TIMES, counts)
    _count(_words(" ".join(text.split(None, LEAD_WORDS)[:LEAD_WORDS])[: LEAD_WORDS * 12]), 1, counts)
    return counts


def heads(title: str) -> frozenset[str]:
    """The stems of a title."""
    return frozenset(word for word, _ in _words(title))


def shingles(text: str) -> frozenset[str]:
    """Every three words in a row, for telling copies from texts about the same thing."""
    words = [word for word, _ in _words(text, is_whole=True)]
    return frozenset(" ".join(words[at : at + 3]) for at in range(len(words) - 2))


def _count(words: Iterable[tuple[str, float]], times: int, counts: dict[str, float]) -> None:
    """Add each word, and each with the one before it."""
    before, weight_before = "", 0.0
    for word, weight in words:
        counts[word] = counts.get(word, 0.0) + times * weight
        if before:
            both = f"{before} {word}"
            mean = weight if weight == weight_before else math.sqrt(weight_before * weight)
            counts[both] = counts.get(both, 0.0) + times * PAIR * mean
        before, weight_before = word, weight


def _words(text: str, *, is_whole: bool = False) -> Iterator[tuple[str, float]]:
    """Each word's stem and weight; with `is_whole` the small words too."""
    is_plain = text.isascii()
    if not is_plain:
        text = unicodedata.normalize("NFKC", text)
    for word in _WORD.findall(text):
        if not is_plain and _RUN.search(word):
            yield from ((piece, 1.0) for piece in _pieces(word))
            continue
        found = _term(word)
        if is_whole or not found[2]:
            yield found[0], found[1]


@lru_cache(maxsize=65536)
def _term(word: str) -> tuple[str, float, bool]:
    """A word's stem, its weight, and whether it is too small to tell anything."""
    plain = word.casefold().replace("’", "'").removesuffix("'s")
    is_small = len(plain) < 2 or plain in small_words()
    return stem(plain), CAPITAL if word[0].isupper() else 1.0, is_small


def _pieces(word: str) -> Iterator[str]:
    """Two characters at a time of what is written without spaces, and the other words between."""
    rest = 0
    for run in _RUN.finditer(word):
        if run.start() > rest:
            yield word[rest : run.start()].casefold()
        text, rest = run[0], run.end()
        yield from (text[at : at + 2] for at in range(max(len(text) - 1, 1)))
    if rest < len(word):
        yield word[rest:].casefold()


def stem(word: str) -> str:
    """The word without a common English ending, so that "release", "releases" and "released" are one."""
    if len(word) < 4 or not word.isascii():
        return word
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= 3:
            word = word[: -len(suffix)]
            is_doubled = len(word) > 3 and word[-1] == word[-2] and word[-1] not in "lsz"
            word = word[:-1] if is_doubled else word
            break
    word = word[:-1] if word.endswith("e") and len(word) > 3 else word
    return word[:-1] + "i" if word.endswith("y") and len(word) > 3 else word
