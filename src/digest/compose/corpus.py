"""Texts as vectors, weighed by how rare each term is, and the pairs among them worth comparing."""

import heapq
import math
import re
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, repeat
from operator import mul

from digest.compose.evidence import NAME, OFTEN, Said
from digest.compose.terms import Counts, Vocabulary, background

#: A term that more texts have finds no pairs.
COMMON = 24
#: So many pairs are weighed for each text: the likeliest.
PAIRS = 20
#: A term that weighs less in a text, of a length of one, finds no pairs, nor do pairs that are less alike.
FINDS = 0.1
LIKELY = 0.08
#: What is ordinary counts as so many texts, so that a quiet week too knows which words are.
ORDINARY = 100
#: And as so many for what is expected of a story, so that in a small week its own words stay telling.
EXPECTED_TEXTS = 500
#: Two articles published further apart than this are two stories.
APART = timedelta(days=5)

_DIGITS = re.compile(r"\d+")

#: By the number of a term.
Vector = dict[int, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """What is compared of an article, and what speaks against comparing it."""

    #: The owner.
    voice: str
    #: BCP 47 primary tag, or "".
    language: str
    at: datetime
    #: What is compared.
    title: str = ""
    text: str = ""
    #: The title without case and punctuation, also of what is not compared.
    name: str = ""


class Corpus:
    """The texts so far as vectors, and which of them have each term.

    A text is weighed once, on its day, by how rare its terms were until then.
    """

    def __init__(self, texts: Sequence[Text]) -> None:
        self._texts = texts
        vocabulary = Vocabulary()
        counted = [vocabulary.count(text.title, text.text) for text in texts]
        self._heads = [each.heads for each in counted]
        ordinary = {vocabulary.number(word): ORDINARY * share for word, share in background().items()}
        # What only one text has makes no text like another and counts in its length alone, so that all of it
        # has one number, the last; but a word that is ordinary elsewhere counts less.
        known = sorted(_shared(counted) | (ordinary.keys() - {0}))
        self._numbers = {key: at for at, key in enumerate(known)}
        self._ordinary = {self._numbers[key]: share for key, share in ordinary.items() if key}
        self._lone = len(known)
        self._counted = dict(enumerate(counted))
        self._having = Counter[int]()
        # By the number of a term: how rare it is today.
        self._rarity = [0.0] * (self._lone + 1)
        # The texts that a term finds, and its weight in each: arrays, because a list of pairs is spread over
        # the memory, and a large week would wait for it.
        self._places: defaultdict[int, tuple[array[int], array[float]]] = defaultdict(_no_places)
        self._total = self._told = self._words = 0
        self.vectors: dict[int, Vector] = {}
        #: What each text says, and how often each word is expected in a story of which nothing is read.
        self.said: dict[int, Said] = {}
        self.expected = [0.0] * (self._lone + 1)

    def add(self, day: Sequence[int]) -> None:
        """Take in the texts of a day."""
        number, lone, having = self._numbers.get, repeat(self._lone), self._having
        numbers = {index: list(map(number, self._counted[index].keys, lone)) for index in day}
        for each in numbers.values():
            having.update(each)
            self._words += len(each)
            self._told += bool(each)
        self._total += len(day)
        terms = set(chain.from_iterable(numbers.values()))
        self._weigh_terms(terms)
        self._expect(terms)
        for index in day:
            counts, known = self._counted.pop(index), numbers.pop(index)
            self.vectors[index] = self._weigh(known, counts.weights)
            self.said[index] = self._say(counts, known)

    def _weigh_terms(self, numbers: Iterable[int]) -> None:
        """Note how rare each of these is today."""
        having, ordinary, rarity = self._having, self._ordinary.get, self._rarity
        total = self._total + ORDINARY + 1
        for each in numbers:
            rarity[each] = math.log(total / (having[each] + 1 + ordinary(each, 0.0))) + 0.5
        rarity[self._lone] = math.log(total / 2) + 0.5

    def _expect(self, numbers: Iterable[int]) -> None:
        """Note how often each of these is expected, by how many texts had it until today."""
        having, ordinary, expected = self._having, self._ordinary.get, self.expected
        mean = self._words / self._told if self._told else 1.0
        times, share = OFTEN / (self._total + EXPECTED_TEXTS + 1) / mean, EXPECTED_TEXTS / ORDINARY
        for each in numbers:
            expected[each] = times * (having[each] + 1 + share * ordinary(each, 0.0))

    def _say(self, counts: Counts, known: Sequence[int]) -> Said:
        """What the text says; the words that only it has count in its size alone."""
        names, lone = counts.names, self._lone
        pairs = zip(counts.keys, known, strict=True)
        words = {each: NAME if key in names else 1.0 for key, each in pairs if each != lone}
        return Said(words, len(known) + (NAME - 1.0) * len(names))

    def _weigh(self, numbers: Sequence[int], counts: Sequence[float]) -> Vector:
        """The text's vector; with the terms that only it has it is of length one."""
        weights = list(map(mul, counts, map(self._rarity.__getitem__, numbers)))
        length = math.sqrt(sum(map(mul, weights, weights))) or 1.0
        lone = self._lone
        return {each: weight / length for each, weight in zip(numbers, weights, strict=True) if each != lone}

    def pairs(self, day: Sequence[int]) -> Iterator[tuple[int, int, float]]:
        """The likeliest pairs with a text of this day, the smaller index first, each once."""
        likely: dict[int, list[tuple[float, int]]] = {index: [] for index in day}
        for index in day:
            for other, likeness in self._place(index).items():
                if likeness >= LIKELY:
                    likely[index].append((likeness, -other))
                    if other in likely:
                        likely[other].append((likeness, -index))
        met: set[tuple[int, int]] = set()
        for index, found in likely.items():
            for likeness, negative in found if len(found) <= PAIRS else heapq.nlargest(PAIRS, found):
                other = -negative
                pair = (index, other) if index < other else (other, index)
                if pair not in met and self._may_meet(index, other):
                    met.add(pair)
                    yield *pair, likeness

    def _place(self, index: int) -> dict[int, float]:
        """The texts placed so far that have a rare term of this one, and their likeness by these terms."""
        found: dict[int, float] = {}
        having, places = self._having, self._places
        for term, weight in self.vectors[index].items():
            if weight >= FINDS and having[term] <= COMMON:
                others, weights = places[term]
                for other, theirs in zip(others, weights, strict=True):
                    if other in found:
                        found[other] += weight * theirs
                    else:
                        found[other] = weight * theirs
                others.append(index)
                weights.append(weight)
        return found

    def _may_meet(self, index: int, at: int) -> bool:
        one, other = self._texts[index], self._texts[at]
        if one.language and other.language and one.language != other.language:
            return False
        if self._heads[index] and self._heads[at] and self._heads[index].isdisjoint(self._heads[at]):
            # What is alike under titles that have no word in common is the way of telling.
            return False
        if one.voice == other.voice and one.name != other.name:
            # "Part 1" and "Part 2" of one owner are a series.
            is_series = _DIGITS.sub("", one.name) == _DIGITS.sub("", other.name)
            return not is_series and abs(one.at - other.at) <= APART
        return abs(one.at - other.at) <= APART


def _no_places() -> "tuple[array[int], array[float]]":
    return array("L"), array("d")


def _shared(counted: Iterable[Counts]) -> set[int]:
    """The terms of two texts or more."""
    met, shared = set[int](), set[int]()
    for each in counted:
        keys = set(each.keys)
        shared |= keys & met
        met |= keys
    return shared


def dot(one: Vector, other: Vector) -> float:
    """The likeness of two vectors, or the summed likeness of two sums."""
    return sum([one[term] * other[term] for term in one.keys() & other.keys()])
