"""robots.txt (RFC 9309): whether a page may be read, and how slowly. Feeds are offered, pages are not."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from protego import Protego

from digest.gather.decode import text_of

AGENT = "digest"
#: RFC 9309 §2.5 lets a reader stop after 500 KiB.
_MAX_BYTES = 512_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a site answered when it was asked for its robots.txt; status 0 when it did not answer."""

    status: int = 0
    body: bytes = b""


class Robots:
    """The rules of each site, asked for once and kept as long as the client lives."""

    def __init__(self, fetch: Callable[[str], Awaitable[Answer]]) -> None:
        self._fetch = fetch
        self._sites: dict[str, asyncio.Future[Protego]] = {}

    async def allows(self, url: str) -> bool:
        """True when the site lets us read this page."""
        rules = await self._rules(url)
        return bool(rules.can_fetch(url, AGENT))

    async def delay(self, url: str) -> float:
        """Seconds that the site wants between two requests, 0 when it says nothing."""
        rules = await self._rules(url)
        return float(rules.crawl_delay(AGENT) or 0)

    async def _rules(self, url: str) -> Protego:
        parts = urlsplit(url)
        site = f"{parts.scheme}://{parts.netloc}"
        known = self._sites.get(site)
        if known is None:
            known = self._sites[site] = asyncio.get_running_loop().create_future()
            try:
                known.set_result(rules_of(await self._fetch(f"{site}/robots.txt")))
            except BaseException:
                # Somebody may wait for it; whoever asks next tries again.
                del self._sites[site]
                known.cancel()
                raise
        return await asyncio.shield(known)


def rules_of(answer: Answer) -> Protego:
    """The rules of an answer: none for what is not there, everything forbidden while the site is down."""
    if 200 <= answer.status < 300:
        return Protego.parse(text_of(answer.body[:_MAX_BYTES]))
    if 400 <= answer.status < 500 and answer.status != 429:
        return Protego.parse("")
    return Protego.parse("User-agent: *\nDisallow: /\n")
