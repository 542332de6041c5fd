"""Files that a person names: read whole or in pieces, written whole or not at all."""

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from digest.errors import DiskFullError, UsageError

#: The most that is held in memory.
_MAX_BYTES = 200_000_000
_NO_SPACE = 28
#: So much of a file tells whether it is text.
_HEAD = 8192
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_NO_CONTROL = bytes({*range(256)} - {*range(1, 32), 127} | {*b"\t\n\r\f"})


def read_file(path: Path) -> bytes:
    """The bytes of a file, or of standard input for "-"; UsageError when it cannot be read."""
    with open_file(path) as file:
        return _bounded(path, file)


@contextmanager
def open_file(path: Path) -> Iterator[BinaryIO]:
    """The same to be read a piece at a time, and again; what is no file on a disk is held in memory."""
    try:
        if str(path) == "-":
            file: BinaryIO = io.BytesIO(_bounded(path, sys.stdin.buffer))
        else:
            file = path.open("rb")
            if not path.is_file():
                file = io.BytesIO(_bounded(path, file))
    except OSError as exc:
        raise UsageError(f"{path}: {exc.strerror}") from exc
    except ValueError as exc:
        raise UsageError(f"{str(path)!r} cannot be a file's name") from exc
    with file:
        yield file


def _bounded(path: Path, file: BinaryIO) -> bytes:
    data = file.read(_MAX_BYTES + 1)
    if len(data) > _MAX_BYTES:
        raise UsageError(f"{path} is larger than {_MAX_BYTES // 1_000_000} MB")
    return data


def is_binary(data: bytes) -> bool:
    """True for what is no text in any encoding that files come in: an archive, a spreadsheet, a picture."""
    head = data[:_HEAD]
    fewer, more = sorted((head[::2].count(0), head[1::2].count(0)))
    # Latin letters in UTF-16 have their zeros in every other place.
    if head.startswith(_UTF_16) or (more > len(head) // 4 and fewer < more // 4):
        return False
    controls = len(head.translate(None, _NO_CONTROL))
    return controls + fewer > max(len(head) // 30, 2)


def write_file(path: Path, data: bytes) -> None:
    """Write a file whole or not at all."""
    with new_file(path) as file:
        file.write(data)


@contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """A file beside the place, moved there when the block ends well: a full disk leaves the older one."""
    fresh = path.with_name(f".{path.name}.new")
    try:
        with fresh.open("wb") as file:
            yield file
        fresh.replace(path)
    except OSError as exc:
        if exc.errno == _NO_SPACE:
            raise DiskFullError(f"the disk of {path} is full") from exc
        raise UsageError(f"{path}: {exc.strerror}") from exc
    finally:
        fresh.unlink(missing_ok=True)
