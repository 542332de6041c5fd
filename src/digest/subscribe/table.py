"""A CSV of readers in whatever form it comes: encodings, delimiters, with or without a header. Pure."""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_NAMES = {
    "email": {"email", "e-mail", "mail", "address", "email address", "e-mail address", "email_address"},
    "name": {"name", "full name", "full_name", "display name"},
    "sections": {"sections", "section", "topics"},
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
#: The most lines that one row may have.
_MAX_HEIGHT = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the file, cells as they are; `fault` says why it cannot be used at all."""

    line: int
    email: str = ""
    name: str = ""
    sections: tuple[str, ...] = ()
    language: str = ""
    pace: str = ""
    zone: str = ""
    hour: str = ""
    #: What the file says of them, in small letters: "left", "pending", …
    state: str = ""
    #: Why nothing may be sent to them.
    barred: str = ""
    fault: str = ""


def decode(data: bytes) -> str:
    """The text: by its byte order mark, by the NULs of UTF-16 without one, as UTF-8, else as Latin-1."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace")
    head = data[:2000]
    if head and head.count(0) > len(head) // 4:
        is_little = head[1::2].count(0) >= head[::2].count(0)
        return data.decode("utf-16-le" if is_little else "utf-16-be", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def read_rows(data: bytes) -> Iterator[Row]:
    """Every row with its line number; blank lines are left out, a row too bad to read carries its fault.

    A quoted cell may hold line breaks. A stray quote costs one row and not the rest of the file: lines are
    taken together only where that gives a row as wide as the first.
    """
    lines = decode(data).replace("\r\n", "\n").replace("\r", "\n").split("\n")
    start = next((at for at, line in enumerate(lines) if _is_filled(line)), len(lines))
    if start == len(lines):
        return
    delimiter = _delimiter(lines[start])
    first = _cells(lines[start], delimiter)
    columns = _header(first)
    places = columns or {"email": _address_column(first)}
    at = start + bool(columns)
    while at < len(lines):
        taken = _height(lines, at, delimiter, width=len(first), email=places["email"])
        text = "\n".join(lines[at : at + taken])
        if len(text) > _MAX_LINE:
            yield Row(line=at + 1, fault=f"is longer than {_MAX_LINE} characters")
        elif _is_filled(text):
            yield _row(at + 1, _cells(text, delimiter), places)
        at += taken


def _is_filled(line: str) -> bool:
    return bool(line.strip(" \t\x00,;"))


def _height(lines: Sequence[str], at: int, delimiter: str, *, width: int, email: int) -> int:
    """How many lines the row has that begins here."""
    if lines[at].count('"') % 2 == 0 or not re.search(rf'(?:^|{re.escape(delimiter)})\s*"', lines[at]):
        return 1
    for taken, line in enumerate(lines[at + 1 : at + _MAX_HEIGHT], 2):
        if line.count('"') % 2:
            together = "\n".join(lines[at : at + taken])
            return taken if len(_cells(together, delimiter)) == width else 1
        cells = _cells(line, delimiter)
        if '"' not in line and len(cells) == width and "@" in cells[email]:
            return 1
    return 1


def _delimiter(line: str) -> str:
    return max(",;\t", key=line.count)


def _cells(line: str, delimiter: str) -> list[str]:
    if '"' not in line:
        # Where nothing is quoted, every delimiter is one.
        return [_DISARMED.sub("", cell.strip()) for cell in line.split(delimiter)]
    try:
        found = next(csv.reader(re.split(r"(?<=\n)", line), delimiter=delimiter), [])
    except csv.Error:
        found = line.split(delimiter)
    return [_DISARMED.sub("", cell.strip()) for cell in found]


def _header(cells: Sequence[str]) -> dict[str, int]:
    """Where each known column is; empty when the line is no header."""
    names = [cell.lower() for cell in cells]
    found = {
        what: next((at for at, name in enumerate(names) if name in called), -1)
        for what, called in _NAMES.items()
    }
    return {what: at for what, at in found.items() if at >= 0} if found["email"] >= 0 else {}


def _address_column(cells: Sequence[str]) -> int:
    return next((at for at, cell in enumerate(cells) if "@" in cell), 0)


def _row(number: int, cells: Sequence[str], columns: dict[str, int]) -> Row:
    count = len(cells)
    given = {what: cells[at] for what, at in columns.items() if at < count and cells[at]}
    language = given.get("language", "").replace("_", "-")
    if language and not _LANGUAGE.fullmatch(language):
        return Row(line=number, fault=f'"{language[:40]}" is no language (like "en" or "pt-BR")')
    sections = given.get("sections", "").lower()
    return Row(
        line=number,
        email=given.get("email", ""),
        name=given.get("name", ""),
        sections=tuple(part for part in re.split(r"[\s;,|]+", sections) if part) if sections else (),
        language=language[:20],
        pace=given.get("pace", "").lower(),
        zone=given.get("zone", ""),
        hour=given.get("hour", ""),
        state=given.get("state", "").lower(),
        barred=given.get("barred", "").lower(),
    )
