"""The real pages on a real server for tests, with a clock that the test turns."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import aiohttp
import pytest
import uvicorn

from conftest import KEY, NOW
from digest import subscribe
from digest.domain import Content, Issue, IssueState, Subscription
from digest.house import House
from digest.store import issues
from digest.subscribe import Evidence
from digest.tokens import Purpose
from digest.web import create_app

ADA = "ada@example.org"
NOBODY = Evidence(form="test")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back, body and all."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def heading(self) -> str:
        """The words of the page's one h1."""
        found = re.findall(r"<h1[^>]*>(.*?)</h1>", self.text, re.S)
        assert len(found) == 1, found
        return re.sub(r"<[^>]+>", "", found[0]).strip()


@dataclass(slots=True, kw_only=True)
class Website:
    """One running site."""

    house: House
    root: str
    client: aiohttp.ClientSession
    now: datetime = NOW
    woken: list[int] = field(default_factory=list)

    async def get(self, path: str, method: str = "GET") -> Answer:
        return await self._ask(method, path)

    async def post(
        self, path: str, fields: object = None, *, ip: str = "192.0.2.1", **headers: str
    ) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self._ask("POST", path, data=fields, headers={"X-Forwarded-For": ip} | named)

    async def follow(self, answer: Answer) -> Answer:
        """The page after a 303."""
        assert answer.status == 303, answer.text
        return await self.get(answer.headers["Location"])

    async def _ask(self, method: str, path: str, **more: object) -> Answer:
        url = self.root + path
        async with self.client.request(method, url, allow_redirects=False, **more) as got:  # type: ignore[arg-type]
            return Answer(status=got.status, headers=got.headers, body=await got.read())

    def path(self, what: str, there: Subscription, *, made_at: datetime = NOW, tail: str = "") -> str:
        """The path of a reader's own link."""
        if what == "confirm":
            token = self.house.token(Purpose.CONFIRM, KEY, there.subscriber.id, made_at)
        else:
            purpose = Purpose.PREFERENCES if what == "preferences" else Purpose.LEAVE
            token = self.house.token(purpose, KEY, there.subscriber.id)
        return f"/n/{KEY}/{what}/{token}{tail}"

    async def pending(self, email: str = ADA, **more: tuple[str, ...]) -> Subscription:
        await subscribe.sign_up(self.house, KEY, email, evidence=NOBODY, now=NOW, **more)  # type: ignore[arg-type]
        return await subscribe.find(self.house, KEY, email)

    async def confirmed(self, email: str = ADA) -> Subscription:
        there = await self.pending(email)
        token = self.house.token(Purpose.CONFIRM, KEY, there.subscriber.id, NOW)
        return await subscribe.confirm(self.house, KEY, token, evidence=NOBODY, now=NOW)

    async def left(self, email: str = ADA) -> Subscription:
        await self.confirmed(email)
        return await subscribe.leave_by_operator(self.house, KEY, email, now=NOW + timedelta(hours=1))

    async def issue(self, content: Content, state: IssueState = IssueState.SENT, *, days: int = 0) -> Issue:
        """An issue stored in that state; numbers count up."""
        due = NOW - timedelta(days=days)
        async with self.house.store.begin() as session:
            number = await issues.next_number(session, KEY)
            draft = Issue(newsletter=KEY, number=number, period=due.isoformat(), due_at=due, content=content)
            there = await issues.save_draft(session, draft, now=NOW)
            for step in (*_WAYS.get(state, ()), state):
                if step is not IssueState.DRAFT:
                    there = await issues.move(session, there, step, **_times(step, due))
        return there


#: The states that an issue goes through before these.
_WAYS = {
    IssueState.SENDING: (IssueState.APPROVED,),
    IssueState.PAUSED: (IssueState.APPROVED, IssueState.SENDING),
    IssueState.SENT: (IssueState.APPROVED, IssueState.SENDING),
}


def _times(state: IssueState, due: datetime) -> dict[str, datetime]:
    return {"sending": {"started_at": due}, "sent": {"sent_at": due}}.get(str(state), {})


@asynccontextmanager
async def serve(house: House) -> AsyncIterator[Website]:
    """The pages of a house on a free port of 127.0.0.1 until the block ends."""
    # With its protocol named, or asyncio sets no TCP_NODELAY and every answer waits 40 ms for an ACK.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    listening.listen()
    root = f"http://127.0.0.1:{listening.getsockname()[1]}"
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as client:
        website = Website(house=house, root=root, client=client)
        app = create_app(house, clock=lambda: website.now, wake=lambda: website.woken.append(1))
        config = uvicorn.Config(app, log_level="critical", access_log=False, lifespan="off")
        server = uvicorn.Server(config)
        task = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            yield website
            assert not list(client.cookie_jar), "a page set a cookie"
        finally:
            server.should_exit = True
            await task


@pytest.fixture
async def website(house: House) -> AsyncIterator[Website]:
    """The pages of the house of this test."""
    async with serve(house) as running:
        yield running
