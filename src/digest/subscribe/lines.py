"""The lines of a file in whatever encoding it comes, a piece at a time."""

import codecs
import io
from collections.abc import Iterator
from typing import BinaryIO

#: The most lines that one row may have: so many are always in sight.
MOST_LINES = 20
#: Characters read at a time.
_PIECE = 1 << 18


class Lines:
    """The next lines of a text, without their ends, whichever those are."""

    def __init__(self, file: BinaryIO) -> None:
        """`file` can be read again from its beginning, which is done to tell its encoding; it stays open."""
        self._pieces = _pieces(file)
        self._held: list[str] = []
        self._is_last = False

    @property
    def enough(self) -> int:
        """Before which of the lines at hand a row may begin, so that all of its lines are at hand too."""
        return len(self._held) - (0 if self._is_last else MOST_LINES - 1)

    def after(self, taken: int) -> list[str]:
        """The lines at hand, without the first `taken` of those there were; empty at the end."""
        del self._held[:taken]
        while len(self._held) < MOST_LINES and not self._is_last:
            piece = next(self._pieces, [])
            self._is_last = not piece
            self._held += piece
        return self._held


def _pieces(file: BinaryIO) -> Iterator[list[str]]:
    encoding, errors = _encoding(file)
    file.seek(0)
    text = io.TextIOWrapper(file, encoding=encoding, errors=errors, newline=None)
    try:
        while piece := text.read(_PIECE):
            yield (piece + text.readline()).removesuffix("\n").split("\n")
    finally:
        # It would close the file with itself, and complain of it.
        if not file.closed:
            text.detach()


def _encoding(file: BinaryIO) -> tuple[str, str]:
    """By the byte order mark, by the NULs of UTF-16 without one, UTF-8, else Latin-1; and what errors do."""
    file.seek(0)
    head = file.read(2000)
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16", "replace"
    if head and head.count(0) > len(head) // 4:
        is_little = head[1::2].count(0) >= head[::2].count(0)
        return "utf-16-le" if is_little else "utf-16-be", "replace"
    file.seek(0)
    return ("utf-8-sig" if _is_utf8(file) else "latin-1"), "strict"


def _is_utf8(file: BinaryIO) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while piece := file.read(_PIECE):
            decoder.decode(piece)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True
