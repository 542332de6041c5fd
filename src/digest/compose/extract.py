"""The sentences of a text that say most of it: LexRank, in the order they stand.

A sentence is central when many others are like it (G. Erkan, D. Radev: LexRank, JAIR 22, 2004). Where a
sentence stands counts too: an article says what it is about at its beginning.
"""

import math
from collections.abc import Sequence
from functools import reduce

from digest.compose.sentences import is_whole, join, sentences, word_count
from digest.compose.terms import background, stems

#: So many sentences are weighed: what comes later is detail.
MAX_SENTENCES = 40
#: A sentence with fewer or more words tells too little, or is a list that lost its marks.
WORDS = (5, 45)
#: Cosines below this join nothing.
ALIKE = 0.08
DAMPING = 0.85
ROUNDS = 20
#: What standing first is worth beside being central; it halves with every third sentence.
FIRST = 0.6


def extract(text: str, *, max_words: int, max_sentences: int = 3) -> str:
    """The most telling sentences of a text, whole and in their order; "" when none fits."""
    every = [each for line in text.splitlines() for each in sentences(line)][:MAX_SENTENCES]
    whole = dict.fromkeys(each for each in every if is_whole(each))
    usable = [each for each in whole if WORDS[0] <= word_count(each) <= WORDS[1]]
    scores = _scores(usable)
    chosen: list[int] = []
    words = 0
    for index in sorted(range(len(usable)), key=lambda each: (-scores[each], each)):
        longer = words + word_count(usable[index])
        if longer <= max_words and len(chosen) < max_sentences:
            chosen.append(index)
            words = longer
    return reduce(join, (usable[index] for index in sorted(chosen)), "")


def _scores(texts: Sequence[str]) -> list[float]:
    """How central each sentence is, and how early it stands, both at most 1."""
    vectors = [_vector(text) for text in texts]
    links = [[_cosine(one, other) for other in vectors] for one in vectors]
    links = [[value if value >= ALIKE else 0.0 for value in row] for row in links]
    degrees = [sum(row) or 1.0 for row in links]
    size = len(texts)
    ranks = [1 / max(size, 1)] * size
    for _ in range(ROUNDS):
        shares = [rank / degree for rank, degree in zip(ranks, degrees, strict=True)]
        ranks = [
            (1 - DAMPING) / size
            + DAMPING * sum(value * share for value, share in zip(row, shares, strict=True))
            for row in links
        ]
    top = max(ranks, default=1.0)
    return [round(rank / top + FIRST * 0.5 ** (at / 3), 6) for at, rank in enumerate(ranks)]


def _vector(text: str) -> dict[str, float]:
    ordinary = background()
    vector = {word: count * -math.log(ordinary.get(word, 0.0) + 0.002) for word, count in stems(text).items()}
    length = math.sqrt(sum(weight * weight for weight in vector.values())) or 1.0
    return {word: weight / length for word, weight in vector.items()}


def _cosine(one: dict[str, float], other: dict[str, float]) -> float:
    return sum(weight * other[term] for term, weight in one.items() if term in other)
