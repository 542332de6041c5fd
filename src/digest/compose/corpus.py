"""Texts as vectors, weighed by how rare each term is, and the pairs among them worth comparing."""

import heapq
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from digest.compose.terms import background, damped

#: A term that more texts have finds no pairs.
COMMON = 40
#: So many pairs are weighed for each text: the likeliest.
PAIRS = 20
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
    """The texts so far, and how many of them have each term."""

    def __init__(self, texts: Sequence[Text]) -> None:
        self._texts = texts
        self._having: Counter[str] = Counter()
        self._damped: dict[int, dict[str, float]] = {}
        self.present: dict[int, None] = {}

    def add(self, day: Sequence[int]) -> None:
        """Count these texts in."""
        for index in day:
            self.present[index] = None
            self._damped[index] = damped(self._texts[index].terms)
            self._having.update(self._damped[index].keys())

    def vectors(self) -> dict[int, Vector]:
        """Each text's terms that another text has too; the vector with all terms has length one."""
        total, ordinary = len(self.present) + ORDINARY + 1, background()
        rarity = {
            term: math.log(total / (count + 1 + ORDINARY * ordinary.get(term, 0.0))) + 0.5
            for term, count in self._having.items()
        }
        # Numbers for terms: sets of numbers have one order on every machine, sets of words have not.
        numbers = {term: at for at, term in enumerate(t for t, count in self._having.items() if count > 1)}
        return {index: _unit(each, rarity, numbers) for index, each in self._damped.items()}


def _unit(counts: Mapping[str, float], rarity: Mapping[str, float], numbers: Mapping[str, int]) -> Vector:
    weighed = {term: count * rarity[term] for term, count in counts.items()}
    length = math.sqrt(sum([weight * weight for weight in weighed.values()])) or 1.0
    return {numbers[term]: weight / length for term, weight in weighed.items() if term in numbers}


def pairs(
    vectors: Mapping[int, Vector], day: Sequence[int], texts: Sequence[Text]
) -> Iterator[tuple[int, int, float]]:
    """The likeliest pairs with a text of this day, the smaller index first, each once."""
    having: dict[int, list[int]] = defaultdict(list)
    for index, vector in vectors.items():
        for term in vector:
            having[term].append(index)
    fresh = frozenset(day)
    met: set[tuple[int, int]] = set()
    for index in day:
        found: dict[int, float] = defaultdict(float)
        for term, weight in vectors[index].items():
            others = having[term]
            if len(others) <= COMMON:
                for other in others:
                    found[other] += weight * vectors[other][term]
        found.pop(index, None)
        for other, likeness in heapq.nlargest(PAIRS, found.items(), key=lambda each: (each[1], -each[0])):
            one, two = (index, other) if index < other else (other, index)
            if (other in fresh and (one, two) in met) or not _may_meet(texts[index], texts[other]):
                continue
            met.add((one, two))
            yield one, two, likeness


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
