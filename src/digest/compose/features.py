"""What a title and an address tell of where an article belongs, by the weights in `sections.txt`."""

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from urllib.parse import urlsplit

from digest.compose.terms import small_words

_WORD = re.compile(r"[^\W\d_]+|\d+(?:\.\d+)*")
_VERSION = re.compile(r"\bv?\d+\.\d+")


def _any_of(*words: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(words)})s?\b", re.IGNORECASE)


_WORK = (
    "using|writing|implementing|debugging|optimi[sz]ing|learning|exploring|profiling|porting|visuali[sz]ing"
    "|fine-?tuning|training|reverse engineering|making|building an?|creating|testing|speeding up|designing"
)
#: What is said of a title, and the words that make it true. The model weighs each as one feature, so that
#: what it learnt of one trade holds in another.
PATTERNS = (
    ("teaches", _any_of("tutorial", "guide", "course", "cookbook", "walk-?through", "primer", "handbook")),
    (
        "gives a lesson",
        _any_of("lecture", "workshop", "cheat ?sheet", "lesson", "best practice", "step by step"),
    ),
    ("explains how", _any_of("how (?:to|we|i|our|do|does|it)", "(?:how .* )works?$", "introduction to")),
    ("explains", _any_of("explained", "explaining", "deep dive", "from scratch", "under the hood")),
    ("asks why", re.compile(r"^(?:why|what is|what are|understanding|inside)\b", re.IGNORECASE)),
    ("tells of work", re.compile(rf"^(?:{_WORK}) ", re.IGNORECASE)),
    ("is one of a series", _any_of("part [0-9ivx]+", "[0-9]+ (?:ways|things|tip|rule|step)")),
    (
        "looks back",
        _any_of("post-?mortem", "case stud(?:y|ie)", "incident report", "lessons? (?:from|learn(?:ed|t))"),
    ),
    ("is research", _any_of("paper", "arxiv", "benchmark", "benchmarking", "survey", "dataset", "ablation")),
    (
        "measures",
        _any_of("evaluating", "evaluation", "measuring", "quantifying", "interpretability", "towards?"),
    ),
    (
        "announces",
        _any_of(
            "announc(?:e|ing|ement)",
            "introducing",
            "launch(?:e|es|ed|ing)?",
            "release[ds]?",
            "unveil(?:s|ed)?",
        ),
    ),
    (
        "says what is to be had",
        _any_of("now (?:available|open)", "available (?:in|on|for|to)", "changelog", "what's new"),
    ),
    (
        "tells of business",
        _any_of(
            "raise",
            "raising",
            "acquire[ds]?",
            "funding",
            "series [a-f]",
            "partner(?:ship)?",
            "joins?",
            "appoint",
        ),
    ),
    (
        "tells of the law",
        _any_of("regulator", "lawsuit", "sue[sd]?", "court", "act", "fine[ds]?", "ban(?:s|ned)?"),
    ),
    (
        "says when to come",
        _any_of("meet-?up", "webinar", "conference", "hack(?:athon)? night", "register now", "call for"),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """How likely each section is, the likeliest first, and the feature that spoke loudest for it."""

    shares: tuple[tuple[str, float], ...]
    #: The same among the sections that were asked about.
    narrowed: tuple[tuple[str, float], ...]
    because: str


def features(title: str, url: str) -> dict[str, None]:
    """The features of a title and an address, as the keys of a dict, in a fixed order."""
    return dict.fromkeys(_features(title, url))


def guess(title: str, url: str, *, among: tuple[str, ...] = ()) -> Guess:
    """What the shipped model says, with `narrowed` to these sections."""
    return ask(shipped_model(), title, url, among=among)


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A linear model: for each feature one weight a section."""

    sections: tuple[str, ...]
    weights: Mapping[str, tuple[float, ...]]
    #: What the sums are divided by, so that 0.8 means right in four cases of five.
    temperature: float = 1.0
    #: How many rows of each section it learnt from.
    counts: tuple[int, ...] = ()


def ask(model: Model, title: str, url: str, *, among: tuple[str, ...] = ()) -> Guess:
    """What this model says of a title and an address.

    `narrowed` to `among` the sections count as equally likely beforehand: how often each came in the weeks
    that the model learnt from says nothing of other newsletters.
    """
    present = [(each, model.weights[each]) for each in features(title, url) if each in model.weights]
    sums = [
        sum([weights[place] for _, weights in present]) / model.temperature
        for place in range(len(model.sections))
    ]
    top = max(sums, default=0.0)
    parts = {section: math.exp(each - top) for section, each in zip(model.sections, sums, strict=True)}
    shares = _shares(parts)
    counts = dict(zip(model.sections, model.counts or [1] * len(parts), strict=True))
    narrowed = _shares({section: parts[section] / counts[section] for section in among if section in parts})
    return Guess(shares=shares, narrowed=narrowed, because=_because(model, present, narrowed or shares))


def _shares(parts: Mapping[str, float]) -> tuple[tuple[str, float], ...]:
    whole = sum(parts.values()) or 1.0
    return tuple(
        sorted(((key, round(part / whole, 6)) for key, part in parts.items()), key=lambda each: -each[1])
    )


def _because(
    model: Model, present: Iterable[tuple[str, tuple[float, ...]]], shares: tuple[tuple[str, float], ...]
) -> str:
    """The feature that spoke loudest for the first of these sections against the second."""
    won, lost = (model.sections.index(shares[at][0]) for at in (0, min(1, len(shares) - 1)))
    heard = [each for each in present if _is_sayable(each[0])]
    return _words(max(heard, key=lambda each: (each[1][won] - each[1][lost], each[0]), default=("", ()))[0])


def read_model(text: str) -> Model:
    """The model in a text as `benchmarks/train_sections.py` writes it: a head, then feature and weights."""
    sections: tuple[str, ...] = ()
    temperature = 1.0
    counts: tuple[int, ...] = ()
    weights: dict[str, tuple[float, ...]] = {}
    for line in text.splitlines():
        name, *rest = line.split("\t")
        if name == "#sections":
            sections = tuple(rest)
        elif name == "#counts":
            counts = tuple(map(int, rest))
        elif name == "#temperature":
            temperature = float(rest[0])
        elif rest and not name.startswith("#"):
            weights[name] = tuple(int(each) / 100 for each in rest)
    return Model(sections=sections, weights=weights, temperature=temperature, counts=counts)


@cache
def shipped_model() -> Model:
    """The model of the repository, read once."""
    return read_model(files("digest.compose").joinpath("sections.txt").read_text(encoding="utf-8"))


_ALWAYS = "always"


def _features(title: str, url: str) -> Iterator[str]:
    yield _ALWAYS
    words = [_plain(word) for word in _WORD.findall(title)]
    yield from (f"t:{word}" for word in words)
    yield from (f"t:{one} {two}" for one, two in zip(["^", *words], [*words, "$"], strict=True))
    yield f"words:{min(len(words) // 2, 8)}"
    yield from (f"says:{name}" for name, pattern in PATTERNS if pattern.search(title))
    yield from (f"has:{mark}" for mark in "?:|&!" if mark in title)
    if _VERSION.search(title):
        yield "has:version"
    yield from _of_address(url)


def _of_address(url: str) -> Iterator[str]:
    try:
        parts = urlsplit(url)
    except ValueError:
        return
    host = parts.netloc.casefold().removeprefix("www.")
    yield f"h:{host}"
    if host.count(".") > 1:
        yield f"h:*.{host.partition('.')[2]}"
    path = parts.path.casefold()[:300]
    yield from (f"p:{_plain(word)}" for word in _WORD.findall(path))
    yield f"deep:{min(path.strip('/').count('/'), 4)}"


def _plain(word: str) -> str:
    """The word without case; every number is one word, every version another."""
    if not word[0].isdigit():
        return word.casefold()
    return "0.0" if "." in word else "0"


def _is_sayable(feature: str) -> bool:
    """False for what tells a person nothing: small words and the form of a title."""
    kind, _, value = feature.partition(":")
    if kind == "t":
        return any(len(word) > 3 and word not in small_words() for word in value.split())
    return kind in {"h", "p", "says"} and len(value) > 3


def _words(feature: str) -> str:
    """A feature as a person says it."""
    kind, _, value = feature.partition(":")
    if kind == "t":
        return f"its title says “{value.strip('^$ ')}”" if value.strip("^$ ") else "of how its title begins"
    if kind == "h":
        return f"it is on {value.removeprefix('*.')}"
    if kind == "p":
        return f"its address has “{value}”"
    if kind == "says":
        return f"its title {value}"
    return "of the form of its title"
