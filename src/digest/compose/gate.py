"""May this text of a model be told? Only when its own sources bear it out.

The gate is strict where it is not sure: what it refuses wrongly costs a summary, and the extract stands.
What it cannot see is a false sentence made of true words; so an editor sees every text that passed.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from itertools import pairwise

from digest.compose.sentences import is_whole, sentences, word_count
from digest.compose.terms import background, small_words, stem

#: A text of fewer words tells nothing.
MIN_WORDS = 5
#: This part of its words, small ones not counted, must stand in the sources.
GROUNDED = 0.6
#: Below this part it is likely to be in another language.
SAME_LANGUAGE = 0.25
#: This part of its pairs of words must stand in the sources, where it has so many.
PAIRED, PAIRS = 0.12, 8

_ADDRESS = re.compile(
    r"[a-z][a-z0-9+.-]{1,20}://|\bwww\.|\b(?:mailto|javascript|data|tel):|\S@\S", re.IGNORECASE
)
_DOMAIN = re.compile(r"(?<![\w.-])[^\W_](?:[\w-]*[^\W_])?(?:\.[^\W_][\w-]*)*\.[^\W\d_]{2,24}(?![\w-])")
_MARKUP = re.compile(r"[<>\[\]{}`|\\^~*]|(?:^|\s)#|__|&#?\w+;")
_TO_READER = re.compile(
    r"\bas an ai\b|\b(?:i am|i'm) (?:sorry|unable)\b|\bi can(?:not|'t)\b|\bhere (?:is|are) (?:a|the|your)\b"
    r"|\b(?:begin|end) (?:of )?source\b",
    re.IGNORECASE,
)
#: What a source says that is meant for a machine and not for a reader.
_TO_MACHINES = re.compile(
    r"\b(?:ignore|disregard|forget|override)\b.{0,60}\b(?:instruction|prompt|previous|above|prior|earlier|rule)"
    r"|\b(?:system|developer) (?:prompt|message)|\byou are (?:now )?(?:an? )?(?:ai|llm|assistant|chatbot|"
    r"chatgpt|language model)|(?:^|\n|[.!?]\s)\s*(?:system|assistant|user|developer)\s*:"
    r"|<\|?/?(?:system|im_start|im_end|source|instruction)|\b(?:begin|end) (?:of )?source\b"
    r"|[\"'](?:summary|why)[\"']\s*:|\bnew instructions?\b"
    r"|\b(?:instructions?|note) (?:to|for) (?:the )?(?:ai|llm|model|assistant|summari[sz]er)",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W_]+(?:[.'’-][^\W_]+)*")
_NUMBER = re.compile(r"([$€£¥₹]\s?)?(\d+(?:[.,'’:]\d+)*)(?:[\s-]?(%|per cent\b|[^\W\d_]+\.?))?")
_THOUSANDS = re.compile(r"(?<=\d)[.,'’](?=\d{3}(?!\d))")
_SCALES = {
    "%": "%", "percent": "%", "per cent": "%", "k": "thousand", "thousand": "thousand", "m": "million",
    "mn": "million", "million": "million", "millions": "million", "bn": "billion", "b": "billion",
    "billion": "billion", "trillion": "trillion", "tn": "trillion", "hundred": "hundred", "dozen": "dozen",
}  # fmt: skip
_WIDE_SCALES = frozenset("百千万萬億亿兆")
_COUNTS = {
    "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8", "nine": "9",
    "ten": "10", "eleven": "11", "twelve": "12", "twenty": "20", "thirty": "30", "fifty": "50",
    "hundred": "100", "thousand": "1000", "dozen": "12", "half": "50", "double": "2", "twice": "2",
    "triple": "3", "million": "", "billion": "", "trillion": "",
}  # fmt: skip
#: They turn a sentence round.
_NOT = frozenset(
    {"not", "no", "never", "without", "denies", "denied", "denying", "cannot"}
    | {"nicht", "kein", "keine", "pas", "jamais", "ikke", "nunca"}
)
_WIDE = re.compile("[\u0e01-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+")
_KATAKANA = re.compile("[\u30a1-\u30fa\u30fc]{2,}")


def speaks_to_machines(text: str) -> bool:
    """True when a text has instructions for whoever summarises it."""
    return _TO_MACHINES.search(unicodedata.normalize("NFKC", text)) is not None


def refusal(
    text: str, sources: Sequence[str], *, title: str = "", max_words: int = 60, max_letters: int = 600
) -> str:
    """Why this text may not be told, in words; "" when it may. `title` is the headline it stands under."""
    text = unicodedata.normalize("NFKC", text)
    every = unicodedata.normalize("NFKC", "\n".join(sources))
    return (
        _form(text, every, max_words=max_words, max_letters=max_letters)
        or _repeats(text, title)
        or _addresses(text, title)
        or _numbers(text, every)
        or _names(text, every)
        or _overlap(text, every)
    )


def _form(text: str, every: str, *, max_words: int, max_letters: int) -> str:
    """What is wrong with its length and marks."""
    odd = next((char for char in text if not char.isprintable() and char not in "\u200c\u200d"), "")
    words = word_count(text)
    if odd or ("\u200d" in text and "\u200d" not in every):
        return "it has line breaks or characters that cannot be seen"
    if words < MIN_WORDS:
        return f"it has {words} words"
    if words > max_words or len(text) > max_letters:
        return f"it is too long: {words} of {max_words} words, {len(text)} of {max_letters} characters"
    if _MARKUP.search(text):
        return "it has markup"
    if _TO_READER.search(text) or speaks_to_machines(text):
        return "it speaks as a machine"
    return "" if is_whole(text) else "its last sentence has no end"


def _repeats(text: str, title: str) -> str:
    plain = [" ".join(_WORD.findall(each.casefold())) for each in (text, title)]
    return "it only repeats the title" if plain[0] == plain[1] else ""


def _addresses(text: str, title: str) -> str:
    """A model is never where an address comes from; what looks like a host may only come from the title."""
    if _ADDRESS.search(text):
        return "it has an address"
    hosts = [each[0] for each in _DOMAIN.finditer(text) if each[0].casefold() not in title.casefold()]
    return f"it has an address: {hosts[0]}" if hosts else ""


def _numbers(text: str, every: str) -> str:
    there = frozenset(_figures(every))
    for figure in _figures(text):
        if figure not in there:
            return f"number {' '.join(part for part in figure if part)} is not in the sources"
    words, digits = _plain_words(every), {number for _, number, _ in there}
    for word in _WORD.findall(text):
        plain = word.casefold()
        if plain in _COUNTS and plain not in words and _COUNTS[plain] not in digits:
            return f"number {word} is not in the sources"
        if (
            (plain in _NOT or plain.endswith(("n't", "n’t")))
            and not _NOT & words
            and "n't" not in every.casefold()
        ):
            return f"it says “{word}”, which no source says"
    return ""


def _figures(text: str) -> Iterable[tuple[str, str, str]]:
    """Each number as (currency, digits without marks of thousands, percent or scale)."""
    for found in _NUMBER.finditer(text):
        digits = "".join(
            str(unicodedata.digit(char)) if char.isdigit() else char for char in _THOUSANDS.sub("", found[2])
        )
        after = (found[3] or "").casefold().rstrip(".")
        scale = after[0] if after[:1] in _WIDE_SCALES else _SCALES.get(after, "")
        yield (found[1] or "").strip(), digits, scale


def _names(text: str, every: str) -> str:
    """Names, words of letters and digits, and names beside each other: all must be the sources' own."""
    # Where words have no spaces between, only what stands among them in Latin letters is a name.
    latin = _WIDE.sub("、", every)
    words, pairs = _plain_words(latin), _pairs(latin)
    for sentence in sentences(_WIDE.sub("、", text)):
        before = ""
        end = 0
        for at, found in enumerate(_WORD.finditer(sentence)):
            word = found[0]
            is_name = any(char.isupper() for char in word) or _is_mixed(word)
            if is_name and not _is_known(word, words, is_first=at == 0):
                return f"“{word}” is not in the sources"
            is_beside = before and is_name and sentence[end : found.start()] == " "
            if is_beside and (_key(before), _key(word)) not in pairs:
                return f"“{before} {word}” is not in the sources"
            before = word if is_name and (at or _key(word) not in small_words()) else ""
            end = found.end()
    unknown = next((run[0] for run in _KATAKANA.finditer(text) if run[0] not in every), "")
    return f"“{unknown}” is not in the sources" if unknown else ""


def _is_mixed(word: str) -> bool:
    return any(char.isdigit() for char in word) and any(char.isalpha() for char in word)


def _is_known(word: str, words: frozenset[str], *, is_first: bool) -> bool:
    plain = _key(word)
    parts = [plain] if _is_mixed(word) else [plain, *plain.split("-")]
    if plain in words or (
        len(parts) > 2 and all(part in words or part in small_words() for part in parts[1:])
    ):
        return True
    if not is_first or any(char.isupper() for char in word[1:]):
        return plain in small_words() and word[1:].islower()
    # A sentence's first word is written large whatever it is.
    return plain in small_words() or stem(plain) in background() or any(stem(plain) == stem(w) for w in words)


def _overlap(text: str, every: str) -> str:
    """Most of its words, and some of its pairs of words, must be the sources'."""
    mine, theirs = _stems(text), frozenset(_stems(every))
    if not mine:
        return "it has no words"
    share = sum(word in theirs for word in mine) / len(mine)
    if share < SAME_LANGUAGE:
        return "it is not in the words or the language of its sources"
    if share < GROUNDED:
        return f"only {share:.0%} of its words are in the sources"
    together, known = list(pairwise(mine)), frozenset(pairwise(_stems(every)))
    paired = sum(pair in known for pair in together)
    if len(together) >= PAIRS and paired < PAIRED * len(together):
        return "its words stand together nowhere in the sources"
    return ""


def _stems(text: str) -> list[str]:
    """Its words by their stems, small ones left out; two characters at a time where words have no spaces."""
    found = []
    for word in _WORD.findall(text):
        plain = _key(word)
        runs = _WIDE.findall(plain)
        if runs:
            found += [run[at : at + 2] for run in runs for at in range(max(len(run) - 1, 1))]
        elif len(plain) > 1 and plain not in small_words():
            found.append(stem(plain))
    return found


def _plain_words(text: str) -> frozenset[str]:
    """Every word without case, and the parts of words with a hyphen."""
    words = [_key(word) for word in _WORD.findall(text)]
    return frozenset(words) | frozenset(part for word in words for part in word.split("-"))


def _pairs(text: str) -> frozenset[tuple[str, str]]:
    return frozenset(pairwise(_key(word) for word in _WORD.findall(text)))


def _key(word: str) -> str:
    return word.casefold().replace("’", "'").removesuffix("'s")
