"""How often somebody may sign up: counted in memory, for an address block and for everybody together."""

from collections import OrderedDict, deque
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address

_WINDOW = timedelta(hours=1)
#: Blocks remembered; the one quiet for longest is forgotten first.
_MOST_BLOCKS = 10_000


class Limits:
    """Counts tries within the last hour; a restart forgets them, the limits of an address stay stored."""

    def __init__(self, *, each: int = 10, overall: int = 1000) -> None:
        """At most `each` tries an hour from one address block and `overall` from all."""
        self._each = each
        self._overall = overall
        self._all: deque[datetime] = deque()
        self._blocks: OrderedDict[str, deque[datetime]] = OrderedDict()

    def wait(self, address: str, now: datetime) -> timedelta:
        """Zero, and the try is counted; or how long to wait."""
        block = self._blocks.setdefault(block_of(address), deque())
        self._blocks.move_to_end(block_of(address))
        if len(self._blocks) > _MOST_BLOCKS:
            self._blocks.popitem(last=False)
        for tries, most in ((block, self._each), (self._all, self._overall)):
            while tries and now - tries[0] >= _WINDOW:
                tries.popleft()
            if len(tries) >= most:
                return tries[0] + _WINDOW - now
        block.append(now)
        self._all.append(now)
        return timedelta(0)


def block_of(address: str) -> str:
    """An IPv4 address itself, the first 64 bits of an IPv6 one: a household has that many."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        mapped = parsed.ipv4_mapped
        return str(mapped) if mapped else parsed.packed[:8].hex()
    return str(parsed)
