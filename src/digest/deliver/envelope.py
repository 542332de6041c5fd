"""What a transport takes and what it promises."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from digest.domain import Outcome

#: Awaited when everything but the final dot is out. What it raises passes through, and nothing leaves.
Intent = Callable[[], Awaitable[None]]


# Not frozen, as other values are: one is made for each message, and that would take twice as long.
@dataclass(slots=True, kw_only=True)
class Envelope:
    """One message on its way: `key` is the caller's own, `sender` may be "" (the null reverse-path)."""

    key: int
    sender: str
    recipient: str
    #: The message in pieces: the output of `encode`, or those of `Compiled`, which other messages share.
    blocks: tuple[bytes, ...] = field(repr=False)
    #: What a bounce can name it by; the Message-ID is good for that.
    envelope_id: str = ""
    #: True for blocks of `Compiled`: nothing is left to check, and no line begins with a dot.
    is_ready: bool = False
    #: True when it is known that all is ASCII; else it is looked at.
    is_ascii: bool = False
    #: True when the first block is its DKIM signature.
    is_signed: bool = False

    @property
    def data(self) -> bytes:
        """The message as one."""
        return b"".join(self.blocks)

    @property
    def size(self) -> int:
        """How many bytes the message has."""
        return sum(map(len, self.blocks))


async def no_intent() -> None:
    """Nothing: for a message of which no ledger is kept."""


class Transport(Protocol):
    """A way out. `send` may be called by several tasks at a time."""

    #: How many messages it has a use for beyond those that it hands over at one time.
    ahead: int

    async def send(self, envelope: Envelope, *, intent: Intent = no_intent) -> Outcome:
        """What came of the message; raises only what `intent` raises.

        Sending twice is two messages for a mail server (with one Message-ID), one file for an outbox.
        """
        ...

    async def check(self) -> str:
        """One line that says that the way is open; TransportError when it is not. Sends nothing."""
        ...
