"""The only way out: one HTTP session that is polite, bounded, and never reaches a private address."""

import asyncio
import ipaddress
import re
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver

from digest import __version__
from digest.config import GatherSettings
from digest.errors import FetchError
from digest.gather.pace import MAX_DELAY, SPACING, Pace
from digest.gather.robots import Answer, Robots
from digest.gather.urls import host_of, web_url
from digest.gather.workers import Workers, open_workers

MAX_REDIRECTS = 5
_PERMANENT = frozenset({301, 308})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_ACCEPT = (
    "application/atom+xml, application/rss+xml, application/feed+json, text/calendar, application/xml;q=0.9, "
    "text/html;q=0.8, */*;q=0.5"
)
#: 64:ff9b::/96 carries an IPv4 address to its network (RFC 6052).
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
#: Whether the hop that this task is making may end at a private address.
_may_be_private: ContextVar[bool] = ContextVar("may_be_private", default=False)


class _PrivateAddressError(OSError):
    """The address is private; equal for all addresses of a host, so that it is reported as it is."""

    def __init__(self) -> None:
        super().__init__("private address")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What a server answered at last, its redirects followed."""

    #: The address that answered.
    url: str
    #: Where the asked address moved for good; "" when it did not.
    moved_to: str = ""
    #: The redirects on the way, each a line.
    via: tuple[str, ...] = ()
    status: int
    body: bytes = b""
    charset: str = ""
    etag: str = ""
    last_modified: str = ""
    #: As the server wrote it: seconds or a date.
    retry_after: str = ""
    #: How long the answer says that it stays fresh (Cache-Control: max-age), in seconds.
    max_age: int = 0
    #: Of the whole exchange.
    seconds: float = 0.0


class Client:
    """Fetches addresses within the limits of the settings; made by `open_client`."""

    def __init__(self, session: aiohttp.ClientSession, settings: GatherSettings, workers: Workers) -> None:
        self.settings = settings
        self.workers = workers
        self._session = session
        self._pace = Pace()
        self._robots = Robots(self._ask_robots)
        self._listed = frozenset(entry.strip().lower() for entry in settings.allow_hosts)

    async def fetch_page(self, url: str, *, etag: str = "", last_modified: str = "") -> Page:
        """As `fetch`, for a page that nobody offered as a feed: FetchError where robots.txt forbids it."""
        delay = await self.page_delay(url) if web_url(url) else 0
        if delay is None:
            raise FetchError(f"robots.txt of {host_of(url)} does not let us read this page")
        return await self.fetch(url, etag=etag, last_modified=last_modified, spacing=min(delay, MAX_DELAY))

    async def page_delay(self, url: str) -> float | None:
        """Seconds that robots.txt wants between two requests, 0 when it wants none; None where it forbids."""
        return await self._robots.delay(url) if await self._robots.allows(url) else None

    async def _ask_robots(self, url: str) -> Answer:
        try:
            page = await self.fetch(url)
        except FetchError:
            return Answer()
        return Answer(status=page.status, body=page.body)

    async def fetch(
        self, url: str, *, etag: str = "", last_modified: str = "", spacing: float = SPACING
    ) -> Page:
        """The answer to a GET, whatever its status; FetchError when there is none that can be used.

        Validators make it conditional. The time-out holds for all hops together, waiting for one's turn
        at a domain not counted. `spacing` is in seconds; the operator's own hosts need none.
        """
        headers = {"If-None-Match": etag, "If-Modified-Since": last_modified}
        headers = {name: value for name, value in headers.items() if value and value.isprintable()}
        here, moved_to, seconds, is_permanent = url, "", 0.0, True
        via: tuple[str, ...] = ()
        for _ in range(MAX_REDIRECTS + 1):
            page, there = await self._hop(here, headers, first=url, seconds=seconds, spacing=spacing)
            seconds = page.seconds
            if not there:
                return replace(page, moved_to=moved_to, via=via)
            via = (*via, f"{here} redirects to {there} ({page.status})")
            is_permanent = is_permanent and page.status in _PERMANENT
            is_downgrade = here.startswith("https:") and not there.startswith("https:")
            is_permanent = is_permanent and not is_downgrade
            moved_to = there if is_permanent else moved_to
            here = there
        raise FetchError(f"{host_of(url)} redirects more than {MAX_REDIRECTS} times")

    async def _hop(
        self, url: str, headers: Mapping[str, str], *, first: str, seconds: float, spacing: float
    ) -> tuple[Page, str]:
        """One request: its answer, and where it leads on to ("" when it is the last)."""
        if not web_url(url):
            raise FetchError("only addresses that begin with http:// or https:// can be fetched")
        loop = asyncio.get_running_loop()
        is_own = self._is_listed(url) and self._is_listed(first)
        async with self._pace.turn(host_of(url), spacing=0 if is_own else max(spacing, SPACING)):
            start = loop.time()
            _may_be_private.set(is_own)
            try:
                async with asyncio.timeout(self.settings.timeout_seconds - seconds):
                    page, there = await self._request(url, headers)
            except (aiohttp.ClientError, OSError, ValueError) as exc:
                raise self._explain(exc, url) from exc
            return replace(page, seconds=seconds + loop.time() - start), there

    async def _request(self, url: str, headers: Mapping[str, str]) -> tuple[Page, str]:
        async with self._session.get(url, headers=headers, allow_redirects=False) as answer:
            if answer.status in _REDIRECTS:
                there = web_url(answer.headers.get("Location", ""), url)
                if not there:
                    raise FetchError(f"{host_of(url)} redirects to what is no web address")
                return Page(url=url, status=answer.status), there
            return await self._page(url, answer), ""

    async def _page(self, url: str, answer: aiohttp.ClientResponse) -> Page:
        is_wanted = 200 <= answer.status < 300
        return Page(
            url=url,
            status=answer.status,
            body=await self._body(answer, url) if is_wanted else b"",
            charset=(answer.charset or "")[:40],
            etag=answer.headers.get("ETag", "")[:500],
            last_modified=answer.headers.get("Last-Modified", "")[:100],
            retry_after=answer.headers.get("Retry-After", "")[:100],
            max_age=_max_age(answer.headers.get("Cache-Control", "")),
        )

    async def _body(self, answer: aiohttp.ClientResponse, url: str) -> bytes:
        """The inflated bytes; FetchError as soon as they are more than allowed."""
        limit = self.settings.max_bytes
        body = bytearray()
        if (answer.content_length or 0) <= limit:
            async for chunk in answer.content.iter_chunked(65536):
                body += chunk
                if len(body) > limit:
                    break
            else:
                return bytes(body)
        raise FetchError(f"{host_of(url)} sent more than {limit:,} bytes")

    def _is_listed(self, url: str) -> bool:
        """True for a host that the operator allows to be private, by name, address or host:port."""
        if not self._listed:
            return False
        parts = urlsplit(url)
        host = host_of(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
        return not self._listed.isdisjoint({host, f"{host}:{port}", f"[{host}]", f"[{host}]:{port}"})

    def _explain(self, exc: Exception, url: str) -> FetchError:
        """One line for a person about a request that failed."""
        host = host_of(url)
        seconds = self.settings.timeout_seconds
        match exc:
            case TimeoutError():
                return FetchError(f"no answer from {host} within {seconds:g} seconds")
            case aiohttp.ClientConnectorError(os_error=_PrivateAddressError()):
                hint = f'if it is your own, add "{host}" to allow_hosts in [gather]'
                return FetchError(f"{host} is at a private address, which is never fetched", hint=hint)
            case aiohttp.ClientConnectorDNSError():
                return FetchError(f"there is no host {host}")
            case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientSSLError():
                return FetchError(f"the certificate of {host} is not valid")
            case aiohttp.ClientConnectorError():
                return FetchError(f"{host} cannot be reached ({exc.os_error.strerror or 'no connection'})")
            case aiohttp.ClientPayloadError() | aiohttp.ServerDisconnectedError():
                return FetchError(f"{host} broke off in the middle of its answer")
            case aiohttp.InvalidURL():
                return FetchError("this is not a web address")
        return FetchError(f"{host} gave an answer that is not HTTP ({type(exc).__name__})")


def _max_age(cache_control: str) -> int:
    """Seconds, at most a year; 0 where the server says nothing or wants every answer checked."""
    if re.search(r"(?i)\bno-(?:cache|store)\b", cache_control):
        return 0
    found = re.search(r"(?i)(?<![-\w])max-age\s*=\s*\"?([0-9]{1,9})", cache_control)
    return min(int(found[1]), 31_536_000) if found else 0


@asynccontextmanager
async def open_client(
    settings: GatherSettings, *, resolver: AbstractResolver | None = None
) -> AsyncIterator[Client]:
    """A client for any number of sources; closed at the end of the block.

    `resolver` finds the addresses of names, by default the system's.
    """
    connector = aiohttp.TCPConnector(
        limit=settings.concurrency, socket_factory=_safe_socket, resolver=resolver
    )
    agent = f"digest/{__version__}" + (f" (+{settings.contact})" if settings.contact else "")
    session = aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": agent, "Accept": _ACCEPT},
        timeout=aiohttp.ClientTimeout(total=None),
    )
    async with session, open_workers() as workers:
        yield Client(session, settings, workers)


def _safe_socket(address: aiohttp.AddrInfoType) -> socket.socket:
    """A socket for an address that a name resolved to, at the last moment before connecting.

    Checking here, not at the name, leaves nothing to a server that answers the second look-up differently.
    """
    family, kind, protocol, _, place = address
    if not _may_be_private.get() and is_private(str(place[0])):
        raise _PrivateAddressError
    return socket.socket(family=family, type=kind, proto=protocol)


def is_private(address: str) -> bool:
    """True for every IP address that does not belong to the public internet, also inside IPv6."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return True
    inner = _inner(ip)
    if inner is not None:
        return is_private(str(inner))
    return not ip.is_global or ip.is_multicast or ip.is_reserved


def _inner(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 address stands for, if it does."""
    if isinstance(ip, ipaddress.IPv4Address):
        return None
    if ip in _NAT64:
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
