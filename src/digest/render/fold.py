"""Text made to fit: wrapping by columns, cutting at words, soft breaks for very long words."""

import re
import unicodedata
from collections.abc import Iterator, Sequence

from markupsafe import Markup, escape

#: Columns of the text part.
COLUMNS = 72

_WIDE = (
    r"\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60"
    r"\uffe0-\uffe6\U00020000-\U0003fffd"
)
#: Closing marks that may not begin a line.
_CLOSERS = "、。，．・：；！？）］｝〕〉》」』】ー"
#: One wide character with the closing marks after it, or everything up to the next wide character.
_UNIT = re.compile(f"[{_WIDE}][{_CLOSERS}]*|[^{_WIDE}]+")
_WHOLE = re.compile(r"(?:https?://|mailto:)|[\ue000\ue001]")
#: Scripts in which a browser breaks at spaces only: Latin, Greek, Cyrillic.
_LONG = re.compile(r"[!-~\u00a1-\u052f]{31,}")
_SOFT_EVERY = 12


def columns(text: str) -> int:
    """How many columns a terminal needs: two for wide characters, none for combining ones."""
    return sum(_columns(char) for char in text)


def _columns(char: str) -> int:
    if char.isascii():
        return 1
    if unicodedata.category(char) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def wrap(text: str, indent: int = 0, first: str | None = None, width: int = COLUMNS) -> str:
    """The words of `text` in lines of at most `width` columns, indented; addresses are never broken.

    `first` begins the first line instead of its blanks ("* ").
    """
    blank = " " * indent
    lines, line, is_bare = [], blank if first is None else first, True
    for unit, is_glued in _units(text, width - indent):
        joint = "" if is_glued or is_bare else " "
        if not is_bare and columns(line) + len(joint) + columns(unit) > width:
            lines.append(line)
            line, joint = blank, ""
        line += joint + unit
        is_bare = False
    return "\n".join([*lines, line]).rstrip()


def _units(text: str, width: int) -> Iterator[tuple[str, bool]]:
    """What may not be torn, each with whether it follows the last one without a blank."""
    for word in text.split():
        if _WHOLE.search(word):
            yield word, False
            continue
        is_glued = False
        for run in _UNIT.findall(word):
            for part in _chunks(run, width):
                yield part, is_glued
                is_glued = True


def _chunks(run: str, width: int) -> Iterator[str]:
    """The run itself, or pieces of it when it is wider than a line."""
    if columns(run) <= width:
        yield run
        return
    piece = ""
    for char in run:
        if columns(piece) + _columns(char) > width:
            yield piece
            piece = ""
        piece += char
    yield piece


def shorten(text: str, room: int) -> str:
    """The text, or as much of it as fits into `room` characters, cut at a clause or word and marked "…"."""
    if len(text) <= room:
        return text
    clause = re.split(r"(?::| [–—|-]) ", text, maxsplit=1)[0]
    if room // 3 <= len(clause) <= room:
        return clause
    cut = text[: max(room - 1, 1)]
    if not text[len(cut)].isspace() and " " in cut[room // 2 :]:
        cut = cut.rpartition(" ")[0]
    return cut.rstrip(" ,;:.–—-|/(") + "…"


def fit(titles: Sequence[str], room: int, joint: str = ", ") -> str:
    """As many whole titles as fit into `room` characters; the first is cut when it alone does not."""
    out = ""
    for title in titles:
        if not out:
            out = shorten(title, room)
        elif len(out) + len(joint) + len(title) <= room and not out.endswith("…"):
            out += joint + title
    return out


def series(words: Sequence[str], last: str, most: int = 0, rest: str = "") -> str:
    """ "A", "A and B", "A, B and C"; `last` is the word before the last one.

    With `most`, only so many are named, and "7 more" follows when `rest` is "more".
    """
    if most and len(words) > most:
        words = [*words[:most], f"{len(words) - most} {rest}"]
    *others, end = words or [""]
    return f"{', '.join(others)} {last} {end}" if others else end


def soft(text: str) -> Markup:
    """The text escaped for HTML, with a place to break every few letters in words of over 30 letters."""
    out, at = Markup(), 0
    for found in _LONG.finditer(text):
        word = found[0]
        parts = (word[i : i + _SOFT_EVERY] for i in range(0, len(word), _SOFT_EVERY))
        out += escape(text[at : found.start()]) + Markup("<wbr>").join(parts)
        at = found.end()
    return out + escape(text[at:])


def direction(text: str) -> str:
    """ "rtl" or "ltr" by the first letter that has a direction; "" when none has (HTML's dir=auto)."""
    for char in text:
        kind = unicodedata.bidirectional(char)
        if kind in {"R", "AL"}:
            return "rtl"
        if kind == "L":
            return "ltr"
    return ""


def plural(number: int, one: str, many: str) -> str:
    """ "1 story", "1,204 stories"."""
    return f"{number:,} {one if number == 1 else many}"
