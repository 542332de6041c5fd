"""What signs messages before they leave, in advance or at the last moment, or takes the signature off."""

from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import Any

from digest.deliver.envelope import Envelope, Intent, Transport, no_intent
from digest.deliver.signers import Signers
from digest.domain import Outcome, OutcomeKind


class InAdvance:
    """Messages that are being signed; whoever awaits it has them signed, in place.

    What cannot be signed stays as it is: it is told so when it is sent.
    """

    def __init__(self, envelopes: Sequence[Envelope], signers: Signers | None) -> None:
        """It begins at once; there is nothing to do without signers."""
        self._envelopes = envelopes
        self._signing = signers.sign([one.blocks for one in envelopes]) if signers else None

    @property
    def is_done(self) -> bool:
        """True when whoever awaits it does not wait."""
        return self._signing is None or self._signing.done()

    def __await__(self) -> Generator[Any, None, None]:
        if self._signing is None:
            return
        signatures = yield from self._signing
        for envelope, signature in zip(self._envelopes, signatures, strict=True):
            if isinstance(signature, bytes):
                envelope.blocks = (signature, *envelope.blocks)
                envelope.is_signed = True


class Signing:
    """A transport that signs what was not signed in advance before it leaves by another."""

    def __init__(self, transport: Transport, signers: Signers) -> None:
        """The other transport and the signers are opened and closed by whoever made them."""
        self.ahead = transport.ahead
        self._transport = transport
        self._signers = signers

    async def send(self, envelope: Envelope, *, intent: Intent = no_intent) -> Outcome:
        """What the other transport says of the signed message; FAILED for what cannot be signed."""
        if not envelope.is_signed:
            (signature,) = await self._signers.sign([envelope.blocks])
            if isinstance(signature, str):
                return Outcome(key=envelope.key, kind=OutcomeKind.FAILED, reply=signature)
            # Not in place: the caller's own is as it was.
            envelope = replace(envelope, blocks=(signature, *envelope.blocks), is_signed=True)
        return await self._transport.send(envelope, intent=intent)

    async def check(self) -> str:
        """The other's line, and that messages are signed."""
        return f"{await self._transport.check()}, {self._signers.describe()}"


class Unsigned:
    """A transport for a relay that signs itself: what was signed in advance leaves as it was before."""

    def __init__(self, transport: Transport) -> None:
        """The other transport is opened and closed by whoever made it."""
        self.ahead = transport.ahead
        self.check = transport.check
        self._transport = transport

    async def send(self, envelope: Envelope, *, intent: Intent = no_intent) -> Outcome:
        """What the other transport says of the message without our signature."""
        if envelope.is_signed:
            envelope = replace(envelope, blocks=envelope.blocks[1:], is_signed=False)
        return await self._transport.send(envelope, intent=intent)
