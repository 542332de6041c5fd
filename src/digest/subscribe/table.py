"""A CSV of readers in whatever form it comes: delimiters, quotes, with or without a header."""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

from digest.subscribe.lines import MOST_LINES, Lines

_NAMES = {
    "email": {"email", "e-mail", "mail", "address", "email address", "e-mail address", "email_address"},
    "name": {"name", "full name", "full_name", "display name"},
    "sections": {"sections", "section"},
    "topics": {"topics", "topic"},
    "language": {"language", "lang", "locale"},
    "state": {"state", "status"},
    "pace": {"pace", "cadence", "frequency"},
    "zone": {"zone", "timezone", "time zone", "tz"},
    "hour": {"hour"},
    "barred": {"barred", "suppressed"},
}
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*")
#: A cell that a careful export, ours among them, has kept from being a formula.
_DISARMED = re.compile(r"^'(?=[=+\-@\t\r])")
#: A line longer than any honest row.
_MAX_LINE = 10_000


class Wishes(NamedTuple):
    """What a row says of the subscription; nearly all rows of a file share one."""

    sections: tuple[str, ...] = ()
    pace: str = ""
    hour: str = ""
    #: What the file says of them, in small letters: "left", "pending", …
    state: str = ""
    #: Why nothing may be sent to them.
    barred: str = ""
    topics: tuple[str, ...] = ()


#: Of a file that says nothing of it.
NO_WISHES = Wishes()


class Row(NamedTuple):
    """One line of the file, cells as they are; `fault` says why it cannot be used at all.

    A tuple: a list of a million makes a million of them, and a frozen dataclass takes five times as long.
    """

    line: int
    email: str = ""
    name: str = ""
    language: str = ""
    zone: str = ""
    wishes: Wishes = NO_WISHES
    fault: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Form:
    """How a file is written: what stands between cells, how many a row has, and where which one is."""

    delimiter: str
    width: int
    places: dict[str, int]
    has_wishes: bool


def read_rows(file: BinaryIO) -> Iterator[Row]:
    """Every row with its line number; blank lines are left out, a row too bad to read carries its fault.

    A quoted cell may hold line breaks. A stray quote costs one row and not the rest of the file: lines are
    taken together only where that gives a row as wide as the first. The text is never held whole.
    """
    lines, form, before, at = Lines(file), None, 0, 0
    while held := lines.after(at):
        before, at = before + at, 0
        while at < lines.enough:
            line = held[at]
            if not _is_filled(line):
                at += 1
            elif form is None:
                form, is_header = _form(line)
                at += is_header
            else:
                taken = 1 if '"' not in line else _height(held, at, form)
                yield _row(before + at + 1, "\n".join(held[at : at + taken]) if taken > 1 else line, form)
                at += taken


def _is_filled(line: str) -> bool:
    return bool(line.strip(" \t\x00,;"))


def _form(line: str) -> tuple[_Form, bool]:
    """How the file is written whose first line this is, and whether that is a header."""
    delimiter = max(",;\t", key=line.count)
    first = _cells(line, delimiter)
    columns = _header(first)
    places = columns or {"email": next((at for at, cell in enumerate(first) if "@" in cell), 0)}
    has_wishes = not places.keys().isdisjoint(Wishes._fields)
    form = _Form(delimiter=delimiter, width=len(first), places=places, has_wishes=has_wishes)
    return form, bool(columns)


def _height(lines: Sequence[str], at: int, form: _Form) -> int:
    """How many lines the row has that begins here."""
    opens = rf'(?:^|{re.escape(form.delimiter)})\s*"'
    if lines[at].count('"') % 2 == 0 or not re.search(opens, lines[at]):
        return 1
    for taken, line in enumerate(lines[at + 1 : at + MOST_LINES], 2):
        if line.count('"') % 2:
            together = "\n".join(lines[at : at + taken])
            return taken if len(_cells(together, form.delimiter)) == form.width else 1
        cells = _cells(line, form.delimiter)
        if '"' not in line and len(cells) == form.width and "@" in cells[form.places["email"]]:
            return 1
    return 1


def _cells(line: str, delimiter: str) -> list[str]:
    if '"' not in line:
        # Where nothing is quoted, every delimiter is one.
        found = line.split(delimiter)
    else:
        try:
            found = next(csv.reader(re.split(r"(?<=\n)", line), delimiter=delimiter), [])
        except csv.Error:
            found = line.split(delimiter)
    cells = [cell.strip() for cell in found]
    return [_DISARMED.sub("", cell) for cell in cells] if "'" in line else cells


def _header(cells: Sequence[str]) -> dict[str, int]:
    """Where each known column is; empty when the line is no header."""
    names = [cell.lower() for cell in cells]
    found = {
        what: next((at for at, name in enumerate(names) if name in called), -1)
        for what, called in _NAMES.items()
    }
    return {what: at for what, at in found.items() if at >= 0} if found["email"] >= 0 else {}


def _row(number: int, text: str, form: _Form) -> Row:
    if len(text) > _MAX_LINE:
        return Row(number, fault=f"is longer than {_MAX_LINE} characters")
    cells = _cells(text, form.delimiter)
    count = len(cells)
    given = {what: cells[at] for what, at in form.places.items() if at < count}
    language = given.get("language", "").replace("_", "-")
    if language and not _LANGUAGE.fullmatch(language):
        return Row(number, fault=f'"{language[:40]}" is no language (like "en" or "pt-BR")')
    wishes = _wishes(given) if form.has_wishes else NO_WISHES
    get = given.get
    return Row(number, get("email", ""), get("name", ""), language[:20], get("zone", ""), wishes)


def _wishes(given: dict[str, str]) -> Wishes:
    return Wishes(
        sections=_keys(given.get("sections", "")),
        pace=given.get("pace", "").lower(),
        hour=given.get("hour", ""),
        state=given.get("state", "").lower(),
        barred=given.get("barred", "").lower(),
        topics=_keys(given.get("topics", "")),
    )


def _keys(cell: str) -> tuple[str, ...]:
    return tuple(part for part in re.split(r"[\s;,|]+", cell.lower()) if part) if cell else ()
