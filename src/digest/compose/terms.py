"""A text as the numbered words it is compared by: stems, and pieces of Japanese words."""

import math
import re
import unicodedata
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from itertools import chain

#: So much of a text is compared: what a story is about stands at its beginning.
LEAD_WORDS = 60
#: A word of the title counts as often.
TITLE_TIMES = 2
#: Words written with a capital are mostly names, and names tell two stories of one kind apart.
CAPITAL = 1.4

#: Vowel signs and points, which Python takes for the end of a word: those of Hindi, Tamil, Arabic, Hebrew …
_SIGNS = "".join(
    sign for sign in map(chr, range(0x300, 0x1E00)) if unicodedata.category(sign) in {"Mn", "Mc"}
)
_WORD = re.compile(r"[^\W_]+(?:[.'’-][^\W_]+)*")
_SIGNED_WORD = re.compile(_WORD.pattern.replace(r"[^\W_]+", rf"[^\W_](?:[^\W_]|[{_SIGNS}])*"))
#: Written without spaces, or (Korean) with endings that hide the word.
_RUN = re.compile("[\u0e01-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+")
_SUFFIXES = ("ingly", "edly", "ing", "ed")


@cache
def small_words() -> frozenset[str]:
    """The words that tell nothing, of some thirty languages."""
    return frozenset(word for line in _lines("stop.txt") for word in line.split())


@cache
def background() -> dict[str, float]:
    """In what part of ordinary articles each common word stands; `benchmarks/train_words.py` counted them."""
    rows = (line.split() for line in _lines("words.txt"))
    return {word: int(thousandths) / 1000 for word, thousandths in rows}


def _lines(name: str) -> list[str]:
    lines = files("digest.compose").joinpath(name).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


@dataclass(frozen=True, slots=True)
class Counts:
    """A text's words by number, with what each counts for standing there so often."""

    keys: "array[int]"
    weights: "array[float]"
    #: The words of the title.
    heads: frozenset[int]
    #: The words written with a capital.
    names: frozenset[int]


class Vocabulary:
    """The words of some texts, numbered from 1 as they come."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        # By the word as written; a small word has no number.
        self._known: dict[str, tuple[int, float]] = {}

    def count(self, title: str, text: str) -> Counts:
        """The words of the title and the first ones of the text."""
        counts: dict[int, float] = {}
        heads, body = self._read(title), self._read(lead(text))
        for words, times in ((heads, TITLE_TIMES), (body, 1)):
            for word, weight in words:
                counts[word] = counts.get(word, 0.0) + times * weight
        return Counts(
            keys=array("L", counts),
            weights=array("d", map(_damped, counts.values())),
            heads=frozenset(number for number, _ in heads),
            names=frozenset(number for number, weight in chain(heads, body) if weight == CAPITAL),
        )

    def number(self, word: str) -> int:
        """The number of a stem; 0 when no text has it."""
        return self._numbers.get(word, 0)

    def _read(self, text: str) -> list[tuple[int, float]]:
        """The number and the weight of each word that tells something."""
        if not text.isascii():
            return [(self._numbered(word), weight) for word, weight in _words(text)]
        known = self._known
        return [found for word in _WORD.findall(text) if (found := known.get(word) or self._learn(word))[0]]

    def _learn(self, word: str) -> tuple[int, float]:
        plain, weight, is_small = _term(word)
        found = self._known[word] = (0 if is_small else self._numbered(plain), weight)
        return found

    def _numbered(self, word: str) -> int:
        return self._numbers.setdefault(word, len(self._numbers) + 1)


def stems(text: str) -> dict[str, float]:
    """How often each word stands in the first words of the text, weighted."""
    counts: dict[str, float] = {}
    for word, weight in _words(lead(text)):
        counts[word] = counts.get(word, 0.0) + weight
    return counts


def lead(text: str) -> str:
    """The first words of a text."""
    return " ".join(text.split(None, LEAD_WORDS)[:LEAD_WORDS])[: LEAD_WORDS * 12]


def shingles(text: str) -> frozenset[str]:
    """Every three words in a row, for telling copies from texts about the same thing."""
    words = [word for word, _ in _words(text, is_whole=True)]
    return frozenset(" ".join(words[at : at + 3]) for at in range(len(words) - 2))


@lru_cache(maxsize=4096)
def _damped(count: float) -> float:
    """Each further time counts less."""
    return math.log1p(count)


def _words(text: str, *, is_whole: bool = False) -> Iterator[tuple[str, float]]:
    """Each word's stem and weight; with `is_whole` the small words too."""
    is_plain = text.isascii()
    if not is_plain:
        text = unicodedata.normalize("NFKC", text)
    for word in (_WORD if is_plain else _SIGNED_WORD).findall(text):
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
