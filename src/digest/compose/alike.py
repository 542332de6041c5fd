"""Which texts tell the same story: the evidence of their words, over pairs that share a rare word only.

Two clusters are joined while the evidence (`digest.compose.evidence`) that one story told both is above

    same_story · root + alone / root

where root² is (texts of the one · texts of the other), so that two texts alone must have much in common, and
many bear each other out. They must also be alike (cosine of TF-IDF), texts of one owner more: who publishes
twice mostly tells two things. Days are clustered one after another and what one day joined stays joined, so
that Monday's stories do not fall apart when Tuesday's articles come in. The pairs come from an inverted
index, so the cost grows with the number of texts and not with its square.
"""

import heapq
import math
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field

from digest.compose.corpus import Corpus, Text, Vector, dot
from digest.compose.evidence import Said, evidence
from digest.compose.forest import Forest
from digest.compose.plan import Weights

#: Pairs as alike as this are looked at for being copies.
COPIES = 0.5
#: Two texts alone must be so much alike, groups less as they have more pairs: a name or two in common is not
#: yet a story.
LIKE = 0.33
#: Clusters that share an owner need so much more evidence, and must be this much alike at least.
SHARED_OWNER = 3.0
SHARED_OWNER_LEAST = 0.3
#: A link of less evidence is forgotten, as hardly any cluster grows into it.
HOPELESS = -3.0
#: From this part of the likeness that is needed on, the editor is asked.
ASK_LIKE = 0.7


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


#: How sure it is that two clusters are one, negative, so that the surest comes first; both, and their sizes.
_Sure = tuple[float, int, int, int, int]


@dataclass(slots=True, kw_only=True)
class _Group:
    """A cluster in the making."""

    members: list[int]
    said: Said
    #: The sum of their vectors, so that the likeness of two groups is one product, not one for all pairs.
    whole: Vector
    voices: frozenset[str]
    languages: frozenset[str]
    #: The evidence that it and each neighbour are one.
    links: dict[int, float] = field(default_factory=dict)


def group(
    texts: Sequence[Text],
    days: Iterable[Sequence[int]],
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
    linker = _Linker(texts, corpus, forest, weights, parted)
    owners: dict[str, int] = {}
    copies: list[tuple[int, int]] = []
    for day in days:
        corpus.add(day)
        linker.add(day)
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


def _sum(one: _Group, other: _Group) -> Vector:
    """The sum of both vectors; that of the group with more words is given up for it."""
    more, less = sorted((one, other), key=lambda each: -len(each.whole))
    # The vector of a single text is the corpus' own.
    whole = more.whole if len(more.members) > 1 else dict(more.whole)
    for term, weight in less.whole.items():
        whole[term] = whole.get(term, 0.0) + weight
    return whole


class _Linker:
    """Joins the groups for whose being one there is most evidence; only who meets is limited."""

    def __init__(
        self,
        texts: Sequence[Text],
        corpus: Corpus,
        forest: Forest,
        weights: Weights,
        parted: frozenset[tuple[int, int]],
    ) -> None:
        self._texts, self._corpus, self._forest = texts, corpus, forest
        self._weights, self._parted = weights, parted
        self._groups: dict[int, _Group] = {}
        self._heap: list[_Sure] = []

    def add(self, day: Sequence[int]) -> None:
        """Begin a group for each of these texts."""
        for index in day:
            text = self._texts[index]
            self._groups[index] = _Group(
                members=[index],
                said=self._corpus.said.pop(index),
                whole=self._corpus.vectors[index],
                voices=frozenset({text.voice}),
                languages=frozenset({text.language} - {""}),
            )

    def merge(self, one: int, other: int, *, must: bool = False) -> None:
        """Make the groups of two texts one, however alike they are; parted ones only when they `must`."""
        one, other = self._forest.pair(one, other)
        if one != other and (must or not self._is_parted(one, other)):
            self._join(one, other)

    def link(self, pairs: Iterable[tuple[int, int, float]]) -> None:
        """Join what is sure, the most certain first."""
        for one, other in dict.fromkeys([self._forest.pair(one, other) for one, other, _ in pairs]):
            if one != other:
                self._meet(one, other)
        for heap in self._apart():
            # What a join makes sure waits with the others of its part.
            self._heap = heap
            while heap:
                _, one, other, size_one, size_other = heapq.heappop(heap)
                is_current = self._size(one) == size_one and self._size(other) == size_other
                # Likeness is asked only now, because most of what waits is out of date when its turn comes.
                if is_current and self._is_like(one, other, 1.0) and not self._is_parted(one, other):
                    self._join(one, other)

    def _apart(self) -> list[list[_Sure]]:
        """What waits, as heaps, one for clusters that links connect: what one heap joins changes no other.

        So few clusters are looked at together, and the processor's cache holds them.
        """
        names: dict[int, int] = {}
        heaps: dict[int, list[_Sure]] = {}
        for each in sorted(self._heap):
            root = each[1]
            if root not in names:
                names |= dict.fromkeys(self._connected(root), root)
            heaps.setdefault(names[root], []).append(each)
        return list(heaps.values())

    def _connected(self, root: int) -> set[int]:
        """A cluster and all that links lead to from it."""
        found, coming = {root}, [root]
        while coming:
            new = self._links(coming.pop()) - found
            found |= new
            coming += new
        return found

    def _links(self, root: int) -> Set[int]:
        return self._groups[root].links.keys() if root in self._groups else set()

    def unsure(self) -> dict[tuple[int, int], float]:
        """Pairs of clusters with nearly enough evidence, by a member of each, and their likeness."""
        found = {}
        for one, mine in self._groups.items():
            for other, known in mine.links.items():
                is_near = one < other and self._missing(one, other, known) <= self._weights.ask_story
                if is_near and self._is_like(one, other, ASK_LIKE) and not self._is_parted(one, other):
                    found[one, other] = self._likeness(one, other)
        return found

    def fits(self) -> tuple[float, ...]:
        """Each text's mean likeness to the others of its cluster; 0 for one that is alone."""
        fits = [0.0] * len(self._texts)
        for each in self._groups.values():
            for index in each.members if len(each.members) > 1 else ():
                mine, whole = self._corpus.vectors[index], each.whole
                others = sum([weight * (whole[term] - weight) for term, weight in mine.items()])
                fits[index] = round(others / (len(each.members) - 1), 4)
        return tuple(fits)

    def _size(self, root: int) -> int:
        return len(self._groups[root].members) if root in self._groups else 0

    def _missing(self, one: int, other: int, known: float) -> float:
        """How much more evidence would make two clusters one story; below zero when there is enough."""
        mine, theirs = self._groups[one], self._groups[other]
        if mine.languages and theirs.languages and mine.languages.isdisjoint(theirs.languages):
            return math.inf
        root = math.sqrt(len(mine.members) * len(theirs.members))
        need = self._weights.same_story * root + self._weights.alone / root
        is_shared = not mine.voices.isdisjoint(theirs.voices) and len(mine.voices | theirs.voices) > 1
        return need + (SHARED_OWNER * root if is_shared else 0.0) - known

    def _is_like(self, one: int, other: int, part: float) -> bool:
        """Whether two clusters have this part of the mean likeness that they need beside the evidence."""
        mine, theirs = self._groups[one], self._groups[other]
        if mine.voices.isdisjoint(theirs.voices):
            least = LIKE / (len(mine.members) * len(theirs.members))
        else:
            is_one = len(mine.voices | theirs.voices) == 1
            least = self._weights.same_owner if is_one else SHARED_OWNER_LEAST
        return self._likeness(one, other) >= part * least

    def _likeness(self, one: int, other: int) -> float:
        """The mean likeness of their texts."""
        mine, theirs = self._groups[one], self._groups[other]
        return dot(mine.whole, theirs.whole) / (len(mine.members) * len(theirs.members))

    def _meet(self, one: int, other: int) -> None:
        mine, theirs = self._groups[one], self._groups[other]
        known = evidence(mine.said, theirs.said, self._corpus.expected)
        if known < HOPELESS:
            mine.links.pop(other, None)
            theirs.links.pop(one, None)
            return
        mine.links[other] = theirs.links[one] = known
        missing = self._missing(one, other, known)
        if missing < 0:
            low, high = min(one, other), max(one, other)
            over = -missing / math.sqrt(len(mine.members) * len(theirs.members))
            # Rounded, so that the last bit of a sum does not decide the order.
            heapq.heappush(self._heap, (-round(over, 9), low, high, self._size(low), self._size(high)))

    def _join(self, one: int, other: int) -> None:
        self._forest.join(one, other)
        mine, theirs = self._groups[one], self._groups.pop(other)
        thirds = (mine.links.keys() | theirs.links.keys()) - {one, other}
        for third in thirds:
            self._groups[third].links.pop(other, None)
        mine.said = mine.said.joined(theirs.said)
        mine.whole = _sum(mine, theirs)
        mine.voices |= theirs.voices
        mine.languages |= theirs.languages
        mine.members = mine.members + theirs.members
        mine.links = {}
        for third in thirds:
            self._meet(one, third)

    def _is_parted(self, one: int, other: int) -> bool:
        if not self._parted:
            return False
        mine, theirs = self._groups[one].members, self._groups[other].members
        return any((min(a, b), max(a, b)) in self._parted for a in mine for b in theirs)
