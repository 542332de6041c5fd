"""Which texts tell the same story: TF-IDF and average linkage, over pairs that share a rare term only.

Two clusters are joined while the mean likeness (cosine) of their texts is above

    same_story · length + alone / (texts of the one · texts of the other)

so that two texts alone must be much alike, and many bear each other out; `length` is 1 for texts of twenty
different words in the mean and grows with it, as longer texts have more in common by chance. Texts of one
owner need more: who publishes twice mostly tells two things. Days are clustered one after another and what
one day joined stays joined, so that Monday's stories do not fall apart when Tuesday's articles come in. The
pairs come from an inverted index, so the cost grows with the number of texts and not with its square.
"""

import heapq
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from digest.compose.corpus import Corpus, Text, Vector, dot
from digest.compose.forest import Forest
from digest.compose.plan import Weights

#: Pairs as alike as this are looked at for being copies.
COPIES = 0.45
#: Clusters that share an owner must be this much likelier, and this much alike at least.
SHARED_OWNER = 2.0
SHARED_OWNER_LEAST = 0.25
#: Two clusters of five texts or more must be alike to each other by this part of what each is in itself:
#: two tight ones far apart are two stories of one kind.
TIGHT_FROM = 5
TIGHT = 0.54


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two texts of two clusters that may be one story; the likeness is that of the clusters."""

    one: int
    other: int
    likeness: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouping:
    """For each text the first text of its cluster and its mean likeness to the others of it."""

    roots: tuple[int, ...]
    fits: tuple[float, ...]
    #: Texts that are nearly the same.
    copies: tuple[tuple[int, int], ...] = ()
    #: What is not sure, the likeliest first.
    unsure: tuple[Pair, ...] = ()


@dataclass(slots=True, kw_only=True)
class _Group:
    """A cluster in the making."""

    members: list[int]
    sum: Vector
    voices: frozenset[str]
    languages: frozenset[str]
    #: The summed likeness of its own pairs.
    within: float = 0.0
    #: The summed likeness to the texts of each neighbour.
    links: dict[int, float] = field(default_factory=dict)


def group(
    texts: Sequence[Text],
    days: Sequence[Sequence[int]],
    *,
    weights: Weights,
    ties: Sequence[Sequence[str]] = (),
    marks: Sequence[Sequence[str]] = (),
    is_copy: Callable[[int, int], bool] = lambda one, other: False,
    parted: frozenset[tuple[int, int]] = frozenset(),
) -> Grouping:
    """The clusters of these texts, day after day.

    Texts with one of their `ties` in common are one whatever else holds; those with one of their `marks` in
    common unless they are `parted` (pairs, smaller index first), which nothing but a tie brings together;
    `is_copy` tells whether two are nearly the same.
    """
    forest, corpus = Forest(len(texts)), Corpus(texts)
    lengths = _lengths(corpus.words, days)
    linker = _Linker(texts, corpus, forest, weights, parted, least=_least(weights, lengths))
    owners: dict[str, int] = {}
    copies: list[tuple[int, int]] = []
    for day, length in zip(days, lengths, strict=True):
        corpus.add(day)
        linker.add(day, length)
        for known, must in ((ties, True), (marks, False)):
            for index in day if known else ():
                for mark in known[index]:
                    linker.merge(owners.setdefault(mark, index), index, must=must)
        met = [pair for pair in corpus.pairs(day) if pair[:2] not in parted]
        found = [(one, other) for one, other, likeness in met if likeness >= COPIES and is_copy(one, other)]
        for one, other in found:
            linker.merge(one, other)
        copies += found
        linker.link(met)
    unsure = linker.unsure()
    return Grouping(
        roots=tuple(forest.root(index) for index in range(len(texts))),
        fits=linker.fits(),
        copies=tuple(copies),
        unsure=_left(unsure, forest),
    )


def _left(unsure: Mapping[tuple[int, int], float], forest: Forest) -> tuple[Pair, ...]:
    """The doubts that later texts did not settle, one for two clusters, the likeliest first."""
    found: dict[tuple[int, int], Pair] = {}
    for (one, other), likeness in sorted(unsure.items(), key=lambda each: (-each[1], each[0])):
        roots = forest.pair(one, other)
        if roots[0] != roots[1]:
            found.setdefault(roots, Pair(one=one, other=other, likeness=round(likeness, 4)))
    return tuple(found.values())


def _add(whole: Vector, vector: Vector) -> None:
    for term, weight in vector.items():
        whole[term] = whole.get(term, 0.0) + weight


class _Linker:
    """Average linkage over groups; the mean likeness of two is exact, only who meets is limited.

    What is less alike than `least` is not kept, as nothing would come of it.
    """

    def __init__(
        self,
        texts: Sequence[Text],
        corpus: Corpus,
        forest: Forest,
        weights: Weights,
        parted: frozenset[tuple[int, int]],
        *,
        least: float,
    ) -> None:
        self._texts, self._corpus, self._forest = texts, corpus, forest
        self._weights, self._parted, self._least = weights, parted, least
        self._groups: dict[int, _Group] = {}
        self._heap: list[tuple[float, int, int, int, int]] = []
        self._length = 1.0

    def add(self, day: Sequence[int], length: float) -> None:
        """Begin a group for each of these texts; `length` is what pairs need by, from now on."""
        self._length = length
        for index in day:
            text = self._texts[index]
            self._groups[index] = _Group(
                members=[index],
                sum=self._corpus.vectors[index],
                voices=frozenset({text.voice}),
                languages=frozenset({text.language} - {""}),
            )

    def merge(self, one: int, other: int, *, must: bool = False) -> None:
        """Make the groups of two texts one, however alike they are; parted ones only when they `must`."""
        one, other = self._forest.pair(one, other)
        if one != other and (must or not self._is_parted(one, other)):
            mine, theirs = self._groups[one], self._groups[other]
            mine.links.setdefault(other, dot(mine.sum, theirs.sum))
            self._join(one, other)

    def link(self, pairs: Iterable[tuple[int, int, float]]) -> None:
        """Join what is sure, the most certain first."""
        for one, other in sorted({self._forest.pair(one, other) for one, other, _ in pairs}):
            if one != other:
                self._meet(one, other, dot(self._groups[one].sum, self._groups[other].sum))
        while self._heap:
            _, one, other, size_one, size_other = heapq.heappop(self._heap)
            is_current = self._size(one) == size_one and self._size(other) == size_other
            if is_current and not self._is_parted(one, other):
                self._join(one, other)

    def unsure(self) -> dict[tuple[int, int], float]:
        """The pairs of clusters that are nearly alike enough, by a member of each, with their likeness."""
        found = {}
        for one, mine in self._groups.items():
            for other, summed in mine.links.items():
                likeness = summed / (len(mine.members) * self._size(other))
                need = self._needed(one, other)
                is_near = need * self._weights.ask_story <= likeness
                if one < other and is_near and not self._is_parted(one, other):
                    found[one, other] = likeness
        return found

    def fits(self) -> tuple[float, ...]:
        """Each text's mean likeness to the others of its cluster; 0 for one that is alone."""
        fits = [0.0] * len(self._texts)
        for group in self._groups.values():
            others = len(group.members) - 1
            for index in group.members if others else ():
                vector, whole = self._corpus.vectors[index], group.sum
                summed = sum([weight * (whole[term] - weight) for term, weight in vector.items()])
                fits[index] = round(summed / others, 4)
        return tuple(fits)

    def _size(self, root: int) -> int:
        return len(self._groups[root].members) if root in self._groups else 0

    def _needed(self, one: int, other: int) -> float:
        """The mean likeness above which two clusters are one story."""
        mine, theirs = self._groups[one], self._groups[other]
        if mine.languages and theirs.languages and mine.languages.isdisjoint(theirs.languages):
            return math.inf
        if len(mine.voices | theirs.voices) == 1:
            return self._weights.same_owner
        texts = len(mine.members) * len(theirs.members)
        need = self._weights.same_story * self._length + self._weights.alone / texts
        if min(len(mine.members), len(theirs.members)) >= TIGHT_FROM:
            need = max(need, TIGHT * math.sqrt(_mean(mine) * _mean(theirs)))
        if mine.voices.isdisjoint(theirs.voices):
            return need
        return max(need * SHARED_OWNER, SHARED_OWNER_LEAST)

    def _meet(self, one: int, other: int, summed: float) -> None:
        mine, theirs = self._groups[one], self._groups[other]
        likeness = summed / (len(mine.members) * len(theirs.members))
        if likeness < self._least:
            mine.links.pop(other, None)
            theirs.links.pop(one, None)
            return
        mine.links[other] = theirs.links[one] = summed
        over = likeness - self._needed(one, other)
        if over > 0:
            low, high = min(one, other), max(one, other)
            # Rounded, so that the last bit of a sum does not decide the order.
            heapq.heappush(self._heap, (-round(over, 9), low, high, self._size(low), self._size(high)))

    def _join(self, one: int, other: int) -> None:
        self._forest.join(one, other)
        mine, theirs = self._groups[one], self._groups.pop(other)
        summed = {}
        for third in sorted((mine.links.keys() | theirs.links.keys()) - {one, other}):
            far = self._groups[third]
            far.links.pop(other, None)
            from_mine = mine.links[third] if third in mine.links else dot(mine.sum, far.sum)
            from_theirs = theirs.links[third] if third in theirs.links else dot(theirs.sum, far.sum)
            summed[third] = from_mine + from_theirs
        _absorb(mine, theirs, mine.links[other])
        mine.links = {}
        for third, value in summed.items():
            self._meet(one, third, value)

    def _is_parted(self, one: int, other: int) -> bool:
        if not self._parted:
            return False
        mine, theirs = self._groups[one].members, self._groups[other].members
        return any((min(a, b), max(a, b)) in self._parted for a in mine for b in theirs)


def _lengths(words: Sequence[int], days: Iterable[Sequence[int]]) -> list[float]:
    """For each day the factor by which the length of the texts so far raises what a pair needs."""
    lengths, known = [], list[int]()
    for day in days:
        known += [words[index] for index in day if words[index]]
        mean = sum(known) / len(known) if known else 20.0
        lengths.append(float((min(max(mean, 5.0), 60.0) / 20) ** 0.4))
    return lengths


def _least(weights: Weights, lengths: Iterable[float]) -> float:
    """The mean likeness below which two clusters are never one nor asked about, however they grow.

    Those who join are no more like a third than the liker of them was, so such a link need not be kept.
    """
    need = min(weights.same_story * min(lengths, default=1.0), weights.same_owner)
    return need * min(weights.ask_story, 1.0)


def _mean(each: _Group) -> float:
    pairs = len(each.members) * (len(each.members) - 1) / 2
    return each.within / pairs


def _absorb(mine: _Group, theirs: _Group, between: float) -> None:
    mine.within += theirs.within + between
    mine.voices |= theirs.voices
    mine.languages |= theirs.languages
    if len(mine.members) == 1:
        # Until now its sum was the vector of its one text, which others read.
        mine.sum = dict(mine.sum)
    _add(mine.sum, theirs.sum)
    mine.members = mine.members + theirs.members
