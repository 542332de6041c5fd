"""Sources of another trade than the section model learnt: it hardly knows the words of their titles."""

import re
from collections import Counter
from collections.abc import Iterable
from functools import cache
from urllib.parse import urlsplit

from digest.compose.features import PATTERNS, shipped_model
from digest.compose.terms import small_words
from digest.domain import Article

#: Of a source's telling words the model must know this part. Blogs and papers about software and AI come to
#: .31 to .64, papers of the day and hobbies to .00 to .25.
KNOWN_PART = 0.27
#: So many words count beforehand, half of them as known, so that one odd title is no other trade.
_BEFORE = 4
_LEAST_LETTERS = 4
_WORD = re.compile(r"[^\W\d_]+")
#: What a title says when it teaches, whatever the trade. "Why …" is a comment as often as a lesson.
_TEACHES = frozenset({"teaches", "gives a lesson", "explains how", "explains"})
#: The languages that the model learnt; an article that names none may be in it.
READS = frozenset({"", "en"})
#: The same in other languages, which the model does not read.
_TEACHES_ELSEWHERE = re.compile(
    r"\b(?:anleitung|leitfaden|einführung in|schritt für schritt|tutoriel|pas à pas|prise en main"
    r"|guide (?:de|du|pour)|guía|paso a paso|introducción a|guia|passo a passo|introdução|guida|passo passo"
    r"|introduzione a|handleiding|stap voor stap|poradnik|przewodnik|krok po kroku|руководство|учебник"
    r"|пошагов\w+|введение в)\b"
    "|入門|チュートリアル|講座|使い方|ハンズオン|教程|入门|指南|手把手|教学|입문|튜토리얼|강좌|사용법",
    re.IGNORECASE,
)
#: Where sites keep what teaches.
_SHELVES = re.compile(
    r"\b(?:tutorials?|guides?|learn|courses?|lessons?|handbook|cookbook|how-?to|lectures?|research|papers?"
    r"|publications?|abs|docs)\b",
    re.IGNORECASE,
)


def strangers(articles: Iterable[Article]) -> frozenset[int]:
    """The ids of the sources whose titles, of all these articles in English, are strange to the model."""
    words: Counter[int] = Counter()
    known: Counter[int] = Counter()
    for article in articles:
        if article.event is None and article.language in READS:
            telling = {word for word in _WORD.findall(article.title.casefold()) if _tells(word)}
            words[article.source_id] += len(telling)
            known[article.source_id] += len(telling & _vocabulary())
    return frozenset(
        source
        for source, count in words.items()
        if known[source] + _BEFORE / 2 < KNOWN_PART * (count + _BEFORE)
    )


def is_taught(article: Article) -> bool:
    """True when the title says that it teaches, or the address that it stands with what does."""
    if any(name in _TEACHES and pattern.search(article.title) for name, pattern in PATTERNS):
        return True
    if article.language not in READS and _TEACHES_ELSEWHERE.search(article.title):
        return True
    try:
        return _SHELVES.search(urlsplit(article.canonical_url).path) is not None
    except ValueError:
        return False


def _tells(word: str) -> bool:
    return len(word) >= _LEAST_LETTERS and word not in small_words()


@cache
def _vocabulary() -> frozenset[str]:
    """The words of titles that the model has a weight for."""
    names = (name.removeprefix("t:") for name in shipped_model().weights if name.startswith("t:"))
    return frozenset(name for name in names if " " not in name)
