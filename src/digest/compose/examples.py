"""A section by its examples: titles of which an operator says that they belong there.

Each word that a title has in common with the examples of a section makes it likelier that it belongs there,
the more so the rarer the word is elsewhere and the more examples have it (naive Bayes). A handful of titles
says little of the words that they lack, so a word that no example has counts a little against it.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from digest.compose.terms import background, stems
from digest.domain import Section

#: From so sure on an article is put there; from `PERHAPS` on the editor is asked.
SURE = 0.6
PERHAPS = 0.4
#: One in so many articles belongs to a section of which nothing else is known.
_ONE_IN = 10.0
#: The examples are told apart from as many ordinary titles.
_ORDINARY = 2.0
#: In what part of all titles a word stands that no list has.
_RARE = 0.002
#: What a word that no example has takes off the logarithm.
_STRANGE = 0.4
_MARKS = ".,:;!?\"'“”‘’()[]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """The section whose examples a title is most like, how sure that is, and the word that says most."""

    section: Section
    sure: float
    word: str


def likeness(title: str, sections: Sequence[Section]) -> Likeness | None:
    """The section whose examples the title is most like; None when none of these has examples like it."""
    with_examples = [each for each in sections if each.examples]
    if not with_examples:
        return None
    words = {stem: word for word in title.split() for stem in stems(word)}
    found = [_likeness(words, each) for each in with_examples]
    near = [each for each in found if each.word and each.sure >= PERHAPS]
    return max(near, key=lambda each: (each.sure, each.section.key), default=None)


def _likeness(words: Mapping[str, str], section: Section) -> Likeness:
    """How like the section's examples a title is, given its stems and where each stands in it."""
    having, total = _counted(section.examples), len(section.examples)
    weight, loudest, word = -math.log(_ONE_IN - 1), 0.0, ""
    for each in words:
        usual = max(background().get(each, 0.0), _RARE)
        here = (having[each] + _ORDINARY * usual) / (total + _ORDINARY)
        said = math.log(here / usual) if having[each] else -_STRANGE
        weight += said
        if said > loudest:
            loudest, word = said, words[each].strip(_MARKS)
    return Likeness(section=section, sure=1 / (1 + math.exp(-weight)), word=word)


@lru_cache(maxsize=64)
def _counted(examples: tuple[str, ...]) -> Counter[str]:
    """In how many of the examples each word stands."""
    return Counter(word for title in examples for word in stems(title))
