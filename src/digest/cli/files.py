"""Files that a person names: read whole, written whole or not at all."""

import sys
from pathlib import Path

from digest.errors import DiskFullError, UsageError

#: More than a list of a million readers needs.
_MAX_BYTES = 200_000_000
_NO_SPACE = 28


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
