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
    "barred": {"barred", "suppressed"},
}
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*")
#: A cell that a careful export, ours among them, has kept from being a formula.
_DISARMED = re.compile(r"^'(?=[=+\-@\t\r])")
#: A line longer than any honest row.
_MAX_LINE = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the file, cells as they are; `fault` says why it cannot be used at all."""

    line: int
    email: str = ""
    name: str = ""
    sections: tuple[str, ...] = ()
    language: str = ""
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

    Each line stands for itself: a quoted line break is not understood, so that a stray quote costs one row
    and not the rest of the file.
    """
    lines = decode(data).replace("\r\n", "\n").replace("\r", "\n").split("\n")
    filled = [(number, line) for number, line in enumerate(lines, 1) if line.strip(" \t\x00,;")]
    if not filled:
        return
    delimiter = _delimiter(filled[0][1])
    first = _cells(filled[0][1], delimiter)
    columns = _header(first)
    for number, line in filled[1:] if columns else filled:
        if len(line) > _MAX_LINE:
            yield Row(line=number, fault=f"is longer than {_MAX_LINE} characters")
            continue
        yield _row(number, _cells(line, delimiter), columns or {"email": _address_column(first)})


def _delimiter(line: str) -> str:
    return max(",;\t", key=line.count)


def _cells(line: str, delimiter: str) -> list[str]:
    try:
        found = next(csv.reader([line], delimiter=delimiter), [])
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
    def cell(what: str) -> str:
        at = columns.get(what, -1)
        return cells[at] if 0 <= at < len(cells) else ""

    language = cell("language").replace("_", "-")
    if language and not _LANGUAGE.fullmatch(language):
        return Row(line=number, fault=f'"{language[:40]}" is no language (like "en" or "pt-BR")')
    sections = tuple(part.lower() for part in re.split(r"[\s;,|]+", cell("sections")) if part)
    return Row(
        line=number,
        email=cell("email"),
        name=cell("name"),
        sections=sections,
        language=language[:20],
        state=cell("state").lower(),
        barred=cell("barred").lower(),
    )
