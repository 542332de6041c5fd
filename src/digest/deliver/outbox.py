"""A folder of .eml files: for trying things, for tests, and for machines with no mail server."""

import asyncio
import hashlib
import os
import re
import tempfile
from pathlib import Path

from digest.deliver.envelope import Envelope, Intent, no_intent
from digest.domain import Outcome, OutcomeKind
from digest.errors import TransportError

_MESSAGE_ID = re.compile(rb"^message-id:\s*(\S+)", re.IGNORECASE | re.MULTILINE)


class Outbox:
    """A transport that writes each message to a file; the same message twice is the same file."""

    def __init__(self, folder: Path) -> None:
        """The folder is made when the first message comes."""
        self.ahead = 0
        self._folder = folder

    async def send(self, envelope: Envelope, *, intent: Intent = no_intent) -> Outcome:
        """SENT with the file's name, or DEFERRED with what the disk said; no half-written file is seen."""
        data = envelope.data
        target = self._folder / file_name(data)
        try:
            written = await asyncio.to_thread(_write, self._folder, data)
        except OSError as exc:
            return self._deferred(envelope.key, exc)
        try:
            await intent()
            return await self._publish(envelope.key, written, target)
        finally:
            written.unlink(missing_ok=True)

    async def check(self) -> str:
        """How many messages lie there; TransportError when none could be added."""
        try:
            count = await asyncio.to_thread(_count, self._folder)
        except OSError as exc:
            raise TransportError(f"outbox {self._folder}: {exc.strerror}") from exc
        return f"outbox {self._folder}, writable, {count} message{'' if count == 1 else 's'}"

    async def _publish(self, key: int, written: Path, target: Path) -> Outcome:
        try:
            await asyncio.to_thread(written.replace, target)
        except OSError as exc:
            return self._deferred(key, exc)
        return Outcome(key=key, kind=OutcomeKind.SENT, reply=f"wrote {target.name}")

    def _deferred(self, key: int, exc: OSError) -> Outcome:
        return Outcome(key=key, kind=OutcomeKind.DEFERRED, reply=f"outbox {self._folder}: {exc.strerror}")


def file_name(data: bytes) -> str:
    """The name a message has in an outbox: a hash of its Message-ID, or of all of it when it has none."""
    head = data.partition(b"\r\n\r\n")[0]
    found = _MESSAGE_ID.search(head)
    return hashlib.sha256(found[1] if found else data).hexdigest()[:32] + ".eml"


def _write(folder: Path, data: bytes) -> Path:
    """A new hidden file in the folder that holds the data, already on the disk."""
    folder.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".", suffix=".part", dir=folder)
    path = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        path.unlink(missing_ok=True)
        raise
    return path


def _count(folder: Path) -> int:
    """How many messages lie in a folder to which one can be added."""
    _write(folder, b"").unlink()
    return sum(1 for _ in folder.glob("*.eml"))
