"""A transport that signs what leaves by another, several messages at a time."""

from digest.deliver.envelope import Envelope, Intent, Transport, no_intent
from digest.deliver.signers import Signers
from digest.domain import Outcome, OutcomeKind

_TIMES = 5


class Signing:
    """A transport that signs each message before it leaves by another."""

    def __init__(self, transport: Transport, signers: Signers) -> None:
        """The other transport and the signers are opened and closed by whoever made them."""
        self._transport = transport
        # Some are on their way to other processes and back. Without those, more than need be would only
        # crowd the core's own memory; and all of them still leave when a sending is told to stop.
        self.ahead = transport.ahead if signers.is_alone else transport.ahead * _TIMES
        self._signers = signers

    async def send(self, envelope: Envelope, *, intent: Intent = no_intent) -> Outcome:
        """What the other transport says of the signed message; FAILED for what cannot be signed."""
        signature = await self._signers.sign(envelope.blocks)
        if isinstance(signature, str):
            return Outcome(key=envelope.key, kind=OutcomeKind.FAILED, reply=signature)
        signed = Envelope(
            key=envelope.key,
            sender=envelope.sender,
            recipient=envelope.recipient,
            blocks=(signature, *envelope.blocks),
            envelope_id=envelope.envelope_id,
            is_ready=envelope.is_ready,
            is_ascii=envelope.is_ascii,
        )
        return await self._transport.send(signed, intent=intent)

    async def check(self) -> str:
        """The other's line, and that messages are signed."""
        return f"{await self._transport.check()}, {self._signers.describe()}"
