"""Sentinels: where an issue that was rendered once for all holds one reader's values.

A mark is a name between two private-use characters, which `scrub` takes out of everything that comes
from outside, so no feed can write one. Some marks are places for a value; the others open a passage,
closed by "end", that only some recipients see. Passages are not nested.
"""

import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from functools import lru_cache
from typing import Any, TypeVar

T = TypeVar("T")

_OPEN, _CLOSE = "\ue000", "\ue001"
_MARK = re.compile(f"{_OPEN}([a-z]+){_CLOSE}")
_END = "end"

#: Places for a reader's own values.
PLACES = ("email", "since", "browser", "preferences", "leave")
#: Passages: for a reader, for a reader whose sign-up date is known or is not, for the public archive;
#: and two that everyone sees, named only so that `lint` finds them.
PASSAGES = ("reader", "dated", "undated", "public", "note", "postal")

#: Controls, our marks, and the characters that turn the direction of all text that follows.
_UNWANTED = re.compile(
    r"[\x00-\x09\x0b-\x1f\x7f-\x9f\ue000\ue001\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]+"
)


def mark(name: str) -> str:
    """The sentinel of that name."""
    return f"{_OPEN}{name}{_CLOSE}"


def places() -> dict[str, str]:
    """Every place by its name, for templates: `{{ reader.email }}`."""
    return {name: mark(name) for name in PLACES}


def passages() -> dict[str, str]:
    """Every passage's opening by its name, and `end`, for templates: `{{ only.reader }}…{{ only.end }}`."""
    return {name: mark(name) for name in (*PASSAGES, _END)}


def outline(text: str, chosen: frozenset[str]) -> tuple[str, ...]:
    """Fixed text and names of places in turn, with only the `chosen` passages; fixed text at both ends."""
    out, is_kept = [""], True
    for index, piece in enumerate(_pieces(text)):
        if index % 2 and piece not in PLACES:
            is_kept = piece == _END or piece in chosen
        elif is_kept and index % 2:
            out += [piece, ""]
        elif is_kept:
            out[-1] += piece
    return tuple(out)


def fill(text: str, values: Mapping[str, str], chosen: frozenset[str]) -> str:
    """The text with `values` in their places and only the `chosen` passages; a join of pieces."""
    out: list[str] = []
    is_kept = True
    for index, piece in enumerate(_pieces(text)):
        if index % 2 == 0 or piece in values:
            if is_kept:
                out.append(piece if index % 2 == 0 else values[piece])
        else:
            is_kept = piece == _END or piece in chosen
    return "".join(out)


def passage(text: str, name: str) -> str | None:
    """What stands in the first passage of that name; None when there is none."""
    _, found, rest = text.partition(mark(name))
    return rest.partition(mark(_END))[0] if found else None


def without_marks(text: str) -> str:
    """The text with every mark taken out and every passage left in."""
    return _MARK.sub("", text)


@lru_cache(maxsize=64)
def _pieces(text: str) -> tuple[str, ...]:
    """Text and names of marks in turn. Cached: an issue is filled once for every reader."""
    return tuple(_MARK.split(text))


def scrub(value: T) -> T:
    """The same value (texts, tuples and dataclasses, at any depth) without characters that could do harm."""
    return _scrub(value)  # type: ignore[no-any-return] # the type is kept, which mypy cannot see


def _scrub(value: Any) -> Any:
    if isinstance(value, str) and type(value) is str:
        return _UNWANTED.sub(" ", value)
    if isinstance(value, tuple):
        return tuple(_scrub(item) for item in value)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{field.name: _scrub(getattr(value, field.name)) for field in fields(value)})
    return value
