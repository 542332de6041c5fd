"""Several ways out as one: each gets its share, and one that cannot be reached leaves it to the others."""

import asyncio
import math
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass

from digest.config import Settings
from digest.deliver.envelope import Envelope, Intent, Transport, no_intent
from digest.deliver.keys import read_keyring
from digest.deliver.signers import Signers
from digest.deliver.signing import InAdvance, Signing, Unsigned
from digest.deliver.transports import open_transport
from digest.domain import Outcome, OutcomeKind
from digest.errors import TransportError

#: What is signed in advance is asked for so many times, for those that sign never to be out of work.
_BATCHES = 12
#: Seconds that a relay which could not be reached is left alone while others can.
REST_SECONDS = 60.0


@dataclass(slots=True, kw_only=True)
class Way:
    """One relay, and what this process may send by it."""

    name: str
    transport: Transport
    weight: float
    connections: int
    #: How many messages it has a use for beyond its connections.
    ahead: int = 0
    #: How many messages may still be taken; whoever counts tokens sets it.
    credit: float = math.inf
    #: How many were taken since somebody last counted.
    taken: int = 0
    #: In the time of the event loop.
    rests_until: float = 0.0
    #: Why it rests.
    reply: str = ""
    #: What its share says it should have had by now.
    _owed: float = 0.0


class Relays:
    """A transport over all relays there are."""

    def __init__(self, ways: tuple[Way, ...], signers: Signers | None = None) -> None:
        """The ways, and who signs for them, are opened and closed by whoever made them."""
        self.ways = ways
        self._signers = signers
        self.connections = sum(way.connections for way in ways)
        self.ahead = sum(way.ahead for way in ways)
        #: How many times to ask for signatures before the first are needed.
        self.batches = 1 if signers is None or signers.is_alone else _BATCHES

    def sign(self, envelopes: Sequence[Envelope]) -> InAdvance:
        """Sign in advance what may need it; they can be sent once this is awaited."""
        return InAdvance(envelopes, self._signers)

    async def send(self, envelope: Envelope, *, intent: Intent = no_intent) -> Outcome:
        """What the relay whose turn it is said; when it cannot be reached, what another one said.

        DEFERRED when none can be reached, or when those that can have carried what they may.
        """
        said = ""
        tried: list[Way] = []
        while (way := self._next(tried)) is not None:
            way.credit -= 1
            way.taken += 1
            outcome = await way.transport.send(envelope, intent=intent)
            if not outcome.is_unreached:
                way.rests_until = 0.0
                return outcome
            way.credit += 1
            way.taken -= 1
            way.rests_until = asyncio.get_running_loop().time() + REST_SECONDS
            way.reply = said = outcome.reply
            tried.append(way)
        words = said or "no relay may carry more for now"
        return Outcome(key=envelope.key, kind=OutcomeKind.DEFERRED, reply=words, is_unreached=True)

    async def check(self) -> str:
        """A line about each; TransportError with what is wrong when one of them is not open."""
        found = [await way.transport.check() for way in self.ways] if len(self.ways) == 1 else []
        for way in () if found else self.ways:
            try:
                found.append(f"{way.name}: {await way.transport.check()}")
            except TransportError as exc:
                raise TransportError(
                    f"relay {way.name}: {exc.what}", hint=exc.hint, is_permanent=exc.is_permanent
                ) from exc
        return "; ".join(found)

    @property
    def lost(self) -> tuple[str, ...]:
        """Why processes that signed ended too early; what they were asked was signed here."""
        return tuple(self._signers.lost) if self._signers else ()

    @property
    def awake(self) -> tuple[Way, ...]:
        """Those that do not rest; all when every one does: somebody has to try."""
        now = asyncio.get_running_loop().time()
        return tuple(way for way in self.ways if way.rests_until <= now) or self.ways

    def _next(self, tried: Collection[Way]) -> Way | None:
        """The way whose turn it is, of those that may carry more (smooth weighted round robin)."""
        if len(self.ways) == 1:
            (only,) = self.ways
            return only if only.credit >= 1 and not tried else None
        left = [way for way in self.ways if way not in tried and way.credit >= 1]
        now = asyncio.get_running_loop().time()
        able = [way for way in left if way.rests_until <= now] or left
        if not able:
            return None
        for way in able:
            way._owed += way.weight
        chosen = max(able, key=lambda way: way._owed)
        chosen._owed -= sum(way.weight for way in able)
        return chosen


@asynccontextmanager
async def open_relays(settings: Settings, *, expected: int = 0) -> AsyncIterator[Relays]:
    """Every relay of the settings, closed at the end; errors as those of `open_transport`.

    When it is known how many messages are `expected`, who signs can be ready for them.
    """
    async with AsyncExitStack() as stack:
        signers = await _signers(settings, stack)
        if signers is not None:
            signers.expect(expected)
        ways = []
        for name, one in settings.ways.items():
            changes = {
                "url": one.url,
                "password_file": one.password_file,
                "connections": one.connections,
                "messages_per_connection": one.messages_per_connection,
                "dkim": None,
            }
            place = f"relays.{name}.url" if settings.relays else "smtp.url"
            opened = open_transport(settings.smtp.model_copy(update=changes), place=place)
            transport = await stack.enter_async_context(opened)
            if signers is not None:
                transport = Unsigned(transport) if one.signs else Signing(transport, signers)
            ways.append(
                Way(
                    name=name,
                    transport=transport,
                    weight=one.weight,
                    connections=one.connections,
                    # What has to wait for tokens gains nothing by being ready.
                    ahead=0 if one.is_limited else transport.ahead,
                )
            )
        yield Relays(tuple(ways), signers)


async def _signers(settings: Settings, stack: AsyncExitStack) -> Signers | None:
    """One for all relays that do not sign themselves."""
    keys = settings.smtp.dkim
    if keys is None or all(one.signs for one in settings.ways.values()):
        return None
    signers = Signers(read_keyring(keys), processes=settings.delivery.processes)
    return await stack.enter_async_context(aclosing(signers))
