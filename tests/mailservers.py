"""Mail servers on loopback: aiosmtpd that keeps what it gets, and one that answers as it is told."""

import asyncio
import os
import shutil
import socket
import ssl
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

KEYS = Path(__file__).parent / "data" / "keys"
CERTIFICATE = KEYS / "localhost.pem"
USER, PASSWORD = "news@example.org", "sésame/ouvre:toi@1"

#: A scripted reply that closes the connection, and one that never comes.
DROP, STALL = "drop", "stall"
#: One that comes when the client has gone away, and one that closes only the server's side.
LATE, HALF_CLOSE = "late", "half-close"
#: Put before a reply: it comes byte by byte.
TRICKLE = "trickle "


@dataclass(frozen=True)
class Mail:
    """One message as a server got it."""

    sender: str
    recipient: str
    data: bytes
    options: tuple[str, ...] = ()
    #: Which connection brought it, counted from 1.
    connection: int = 0
    logged_in: bool = False


@dataclass
class Recorder:
    """An aiosmtpd that takes everything."""

    port: int = 0
    connections: int = 0
    most_at_once: int = 0
    mails: list[Mail] = field(default_factory=list)
    live: set[Any] = field(default_factory=set)
    #: Awaited before each message is answered, to hold a sender back.
    holding: Callable[[], Awaitable[object]] | None = None
    _more: asyncio.Event = field(default_factory=asyncio.Event)

    async def until(self, count: int) -> None:
        """Wait until that many messages are here."""
        while len(self.mails) < count:
            self._more.clear()
            await self._more.wait()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 (aiosmtpd's name)
        """Keep the message."""
        data = envelope.content
        assert isinstance(data, bytes)
        self.mails.append(
            Mail(
                sender=envelope.mail_from or "",
                recipient=envelope.rcpt_tos[0],
                data=data,
                options=tuple(envelope.mail_options),
                connection=getattr(server, "number", 0),
                logged_in=session.authenticated is True,
            )
        )
        self._more.set()
        if self.holding is not None:
            await self.holding()
        return "250 2.0.0 kept"

    async def hang_up(self) -> None:
        """Close every connection, and let the loop turn until a client in it knows."""
        for server in tuple(self.live):
            server.abort()
        for _ in range(20):
            await asyncio.sleep(0)

    def authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _how: str, data: Any
    ) -> AuthResult:
        """Let in the one user there is."""
        right = LoginPassword(USER.encode(), PASSWORD.encode())
        return AuthResult(success=data == right, handled=False)


@asynccontextmanager
async def recording_server(*, tls: str = "", login: bool = False, **options: Any) -> AsyncIterator[Recorder]:
    """A running recorder; `tls` is "", "tls" or "starttls", `login` asks for USER and PASSWORD."""
    recorder = Recorder()
    loop = asyncio.get_running_loop()
    context = _tls_context() if tls else None

    def protocol() -> SMTP:
        server = _Counted(
            recorder,
            hostname="mx.example.org",
            loop=loop,
            enable_SMTPUTF8=options.get("utf8", False),
            tls_context=context if tls == "starttls" else None,
            require_starttls=tls == "starttls",
            # aiosmtpd does not count TLS from the first byte as TLS.
            auth_required=login and tls == "starttls",
            auth_require_tls=tls == "starttls",
            authenticator=recorder.authenticate if login else None,
        )
        server.recorder = recorder
        return server

    server = await loop.create_server(protocol, "127.0.0.1", 0, ssl=context if tls == "tls" else None)
    recorder.port = server.sockets[0].getsockname()[1]
    try:
        yield recorder
    finally:
        server.close()
        await recorder.hang_up()


class _Counted(SMTP):
    """An aiosmtpd connection that knows its number."""

    recorder: Recorder
    number = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not self.number:
            self.recorder.connections += 1
            self.number = self.recorder.connections
        self.recorder.live.add(self)
        self.recorder.most_at_once = max(self.recorder.most_at_once, len(self.recorder.live))
        super().connection_made(transport)

    def abort(self) -> None:
        """Drop the connection."""
        # Python 3.11.2 cannot abort a TLS transport that was closed twice.
        if self.transport is not None and not self.transport.is_closing():
            cast(asyncio.WriteTransport, self.transport).abort()

    def connection_lost(self, error: Exception | None) -> None:
        self.recorder.live.discard(self)
        super().connection_lost(error)


def _tls_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE, KEYS / "localhost.key.pem")
    return context


USUAL = {
    "GREETING": "220 mx.example.org ESMTP",
    "EHLO": "250-mx.example.org\r\n250-PIPELINING\r\n250-SIZE 1000000\r\n250 8BITMIME",
    "LHLO": "250-mx.example.org\r\n250-PIPELINING\r\n250 8BITMIME",
    "HELO": "250 mx.example.org",
    "MAIL": "250 2.1.0 sender ok",
    "RCPT": "250 2.1.5 recipient ok",
    "DATA": "354 go on",
    "EARLY": "503 5.5.1 out of order",
    "DOT": "250 2.0.0 queued as 1",
    "RSET": "250 2.0.0 reset",
    "NOOP": "250 2.0.0 ok",
    "QUIT": "221 2.0.0 bye",
}
#: Commands that came before their time, by the last that was taken: a server refuses those itself.
_ORDER = {
    (step, stage): "EARLY"
    for step, before in {"RCPT": {"MAIL"}, "DATA": {"RCPT"}}.items()
    for stage in {"", "EHLO", "LHLO", "HELO", "RSET", "DATA", "MAIL"} - before
}


@dataclass
class Script:
    """A server that answers each command as it is told: one reply, or several used in turn.

    The last of several is used again. A reply holds no final line break; DROP closes, STALL is silence.
    """

    replies: dict[str, str | list[str]]
    port: int = 0
    connections: int = 0
    commands: list[str] = field(default_factory=list)
    #: Messages whose final dot arrived.
    arrived: list[bytes] = field(default_factory=list)

    def reply(self, step: str) -> str:
        """The next reply for a step."""
        told = self.replies.get(step, USUAL.get(step, "502 5.5.1 unknown command"))
        if isinstance(told, str):
            return told
        return told.pop(0) if len(told) > 1 else told[0]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Hold one conversation."""
        stage = ""
        self.connections += 1
        if not await self._answer("GREETING", writer, reader):
            return
        while line := await reader.readline():
            text = line.decode().rstrip("\r\n")
            self.commands.append(text)
            step = text.split(" ")[0].upper()
            reply = await self._answer(_ORDER.get((step, stage), step), writer, reader)
            if not reply or step == "QUIT":
                return
            stage = step if reply.startswith("2") or step == "DATA" else stage
            if reply.startswith("354"):
                self.arrived.append(await reader.readuntil(b"\r\n.\r\n"))
                if not await self._answer("DOT", writer, reader):
                    return

    async def _answer(self, step: str, writer: asyncio.StreamWriter, reader: asyncio.StreamReader) -> str:
        """Send the reply of a step; "" when the connection is to be closed."""
        reply = self.reply(step)
        if reply == STALL:
            await asyncio.Event().wait()
        if reply == HALF_CLOSE and not writer.can_write_eof():
            reply = DROP  # TLS knows no line that is closed by half
        if reply == HALF_CLOSE:
            writer.write_eof()
        if reply in {LATE, HALF_CLOSE}:
            while await reader.read(65_536):
                pass
            writer.write(b"250 2.0.0 too late\r\n")
        if reply in {DROP, LATE, HALF_CLOSE}:
            return ""
        line = reply.removeprefix(TRICKLE).encode("utf-8", "surrogateescape") + b"\r\n"
        size = 1 if reply.startswith(TRICKLE) else len(line)
        for start in range(0, len(line), size):
            writer.write(line[start : start + size])
            await writer.drain()
            await asyncio.sleep(0)
        reply = reply.removeprefix(TRICKLE)
        return "" if reply.startswith("421") else reply


@asynccontextmanager
async def scripted_server(**replies: str | list[str]) -> AsyncIterator[Script]:
    """A running server with these replies by step: GREETING, EHLO, MAIL, RCPT, DATA, DOT, RSET, …"""
    async with _running(Script(replies=dict(replies)), path="") as script:
        yield script


@asynccontextmanager
async def encrypted_server(**replies: str | list[str]) -> AsyncIterator[Script]:
    """The same with TLS from the first byte."""
    async with _running(Script(replies=dict(replies)), path="", tls=True) as script:
        yield script


@asynccontextmanager
async def scripted_socket(path: str) -> AsyncIterator[Script]:
    """A running server with the usual replies at a socket of this machine."""
    async with _running(Script(replies={}), path=path) as script:
        yield script


@asynccontextmanager
async def _running(script: Script, *, path: str, tls: bool = False) -> AsyncIterator[Script]:
    talks: set[asyncio.Task[None]] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        talks.add(task)
        try:
            await script.serve(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            talks.discard(task)

    if path:
        server = await asyncio.start_unix_server(talk, path)
    else:
        server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=_tls_context() if tls else None)
        script.port = server.sockets[0].getsockname()[1]
    try:
        yield script
    finally:
        server.close()
        for task in tuple(talks):
            task.cancel()
        await asyncio.gather(*talks, return_exceptions=True)


def smtp_sink_program() -> str:
    """Postfix's smtp-sink; the test is skipped without one, or fails where REQUIRE_POSTFIX=1."""
    found = shutil.which("smtp-sink", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found is None:
        reason = "there is no smtp-sink on this machine (Debian: package postfix)"
        if os.environ.get("REQUIRE_POSTFIX") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@dataclass(frozen=True)
class Sink:
    """A running smtp-sink: where it listens, and the folder it puts mails into."""

    place: str
    folder: Path

    def bodies(self) -> list[bytes]:
        """What it got, from the Message-ID on, with Unix line ends."""
        files = self.folder.glob("mail.*")
        return sorted(b"Message-ID:" + file.read_bytes().partition(b"Message-ID:")[2] for file in files)


@asynccontextmanager
async def smtp_sink(*options: str) -> AsyncIterator[Sink]:
    """A running smtp-sink with these options."""
    program = smtp_sink_program()
    # Run as root, it becomes another user, who may not enter pytest's folder.
    folder = Path(tempfile.mkdtemp(prefix="digest-sink-"))
    folder.chmod(0o777)  # noqa: ASYNC240 (a test's own folder)
    user = ["-u", "nobody"] if os.geteuid() == 0 else []
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{free.getsockname()[1]}"
    dump = ["-d", str(folder / "mail.")]
    sink = await asyncio.create_subprocess_exec(program, *user, *options, *dump, place, "100")
    try:
        await _listens(place)
        yield Sink(place, folder)
    finally:
        sink.terminate()
        await sink.wait()
        shutil.rmtree(folder)


async def _listens(place: str) -> None:
    """Come back when a connection is taken; a new process needs a moment."""
    host, _, port = place.partition(":")
    async with asyncio.timeout(20):
        while True:
            try:
                _reader, writer = await asyncio.open_connection(host, int(port))
            except OSError:
                await asyncio.sleep(0.02)
            else:
                writer.close()
                return
