"""A transport that signs what leaves by another, several messages at a time."""

from dataclasses import replace

from digest.deliver.envelope import Envelope, Intent, Transport, no_intent
from digest.deliver.signers import Signers
from digest.domain import Outcome, OutcomeKind

#: So many times what a transport has a use for is ready where others sign, at most.
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
        # Not in place: another relay may be given the same envelope.
        signed = replace(envelope, blocks=(signature, *envelope.blocks))
        return await self._transport.send(signed, intent=intent)

    async def check(self) -> str:
        """The other's line, and that messages are signed."""
        return f"{await self._transport.check()}, {self._signers.describe()}"
