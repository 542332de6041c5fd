"""How close together one domain is asked: two requests at a time, and a moment between their beginnings."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

AT_ONCE = 2
#: Seconds between two requests to one domain.
SPACING = 0.2
#: The longest Crawl-delay that is waited for within a run.
MAX_DELAY = 10.0
#: Names below a country's own under which the country registers: example.co.uk.
_SECOND_LEVELS = frozenset(
    (
        "ac",
        "co",
        "com",
        "edu",
        "gob",
        "gov",
        "go",
        "ltd",
        "me",
        "mil",
        "ne",
        "net",
        "nom",
        "or",
        "org",
        "plc",
        "sch",
    )
)


def domain_of(host: str) -> str:
    """The registrable domain of a host as far as its form tells; an IP address is its own.

    Customers of one service (a.substack.com, b.substack.com) are one domain on purpose: they share
    its servers.
    """
    labels = host.rstrip(".").split(".")
    if ":" in host or re.fullmatch(r"[0-9.]+", host):
        return host
    is_below = len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _SECOND_LEVELS
    return ".".join(labels[-3 if is_below else -2 :])


def next_start(last: float, now: float, spacing: float) -> float:
    """When the next request may begin, in the loop's seconds."""
    return max(now, last + spacing)


@dataclass(slots=True)
class _Domain:
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    last: float = float("-inf")


class Pace:
    """Turns at each domain; for one event loop."""

    def __init__(self) -> None:
        self._domains: dict[str, _Domain] = {}

    @asynccontextmanager
    async def turn(self, host: str, *, spacing: float = SPACING) -> AsyncIterator[None]:
        """Wait until the host's domain may be asked, and hold one of its two places meanwhile."""
        name = domain_of(host)
        domain = self._domains.get(name) or self._domains.setdefault(name, _Domain())
        async with domain.slots:
            now = asyncio.get_running_loop().time()
            domain.last = next_start(domain.last, now, spacing)
            if domain.last > now:
                await asyncio.sleep(domain.last - now)
            yield
