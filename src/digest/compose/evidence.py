"""How much likelier the words of two groups of texts are when one story told them than when two did."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import lgamma, log

#: A word written with a capital is said so often: names tell two stories of one kind apart.
NAME = 2.0
#: What is expected of a story before any of it is read counts as so many words.
EXPECTED = 50.0
#: So often is each word expected in a story of which nothing is read, for each time in the words of one text.
OFTEN = 17.5

_EXPECTED = lgamma(EXPECTED)
# A product beyond this is put into the sum before it can leave the range of floats.
_LARGE = 1e250


@dataclass(slots=True)
class Said:
    """The words that the texts of a group have, by number: in how many, names twice; and how many in all."""

    words: dict[int, float]
    size: float

    def joined(self, other: "Said") -> "Said":
        """What both say; neither is changed."""
        more, less = sorted((self.words, other.words), key=len, reverse=True)
        words = dict(more)
        for word, count in less.items():
            words[word] = words.get(word, 0.0) + count
        return Said(words, self.size + other.size)


def evidence(one: Said, other: Said, expected: Sequence[float]) -> float:
    """The logarithm of how much likelier all that both say is from one story than from two.

    A story is an urn of words (the Dirichlet-multinomial model): each word that comes makes it likelier that
    it comes again, the more so the less it was `expected`. So what both say speaks for one story, the more
    the rarer it is elsewhere and the more texts of each have it; all else that they say speaks against.
    """
    found = -_EXPECTED + lgamma(EXPECTED + one.size) + lgamma(EXPECTED + other.size)
    found -= lgamma(EXPECTED + one.size + other.size)
    mine, theirs, ratio = one.words, other.words, 1.0
    for word in mine.keys() & theirs.keys():
        prior, first, second = expected[word], mine[word], theirs[word]
        # What the gammas come to where one side says the word once, as mostly.
        if first == 1.0:
            ratio *= 1.0 + second / prior
        elif second == 1.0:
            ratio *= 1.0 + first / prior
        else:
            found += lgamma(prior) + lgamma(prior + first + second)
            found -= lgamma(prior + first) + lgamma(prior + second)
        if ratio > _LARGE:
            found, ratio = found + log(ratio), 1.0
    return found + log(ratio)
