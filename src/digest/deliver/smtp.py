"""One SMTP connection: what is said on it for a message, so that it is always known which step failed."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple, cast

import aiosmtplib

from digest.deliver.addresses import wire_address
from digest.deliver.envelope import Envelope, Intent
from digest.deliver.faults import said
from digest.deliver.replies import meaning, one_line, words
from digest.deliver.wire import Asked, Reply, Wire, WireError
from digest.domain import Outcome, OutcomeKind
from digest.errors import AddressError, DigestError, TransportError, UsageError

#: What comes of a line that breaks; a time-out is an OSError.
_DEAD = (WireError, OSError)
_CLOSING, _GO_ON = 421, 354
_DOT = b".\r\n"
#: Saying good-bye is a courtesy.
_QUIT_SECONDS = 5.0
#: What `check` names of the server's abilities.
_WORTH_NAMING = ("pipelining", "size", "8bitmime", "smtputf8", "dsn")
#: RFC 3461 §4.4.
_MAX_ENVELOPE_ID = 100
_NO_XTEXT = re.compile(r"[^!-*,-<>-~]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Where a mail server is and how to log in; `user` may be empty."""

    host: str
    port: int
    #: The path of a socket in this machine, in place of host and port.
    socket: str = ""
    #: LMTP (RFC 2033), which is spoken to what keeps mailboxes.
    is_lmtp: bool = False
    #: Ask for bounces that hold the headers alone and name our envelope (RFC 3461), where that is offered.
    asks_for_dsn: bool = False
    #: "" for none, "tls" from the first byte, "starttls" before anything else; never optional.
    encryption: str = ""
    user: str = ""
    password: str = field(default="", repr=False)
    reply_seconds: float
    dot_seconds: float

    @property
    def place(self) -> str:
        """Host and port as a person writes them, or the path."""
        if self.socket:
            return self.socket
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


#: What leads up to a message, each command with the class of reply that lets it go on.
Commands = tuple[tuple[bytes, int], ...]
#: Told what is owed for the commands of a message that comes next on the line.
Told = Callable[[Asked], None]
_Following = Callable[[], tuple[Commands, Told] | None]


class Opened(NamedTuple):
    """The commands of a message that left before its turn, and what was said to them."""

    commands: Commands
    asked: Asked


class Line:
    """An open connection, greeted, encrypted and logged in as its account says."""

    def __init__(self, client: aiosmtplib.SMTP, account: Account) -> None:
        """`dial` makes them; nobody else speaks on the client's connection from now on."""
        self._account = account
        self._able = frozenset(client.esmtp_extensions)
        if client.transport is None:
            raise TransportError(f"{account.place}: the server hung up")
        # Not every loop's transports are of asyncio's classes.
        transport = cast(asyncio.Transport, client.transport)
        secured = transport.get_extra_info("ssl_object")
        self._tls = secured.version().replace("TLSv", "TLS ") if secured else "no TLS"
        self._wire = Wire(transport, pipelining="pipelining" in self._able)
        #: Messages offered so far.
        self.messages = 0

    @property
    def is_open(self) -> bool:
        """False once either side closed it."""
        return self._wire.is_open

    async def send(
        self,
        envelope: Envelope,
        intent: Intent,
        *,
        opened: Opened | None = None,
        following: _Following = lambda: None,
    ) -> Outcome | None:
        """What the server said; the line is closed after anything but an ordinary reply.

        DEFERRED when the connection broke before the final dot, UNCERTAIN when it broke after it. None, and
        nothing of the message was offered, when a line that carried some before takes no more or is no more.
        `following` is asked just before the dot: the commands of the message that comes next leave with it
        (RFC 2920 §3.1), and whoever sends that one gives them as `opened`.
        """
        self.messages += 1
        try:
            return await self._send(envelope, intent, opened, following)
        except BaseException:
            self.close()
            raise

    @property
    def has_timed_out(self) -> bool:
        """True when it was given up for the server's silence."""
        return self._wire.has_timed_out

    @property
    def may_be_followed(self) -> bool:
        """True when the server takes a message's commands together with the dot of the one before."""
        return self._wire.pipelining

    async def quit(self) -> None:
        """Leave politely, in a few seconds at most."""
        try:
            seconds = min(_QUIT_SECONDS, self._account.reply_seconds)
            await self._wire.exchange([(b"QUIT\r\n", 2)], seconds=seconds)
        except _DEAD:
            return
        finally:
            self.close()

    def close(self) -> None:
        """Leave at once; what is still to be written is dropped."""
        self._wire.close()

    def describe(self) -> str:
        """Place, encryption, login and the abilities that matter."""
        login = "login ok" if self._account.user else "no login"
        able = [name.upper() for name in _WORTH_NAMING if name in self._able]
        return f"{self._account.place} {self._tls}, {login}, {' '.join(able) or 'no extensions'}"

    async def _send(
        self,
        envelope: Envelope,
        intent: Intent,
        opened: Opened | None,
        following: _Following,
    ) -> Outcome | None:
        try:
            commands = opened.commands if opened else self.commands(envelope)
        except DigestError as exc:
            return Outcome(key=envelope.key, kind=OutcomeKind.FAILED, reply=exc.what)
        seconds = self._account.reply_seconds
        try:
            replies = opened.asked.replies if opened else await self._said_to(commands)
            if not replies or (replies[0].code == _CLOSING and self.messages > 1):
                self.close()
                return None
            for (command, positive), reply in zip(commands, replies, strict=False):
                if reply.code // 100 != positive:
                    return await self._refused(envelope.key, command, reply, replies)
            await self._wire.push(stuffed(envelope), seconds=seconds)
        except _DEAD as exc:
            return self._broken(envelope.key, OutcomeKind.DEFERRED, "before the final dot", exc)
        await intent()
        return await self._finish(envelope.key, following)

    async def _said_to(self, commands: Commands) -> list[Reply]:
        """The replies to a message's commands; [] when the line broke and had carried a message before.

        Servers hang up on a line that they think too old or too idle, and not all of them say 421 first.
        """
        try:
            return await self._wire.exchange(commands, seconds=self._account.reply_seconds)
        except WireError:
            if self.messages == 1:
                raise
            return []

    def commands(self, envelope: Envelope) -> Commands:
        """What leads up to the message; DigestError when this server can never take it."""
        sender = envelope.sender and wire_address(envelope.sender)
        recipient = wire_address(envelope.recipient)
        if not (envelope.is_ready or is_canonical(envelope.data)):
            raise UsageError("the message has a bare CR, LF or NUL")
        options = f" SIZE={envelope.size}" if "size" in self._able else ""
        is_ascii = envelope.is_ascii or envelope.data.isascii()
        if not (is_ascii and sender.isascii() and recipient.isascii()):
            if "smtputf8" not in self._able:
                raise AddressError("the address needs SMTPUTF8, which the mail server lacks")
            options += " BODY=8BITMIME SMTPUTF8"
        notify = ""
        if self._account.asks_for_dsn and "dsn" in self._able:
            options += f" RET=HDRS{_envelope_id(envelope.envelope_id)}"
            notify = " NOTIFY=FAILURE"
        return (
            (f"MAIL FROM:<{sender}>{options}\r\n".encode(), 2),
            (f"RCPT TO:<{recipient}>{notify}\r\n".encode(), 2),
            (b"DATA\r\n", 3),
        )

    async def _refused(self, key: int, command: bytes, reply: Reply, replies: list[Reply]) -> Outcome:
        """The refusal as an outcome, and the line made ready for the next message."""
        said = words(reply.code, reply.text)
        kind = meaning(reply.code)
        if kind not in {OutcomeKind.DEFERRED, OutcomeKind.FAILED}:
            self.close()
            return Outcome(
                key=key,
                kind=OutcomeKind.DEFERRED,
                reply=f"unexpected reply to {command[:4].decode()}: {said}",
            )
        # A server that asks for a message to nobody (RFC 2920 §3.1) would take a reset for the message.
        if reply.code == _CLOSING or replies[-1].code == _GO_ON:
            self.close()
        if self.is_open:
            await self._reset()
        return Outcome(key=key, kind=kind, reply=said)

    async def _reset(self) -> None:
        try:
            (reply,) = await self._wire.exchange([(b"RSET\r\n", 2)], seconds=self._account.reply_seconds)
        except _DEAD:
            self.close()
            return
        if reply.code // 100 != 2:
            self.close()

    async def _finish(self, key: int, following: _Following) -> Outcome:
        """Send the final dot and wait for what becomes of the message (RFC 5321 §4.5.3.2.6)."""
        if not self.is_open:
            dead = ConnectionError("Connection lost")
            return self._broken(key, OutcomeKind.DEFERRED, "before the final dot", dead)
        try:
            (reply,) = await self._wire.answer(self._dot(following()))
        except _DEAD as exc:
            return self._broken(key, OutcomeKind.UNCERTAIN, "after the final dot", exc)
        kind = meaning(reply.code)
        if kind is None or reply.code == _CLOSING:
            self.close()
        return Outcome(key=key, kind=kind or OutcomeKind.UNCERTAIN, reply=words(reply.code, reply.text))

    def _dot(self, next_one: tuple[Commands, Told] | None) -> Asked:
        """Write the final dot, and with it the commands of the message that comes next, if one does."""
        dot = (1, self._account.dot_seconds)
        if next_one is None:
            return self._wire.ask(_DOT, dot)[0]
        commands, told = next_one
        lines = b"".join([command for command, _ in commands])
        asked, then = self._wire.ask(_DOT + lines, dot, (len(commands), self._account.reply_seconds))
        told(then)
        return asked

    def _broken(self, key: int, kind: OutcomeKind, when: str, exc: Exception) -> Outcome:
        self.close()
        return Outcome(key=key, kind=kind, reply=one_line(f"{when}: {said(exc)}"))


def _envelope_id(text: str) -> str:
    """The parameter by which a bounce finds its message, in xtext (RFC 3461 §4); "" for none."""
    plain = _NO_XTEXT.sub(lambda char: f"+{ord(char[0]):02X}", text.strip("<>"))
    return f" ENVID={plain}" if plain and text.isascii() and len(plain) <= _MAX_ENVELOPE_ID else ""


def is_canonical(data: bytes) -> bool:
    """True when CR and LF only come as CRLF, the last line is whole and there is no NUL.

    Anything else lets a message end early at a lenient server (SMTP smuggling, CVE-2023-51764).
    """
    breaks = data.count(b"\r\n")
    whole = data.endswith(b"\r\n") and data.count(b"\r") == breaks == data.count(b"\n")
    return whole and b"\0" not in data


def stuffed(envelope: Envelope) -> tuple[bytes, ...]:
    """The message's blocks with the dots that begin a line doubled (RFC 5321 §4.5.2)."""
    if envelope.is_ready:
        return envelope.blocks
    stuffed = envelope.data.replace(b"\r\n.", b"\r\n..")
    return (b".", stuffed) if stuffed.startswith(b".") else (stuffed,)
