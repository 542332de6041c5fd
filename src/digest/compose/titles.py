"""Whether two titles of one article say the same; another is only what a reader would want to be told."""

import re
import unicodedata
from collections.abc import Iterable
from urllib.parse import urlsplit

#: What a newsroom puts before or behind a title that it goes on writing under. "Retracted" is none of these.
_LABELS = (
    r"updat(?:e|ed|es|ing)(?:\s*\d{1,2})?|breaking(?:\s+news)?|live(?:\s+(?:blog|updates?))?|developing(?:\s+story)?"
    r"|exclusive|just\s+in|latest|aktualisiert|eilmeldung|mise\s+à\s+jour|actualizaci[oó]n|aggiornamento"
)
_BEFORE = re.compile(rf"^[\s\[(*|–—-]*(?:{_LABELS})\s*(?:[:|\])*]|\s[–—-]\s|(?<=\d)-)+\s*", re.IGNORECASE)
_BEHIND = re.compile(rf"\s*(?:[\[(]\s*|\s[|–—-]\s*)(?:{_LABELS})[\s\])!.]*$", re.IGNORECASE)
#: What sites put between a title and their name.
_TAIL = re.compile(r"\s+[|–—·•»:-]\s+|\s*[|»]\s*")
#: A comma that groups thousands; every other mark between two digits makes another number.
_GROUPING = re.compile(r"(?<=\d)[,'’\u00a0\u202f](?=\d{3}(?!\d))")
_BETWEEN_DIGITS = re.compile(r"(?<=\d)[^\w\s](?=\d)")
_SIGN = re.compile(r"(?<![\w.,])[-−–](?=[^\w\s]?\d)")
#: Marks that are part of a name or an amount: C++, C#, 5 %, 20 °C.
_TELLING = frozenset("#%‰°+±×÷−")
#: Letters with their marks, numbers, currencies.
_KEPT = frozenset({"Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Nd", "Nl", "No", "Sc"})
#: They choose how the letter before is drawn.
_SELECTORS = re.compile("[\ufe00-\ufe0f]")
#: Words that come and go without a fact; the past is another than the present.
_LITTLE = {
    language: frozenset(words.split())
    for language, words in {
        "en": "a an the its their his her our your this these that those is are has have s",
        "de": "der die das den dem des ein eine einen einem einer eines",
        "fr": "le la les l un une des du",
        "es": "el la los las un una unos unas",
        "it": "il lo la gli le i l un uno una",
    }.items()
}
#: English endings, each with what must stand before it.
_ENDINGS: dict[str, str | tuple[str, ...]] = {
    "s": "",
    "es": ("s", "x", "z", "ch", "sh"),
    "ed": "",
    "d": "e",
    "ing": "",
}
_BASE_LETTERS = 4
_AMOUNTS = frozenset({"dozen", "hundred", "thousand", "million", "billion", "trillion"})
#: A cut title says the same as the whole one from so many letters on.
_CUT_LETTERS = 12


def is_another_title(told: str, now: str, *, names: Iterable[str] = ()) -> bool:
    """True when the two differ in substance: in a word, a number, a sign before it, or in their order.

    Case, spacing, punctuation, quotes, hyphens, a label such as "UPDATE:" and the site's own name behind it
    are none; `names` are what the site may call itself, an address counts by its host. Spelling counts:
    "Iran" and "Iraq", "million" and "billion" are one letter apart. A title without a letter is no other.
    """
    words = _words_of(names)
    one, other = title_mark(told, words), title_mark(now, words)
    is_cut = _is_cut(told, one, other) or _is_cut(now, other, one)
    return bool(one and other) and one != other and not is_cut


def is_reworded(told: str, now: str, *, names: Iterable[str] = (), language: str = "") -> bool:
    """True when the two differ in nothing but articles, "is" and "has", and endings: in no fact.

    Order, numbers, signs and every other word count, small ones too: an attack by is none on. The language's
    tag is "" when it is not known, which is taken for English; of one that is not listed nothing is little.
    """
    words = _words_of(names)
    language = language or "en"
    one, other = (_without_site(_without_labels(_plain(title)), words) for title in (told, now))
    mine, theirs = (_telling_words(title, language) for title in (one, other))
    is_alike = bool(mine) and len(mine) == len(theirs) and _signs(one) == _signs(other)
    return is_alike and all(_is_one_word(*pair, language) for pair in zip(mine, theirs, strict=True))


def _signs(title: str) -> list[str]:
    """Numbers and signs, in their order."""
    return [letter for letter in _squeezed(title) if not letter.isalpha()]


def _telling_words(title: str, language: str) -> list[str]:
    little = _LITTLE.get(language, frozenset())
    return [word for word in re.findall(r"[^\W\d_]+", title.casefold()) if word not in little]


def _is_one_word(one: str, other: str, language: str) -> bool:
    """True for the same word, in English with another ending too."""
    return one == other or (language == "en" and not _bases(one).isdisjoint(_bases(other)))


def _bases(word: str) -> frozenset[str]:
    """What the word may be without its ending; an amount ("millions") has none."""
    found = {word}
    for ending, after in _ENDINGS.items():
        base = word.removesuffix(ending)
        if base != word and len(base) >= _BASE_LETTERS and base.endswith(after) and base not in _AMOUNTS:
            found.add(base)
    return frozenset(found)


def title_mark(title: str, words: Iterable[str] = ()) -> str:
    """The title without all that is not substance; equal for titles that say the same."""
    return _squeezed(_without_site(_without_labels(_plain(title)), frozenset(words)))


def _plain(title: str) -> str:
    text = unicodedata.normalize("NFKC", _SELECTORS.sub("", title)).replace("&", " and ")
    return " ".join(text.split())


def _is_cut(title: str, mark: str, whole: str) -> bool:
    """True for a title that a feed broke off and another finishes."""
    return title.rstrip().endswith(("…", "...")) and len(mark) >= _CUT_LETTERS and whole.startswith(mark)


def _without_labels(title: str) -> str:
    """The title without "UPDATE 2:" and the like, however many; one that is nothing else stays."""
    while True:
        rest = _BEHIND.sub("", _BEFORE.sub("", title))
        if rest == title or not _squeezed(rest):
            return title
        title = rest


def _without_site(title: str, names: frozenset[str]) -> str:
    """The title without its last parts as far as they only name the site."""
    while found := list(_TAIL.finditer(title)):
        head, tail = title[: found[-1].start()], title[found[-1].end() :]
        if not _squeezed(head) or not _is_site(tail, names):
            return title
        title = head
    return title


def _is_site(tail: str, names: frozenset[str]) -> bool:
    said = _plain_words(tail)
    return bool(said) and ("".join(said) in names or names.issuperset(said))


def _words_of(names: Iterable[str]) -> frozenset[str]:
    """The words a site is called by, and each name written as one word."""
    found: set[str] = set()
    for name in names:
        parts = _labels_of(name) if "://" in name else [name]
        for said in map(_plain_words, parts):
            found |= {*said, "".join(said)}
    return frozenset(found - {""})


def _labels_of(url: str) -> list[str]:
    """The parts of an address's host; none of what is no address."""
    try:
        return (urlsplit(url).hostname or "").split(".")
    except ValueError:
        return []


def _plain_words(text: str) -> list[str]:
    return re.findall(r"\w+", unicodedata.normalize("NFKC", text).casefold())


def _squeezed(text: str) -> str:
    """Letters, numbers and telling signs in one row; a blank between two numbers."""
    text = _BETWEEN_DIGITS.sub(" ", _GROUPING.sub("", _SIGN.sub("−", text)).replace(".", " . "))
    out = ""
    for letter in unicodedata.normalize("NFKC", text.casefold()):
        if letter in _TELLING or unicodedata.category(letter) in _KEPT:
            out += letter
        elif out and out[-1].isdigit():
            out += " "
    return re.sub(r" (?!\d)", "", out)
