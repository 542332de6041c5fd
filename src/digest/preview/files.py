"""A proof as a file: the mail, its HTML or its text."""

from pathlib import Path

from digest.errors import UsageError
from digest.preview.proof import Proof

SUFFIXES = (".eml", ".html", ".txt")


def check_suffix(file: Path) -> None:
    """UsageError for a file whose suffix says nothing of what is to be in it."""
    if file.suffix.lower() not in SUFFIXES:
        raise UsageError(f"--out {file}: ends in none of {' '.join(SUFFIXES)}")


def write_proof(proof: Proof, file: Path) -> int:
    """How many bytes were written, over what was there: the mail, its HTML or its text."""
    check_suffix(file)
    parts = {".eml": proof.data, ".html": proof.message.html.encode(), ".txt": proof.message.text.encode()}
    try:
        return file.write_bytes(parts[file.suffix.lower()])
    except OSError as exc:
        raise UsageError(f"--out {file}: {exc.strerror}") from exc
