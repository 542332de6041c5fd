"""A day of simulated hours over servers that misbehave: nothing lost, doubled, rushed or starved."""

import asyncio
import os
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise

import pytest
from aiohttp import web

from digest.config import GatherSettings
from digest.domain import FullText, Gathered, Source
from digest.house import House
from digest.publish import gather_sources
from digest.store import articles, sources

START = datetime(2026, 8, 21, 0, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
TICK = timedelta(minutes=20)
#: The whole form has 300; the small one says the same in seconds.
SERVERS = int(os.environ.get("DIGEST_DAY_SERVERS", "44"))


def asked_at(request: web.Request) -> datetime:
    """The simulated time of asking; a busy machine may answer when it is long past."""
    return datetime.fromisoformat(request.headers["User-Agent"].partition("(+")[2].rstrip(")"))


@dataclass
class Day:
    """Servers by number, the simulated time, and what each was asked when."""

    now: datetime = START
    asked: defaultdict[int, list[datetime]] = field(default_factory=lambda: defaultdict(list))
    #: Not to be asked again before, by number and when that was said.
    said: dict[tuple[int, datetime], datetime] = field(default_factory=dict)
    #: The same, of what was heard: an answer that comes after the time-out is not.
    allowed: dict[int, datetime] = field(default_factory=dict)
    rushed: list[str] = field(default_factory=list)

    @property
    def hour(self) -> int:
        """The hour of the simulated day."""
        return int((self.now - START) / HOUR)

    def titles(self, number: int) -> list[str]:
        """What a server has published by now: something new every third hour."""
        return [f"Server {number}, news {place}" for place in range(self.hour // 3 + 1)]

    def feed(self, number: int) -> str:
        """Everything that a server has published, the newest first; some make new guids every time."""
        made = len(self.asked[number]) if number % 11 == 8 else ""
        items = "".join(
            f"<item><title>{title}</title><link>https://s{number}.example/{place}</link>"
            f"<guid isPermaLink='false'>{number}-{place}-{made}</guid></item>"
            for place, title in reversed(list(enumerate(self.titles(number))))
        )
        return f"<rss version='2.0'><channel><title>{number}</title><link>x</link>{items}</channel></rss>"

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """What server N does at this hour."""
        number, asked = int(request.match_info["number"]), asked_at(request)
        if asked < self.allowed.get(number, START):
            self.rushed.append(f"{number} at {asked:%H:%M}, allowed from {self.allowed[number]:%H:%M}")
        self.asked[number].append(asked)
        behaviour = _BEHAVIOURS.get(number % 11)
        answer = await behaviour(self, number, request) if behaviour else None
        return answer if answer is not None else self.good(number, request)

    def good(self, number: int, request: web.Request, **headers: str) -> web.StreamResponse:
        """The feed, or 304 to who has it."""
        etag = f'"{len(self.titles(number))}"'
        if request.headers.get("If-None-Match") == etag:
            return web.Response(status=304, headers={"ETag": etag, **headers})
        return web.Response(
            text=self.feed(number), content_type="application/rss+xml", headers={"ETag": etag, **headers}
        )

    def heard(self, got: Gathered) -> None:
        """Hold the reader to what a server asked for in an answer that arrived."""
        number = int(got.source.title)
        if "status" in got.facts and (number, self.now) in self.said:
            self.allowed[number] = self.said[number, self.now]

    def wait(self, number: int, request: web.Request, span: timedelta) -> None:
        """Remember what the server asked for."""
        self.said[number, asked_at(request)] = asked_at(request) + span


async def _slow(day: Day, number: int, request: web.Request) -> web.StreamResponse | None:
    if 5 <= day.hour < 7:
        await asyncio.sleep(60)
    return None


async def _resetting(day: Day, number: int, request: web.Request) -> web.StreamResponse | None:
    if day.hour % 2 and day.hour < 12 and request.transport:
        request.transport.abort()
    return None


async def _too_many(day: Day, number: int, request: web.Request) -> web.StreamResponse | None:
    if day.hour >= 6:
        return None
    day.wait(number, request, 2 * HOUR)
    return web.Response(status=429, headers={"Retry-After": "7200"})


async def _too_many_and_no_more(day: Day, number: int, request: web.Request) -> web.StreamResponse | None:
    return web.Response(status=429) if day.hour % 2 and day.hour < 12 else None


async def _away_until(day: Day, number: int, request: web.Request) -> web.StreamResponse | None:
    if day.hour >= 4:
        return None
    back = START + 7 * HOUR
    day.wait(number, request, back - asked_at(request))
    return web.Response(status=503, headers={"Retry-After": format_datetime(back, usegmt=True)})


async def _wrong_length(day: Day, number: int, request: web.Request) -> web.StreamResponse | None:
    if day.hour % 4 != 1 or day.hour > 12 or not request.transport:
        return None
    request.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 90000\r\n\r\n<rss><channel>")
    request.transport.close()
    return web.Response()


async def _endless(day: Day, number: int, request: web.Request) -> web.StreamResponse | None:
    if not 2 <= day.hour < 6:
        return None
    response = web.StreamResponse()
    await response.prepare(request)
    for _ in range(64):
        await response.write(b"<rss>" * 10_000)
    return response


async def _in_circles(day: Day, number: int, request: web.Request) -> web.StreamResponse | None:
    return web.Response(status=301, headers={"Location": str(request.url)}) if 3 <= day.hour < 8 else None


async def _fresh_for_hours(day: Day, number: int, request: web.Request) -> web.StreamResponse | None:
    day.wait(number, request, 3 * HOUR)
    return day.good(number, request, **{"Cache-Control": "max-age=10800"})


async def _a_page_instead(day: Day, number: int, request: web.Request) -> web.StreamResponse | None:
    return (
        web.Response(text="<!doctype html><p>Back soon", content_type="text/html") if day.hour < 5 else None
    )


_BEHAVIOURS = {
    1: _slow,
    2: _resetting,
    3: _too_many,
    4: _too_many_and_no_more,
    5: _away_until,
    6: _wrong_length,
    7: _in_circles,
    9: _fresh_for_hours,
    10: _a_page_instead,
    0: _endless,
}


@pytest.fixture
async def day() -> AsyncIterator[tuple[Day, str]]:
    """The day, and the address below which its servers are."""
    made = Day()
    app = web.Application()
    app.router.add_get("/{number}", made.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    yield made, f"http://{host}:{port}"
    await runner.cleanup()


def _at(house: House, now: datetime) -> House:
    """The house at that time, which its requests name."""
    gather = GatherSettings(
        allow_hosts=("127.0.0.1",), timeout_seconds=2, max_bytes=200_000, contact=now.isoformat()
    )
    return replace(house, settings=house.settings.model_copy(update={"gather": gather}))


@pytest.mark.timeout(400 + 5 * SERVERS)
async def test_a_day_of_misbehaving_servers_loses_and_doubles_nothing(
    house: House, day: tuple[Day, str]
) -> None:
    today, url = day
    given = [Source(url=f"{url}/{n}", title=str(n), full_text=FullText.NEVER) for n in range(SERVERS)]
    async with house.store.begin() as session:
        await sources.add(session, given, now=START)

    while today.now < START + 24 * HOUR:
        await gather_sources(_at(house, today.now), now=today.now, watch=today.heard)
        today.now += TICK

    async with house.store.read() as session:
        stored = await articles.by_ids(session, range(1, 20 * SERVERS))
        after = {int(source.title): source for source in await sources.all_of(session)}
    told = Counter((article.source_id, article.title) for article in stored)
    assert today.rushed == []
    assert {title: count for title, count in told.items() if count > 1} == {}
    for number in range(SERVERS):
        # One reading may ask more than once: redirects, and a connection that broke before an answer.
        asked, source = sorted(set(today.asked[number])), after[number]
        gaps = [later - earlier for earlier, later in pairwise(asked)]
        assert source.enabled
        assert min(gaps) >= HOUR, f"{number} was rushed"
        assert len(asked) >= 4, f"{number} was starved"
        assert max(gaps) <= 24 * HOUR
        assert not source.is_sick, f"{number} did not recover: {source.last_error}"
        last = source.checked_at if not source.failures else None
        today.now = last or START
        wanted = set(today.titles(number)) if last else set()
        assert wanted <= {title for one, title in told if one == source.id}, f"{number} lost something"
