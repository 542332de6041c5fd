"""Which topics a story is about: the operator's words, looked for in its titles and in what it is told with.

A word counts when it stands by itself, whatever its case; in scripts that put no spaces between words it
counts wherever it stands.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from digest.compose.plan import Plan
from digest.domain import Article, Reason, Topic

#: Thai, Lao, Burmese and Khmer, kana, Han, and Hangul, whose particles hang on to words.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u9fff\uac00-\ud7af"
_UNSPACED += "\uf900-\ufaff\U00020000-\U0003ffff"
_IS_UNSPACED = re.compile(f"[{_UNSPACED}]")
#: A letter that, beside a word, makes it another word.
_LETTER = rf"[^\W{_UNSPACED}]"


def topics(articles: Iterable[Article], text: str, plan: Plan) -> tuple[tuple[str, ...], tuple[Reason, ...]]:
    """The keys of a story's topics in the newsletter's order, and for each the word that says so.

    `text` is what the story is told with; the titles and summaries of all its articles count too.
    """
    if not plan.topics:
        return (), ()
    said = [part for one in articles for part in (one.title, one.summary)]
    # So that no word is found across two texts.
    read = _folded("\0".join([*said, text]))
    found = [(topic, word) for topic in plan.topics if (word := _first_word(topic, read))]
    return tuple(topic.key for topic, _ in found), tuple(_reason(topic, word) for topic, word in found)


def _reason(topic: Topic, word: str) -> Reason:
    return Reason(rule=f"topic.{topic.key}", words=f"Of the topic {topic.label}: it says “{word}”.")


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _first_word(topic: Topic, read: str) -> str:
    """The first of the topic's words that stands there, as it stands there; "" when none does."""
    for part, pattern in _patterns(topic):
        # A hundred words are looked for in each story: that one is not there at all is found at once.
        if part in read and (found := pattern.search(read)):
            return found[0]
    return ""


@lru_cache(maxsize=256)
def _patterns(topic: Topic) -> tuple[tuple[str, re.Pattern[str]], ...]:
    """For each word how it begins, and how it stands by itself."""
    words = (_folded(word).split() for word in topic.words)
    return tuple((parts[0], re.compile(_alone(parts))) for parts in words if parts)


def _alone(parts: list[str]) -> str:
    """A word, or several with spaces or a hyphen between them, that no letter goes on from."""
    first, last = parts[0][0], parts[-1][-1]
    before = "" if _IS_UNSPACED.match(first) else rf"(?<!{_LETTER})"
    after = "" if _IS_UNSPACED.match(last) else rf"(?!{_LETTER})"
    return before + r"[\s-]+".join(map(re.escape, parts)) + after
