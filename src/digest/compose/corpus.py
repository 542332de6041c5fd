"""Texts as vectors, weighed by how rare each term is, and the pairs among them worth comparing."""

import heapq
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from digest.compose.terms import background

#: A term that more texts have finds no pairs.
COMMON = 24
#: So many pairs are weighed for each text: the likeliest.
PAIRS = 20
#: A term that weighs less in a text, of a length of one, finds no pairs, nor do pairs that are less alike.
FINDS = 0.1
LIKELY = 0.06
#: What is ordinary counts as so many texts, so that a quiet week too knows which words are.
ORDINARY = 100
#: Two articles published further apart than this are two stories.
APART = timedelta(days=5)

_DIGITS = re.compile(r"\d+")

#: By the number of a term.
Vector = dict[int, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """What is compared of an article, and what speaks against comparing it."""

    terms: Mapping[str, float]
    #: The owner.
    voice: str
    #: BCP 47 primary tag, or "".
    language: str
    at: datetime
    title: str = ""
    #: The stems of the title.
    heads: frozenset[str] = frozenset()


class Corpus:
    """The texts so far as vectors, and which of them have each term.

    A text is weighed once, on its day, by how rare its terms were until then.
    """

    def __init__(self, texts: Sequence[Text]) -> None:
        self._texts = texts
        every = Counter[str]()
        for text in texts:
            every.update(text.terms.keys())
        # Numbers for terms: sets of numbers have one order on every machine, sets of words have not. What
        # only one text has makes no text like another and counts in its length alone.
        shared = [term for term, count in every.items() if count > 1]
        self._numbers = {term: at for at, term in enumerate(shared)}
        ordinary = background()
        self._ordinary = [ORDINARY * ordinary.get(term, 0.0) for term in shared]
        self._having: list[int] = [0] * len(shared)
        self._places: list[list[tuple[int, float]]] = [[] for _ in shared]
        self._total = 0
        self.vectors: dict[int, Vector] = {}

    def add(self, day: Sequence[int]) -> None:
        """Take in the texts of a day."""
        numbers, having, places = self._numbers, self._having, self._places
        for index in day:
            for term in self._texts[index].terms:
                number = numbers.get(term)
                if number is not None:
                    having[number] += 1
        self._total += len(day)
        rarity: dict[int, float] = {}
        for index in day:
            vector = self._weigh(self._texts[index].terms, rarity)
            self.vectors[index] = vector
            for number, weight in vector.items():
                if weight >= FINDS and having[number] <= COMMON:
                    places[number].append((index, weight))

    def _weigh(self, counts: Mapping[str, float], rarity: dict[int, float]) -> Vector:
        """The text's vector; with the terms that only it has it is of length one.

        `rarity` keeps what each term's rarity was found to be on this day.
        """
        numbers, ordinary = self._numbers, background()
        total = self._total + ORDINARY + 1
        vector: Vector = {}
        square = 0.0
        for term, count in counts.items():
            number = numbers.get(term)
            if number is None:
                common = ORDINARY * ordinary.get(term, 0.0)
                square += (_damped(count) * (math.log(total / (2 + common)) + 0.5)) ** 2
                continue
            rare = rarity.get(number)
            if rare is None:
                rare = math.log(total / (self._having[number] + 1 + self._ordinary[number])) + 0.5
                rarity[number] = rare
            weight = vector[number] = _damped(count) * rare
            square += weight * weight
        length = math.sqrt(square) or 1.0
        return {number: weight / length for number, weight in vector.items()}

    def pairs(self, day: Sequence[int]) -> Iterator[tuple[int, int, float]]:
        """The likeliest pairs with a text of this day, the smaller index first, each once."""
        met: set[tuple[int, int]] = set()
        for index in day:
            found: dict[int, float] = {}
            for number, weight in self.vectors[index].items():
                if weight >= FINDS and self._having[number] <= COMMON:
                    for other, theirs in self._places[number]:
                        found[other] = found.get(other, 0.0) + weight * theirs
            found.pop(index, None)
            likely = [(likeness, -other) for other, likeness in found.items() if likeness >= LIKELY]
            for likeness, negative in heapq.nlargest(PAIRS, likely):
                other = -negative
                pair = (index, other) if index < other else (other, index)
                if pair not in met and _may_meet(self._texts[index], self._texts[other]):
                    met.add(pair)
                    yield *pair, likeness


@lru_cache(maxsize=4096)
def _damped(count: float) -> float:
    """Each further time counts less."""
    return math.log1p(count)


def _may_meet(one: Text, other: Text) -> bool:
    if one.language and other.language and one.language != other.language:
        return False
    if one.heads and other.heads and one.heads.isdisjoint(other.heads):
        # What is alike under titles that have no word in common is the way of telling.
        return False
    if one.voice == other.voice and one.title != other.title:
        # "Part 1" and "Part 2" of one owner are a series.
        return _DIGITS.sub("", one.title) != _DIGITS.sub("", other.title) and abs(one.at - other.at) <= APART
    return abs(one.at - other.at) <= APART


def dot(one: Vector, other: Vector) -> float:
    """The likeness of two vectors, or the summed likeness of two sums."""
    return sum([one[term] * other[term] for term in one.keys() & other.keys()])
