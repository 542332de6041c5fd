"""Files that a person names: read whole, written whole or not at all."""

import sys
from pathlib import Path

from digest.errors import DiskFullError, UsageError

#: More than a list of a million readers needs.
_MAX_BYTES = 200_000_000
_NO_SPACE = 28
#: So much of a file tells whether it is text.
_HEAD = 8192
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_NO_CONTROL = bytes({*range(256)} - {*range(1, 32), 127} | {*b"\t\n\r\f"})


def read_file(path: Path) -> bytes:
    """The bytes of a file, or of standard input for "-"; UsageError when it cannot be read."""
    try:
        if str(path) == "-":
            data = sys.stdin.buffer.read(_MAX_BYTES + 1)
        else:
            with path.open("rb") as file:
                data = file.read(_MAX_BYTES + 1)
    except OSError as exc:
        raise UsageError(f"{path}: {exc.strerror}") from exc
    except ValueError as exc:
        raise UsageError(f"{str(path)!r} cannot be a file's name") from exc
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
    """Write beside the place, then move there: a full disk leaves the older file as it was."""
    fresh = path.with_name(f".{path.name}.new")
    try:
        fresh.write_bytes(data)
        fresh.replace(path)
    except OSError as exc:
        fresh.unlink(missing_ok=True)
        if exc.errno == _NO_SPACE:
            raise DiskFullError(f"the disk of {path} is full") from exc
        raise UsageError(f"{path}: {exc.strerror}") from exc
