"""One SMTP connection: what is said on it for a message, so that it is always known which step failed."""

import asyncio
import os
import re
import socket
import ssl
from dataclasses import dataclass, field

import aiosmtplib

from digest.deliver.addresses import wire_address
from digest.deliver.envelope import Envelope, Intent
from digest.deliver.replies import meaning, one_line, words
from digest.deliver.wire import Reply, Wire, WireError
from digest.domain import Outcome, OutcomeKind
from digest.errors import AddressError, DigestError, TransportError, UsageError

#: What aiosmtplib raises; a certificate that is not trusted is an OSError, a mangled challenge a ValueError.
_BROKEN = (aiosmtplib.SMTPException, OSError, ValueError)
#: What comes of a line after that; a time-out is an OSError.
_DEAD = (WireError, OSError)
_CLOSING, _GO_ON = 421, 354
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


class Line:
    """An open connection, greeted, encrypted and logged in as its account says."""

    def __init__(self, client: aiosmtplib.SMTP, account: Account) -> None:
        """`dial` makes them; nobody else speaks on the client's connection from now on."""
        self._account = account
        self._able = frozenset(client.esmtp_extensions)
        transport = client.transport
        if not isinstance(transport, asyncio.Transport):
            raise TransportError(f"{account.place}: the server hung up")
        secured = transport.get_extra_info("ssl_object")
        self._tls = secured.version().replace("TLSv", "TLS ") if secured else "no TLS"
        self._wire = Wire(transport, pipelining="pipelining" in self._able)
        #: Messages offered so far.
        self.messages = 0

    @property
    def is_open(self) -> bool:
        """False once either side closed it."""
        return self._wire.is_open

    async def send(self, envelope: Envelope, intent: Intent) -> Outcome:
        """What the server said; the line is closed after anything but an ordinary reply.

        DEFERRED when the connection broke before the final dot, UNCERTAIN when it broke after it.
        """
        self.messages += 1
        try:
            return await self._send(envelope, intent)
        except BaseException:
            self.close()
            raise

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

    async def _send(self, envelope: Envelope, intent: Intent) -> Outcome:
        try:
            commands = self._commands(envelope)
        except DigestError as exc:
            return Outcome(key=envelope.key, kind=OutcomeKind.FAILED, reply=exc.what)
        seconds = self._account.reply_seconds
        try:
            replies = await self._wire.exchange(commands, seconds=seconds)
            for (command, positive), reply in zip(commands, replies, strict=False):
                if reply.code // 100 != positive:
                    return await self._refused(envelope.key, command, reply, replies)
            await self._wire.push(stuffed(envelope), seconds=seconds)
        except _DEAD as exc:
            return self._broken(envelope.key, OutcomeKind.DEFERRED, "before the final dot", exc)
        await intent()
        return await self._finish(envelope.key)

    def _commands(self, envelope: Envelope) -> tuple[tuple[bytes, int], ...]:
        """What leads up to the message, each with the class of reply that lets it go on.

        DigestError when this server can never take the message.
        """
        sender = envelope.sender and wire_address(envelope.sender)
        recipient = wire_address(envelope.recipient)
        if not (envelope.is_ready or is_canonical(envelope.data)):
            raise UsageError("the message has a bare CR, LF or NUL")
        options = f" SIZE={len(envelope.data)}" if "size" in self._able else ""
        if not (sender.isascii() and recipient.isascii() and envelope.data.isascii()):
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

    async def _finish(self, key: int) -> Outcome:
        """Send the final dot and wait for what becomes of the message (RFC 5321 §4.5.3.2.6)."""
        if not self.is_open:
            dead = ConnectionError("Connection lost")
            return self._broken(key, OutcomeKind.DEFERRED, "before the final dot", dead)
        try:
            reply = await self._wire.finish(b".\r\n", seconds=self._account.dot_seconds)
        except _DEAD as exc:
            return self._broken(key, OutcomeKind.UNCERTAIN, "after the final dot", exc)
        kind = meaning(reply.code)
        if kind is None or reply.code == _CLOSING:
            self.close()
        return Outcome(key=key, kind=kind or OutcomeKind.UNCERTAIN, reply=words(reply.code, reply.text))

    def _broken(self, key: int, kind: OutcomeKind, when: str, exc: Exception) -> Outcome:
        self.close()
        return Outcome(key=key, kind=kind, reply=one_line(f"{when}: {_said(exc)}"))


async def dial(account: Account, *, tls: ssl.SSLContext | None, own_name: str) -> Line:
    """A new line; TransportError, permanent where trying again cannot help, when there is none."""
    client = aiosmtplib.SMTP(
        hostname=None if account.socket else account.host,
        port=None if account.socket else account.port,
        socket_path=account.socket or None,
        username=account.user or None,
        password=account.password if account.user else None,
        local_hostname=own_name,
        timeout=account.reply_seconds,
        use_tls=account.encryption == "tls",
        start_tls=account.encryption == "starttls",
        tls_context=tls,
    )
    try:
        await client.connect()
        if client.is_ehlo_or_helo_needed:
            await _greet(client, own_name=own_name, is_lmtp=account.is_lmtp)
    except _BROKEN as exc:
        client.close()
        raise _unreachable(account, exc) from exc
    except BaseException:
        client.close()
        raise
    return Line(client, account)


async def _greet(client: aiosmtplib.SMTP, *, own_name: str, is_lmtp: bool) -> None:
    """LHLO for LMTP; else EHLO, or HELO for a server that is older than that."""
    if is_lmtp:
        response = await client.execute_command(b"LHLO", own_name.encode())
        if response.code != aiosmtplib.SMTPStatus.completed:
            raise aiosmtplib.SMTPHeloError(response.code, response.message)
        client.last_ehlo_response = response
        return
    try:
        await client.ehlo()
    except aiosmtplib.SMTPHeloError as exc:
        if exc.code // 100 != 5 or not client.is_connected:
            raise
        await client.helo()


def _envelope_id(text: str) -> str:
    """The parameter by which a bounce finds its message, in xtext (RFC 3461 §4); "" for none."""
    plain = _NO_XTEXT.sub(lambda char: f"+{ord(char[0]):02X}", text.strip("<>"))
    return f" ENVID={plain}" if plain and text.isascii() and len(plain) <= _MAX_ENVELOPE_ID else ""


def _unreachable(account: Account, exc: Exception) -> TransportError:
    cause = exc.__cause__ if isinstance(exc, aiosmtplib.SMTPConnectError) and exc.__cause__ else exc
    place = account.place
    if isinstance(cause, ssl.SSLCertVerificationError):
        return TransportError(
            f"{place}: its certificate is not trusted: {cause.verify_message}",
            hint="name the server as its certificate does; SSL_CERT_FILE adds an authority of your own",
            is_permanent=True,
        )
    if isinstance(exc, aiosmtplib.SMTPAuthenticationError):
        said = words(exc.code, exc.message)
        return TransportError(
            f"{place}: login refused: {said}", hint="check user and password", is_permanent=exc.code >= 500
        )
    if "STARTTLS extension not supported" in str(exc):
        return TransportError(
            f"{place}: offers no STARTTLS", hint="smtps:// is TLS from the first byte", is_permanent=True
        )
    return TransportError(one_line(f"{place}: {_said(cause)}"), hint="is smtp.url right, and the server up?")


def _said(exc: BaseException) -> str:
    """What went wrong in words, without the arguments that Python's exceptions carry."""
    if isinstance(exc, aiosmtplib.SMTPResponseException):
        return words(exc.code, exc.message) if exc.code > 0 else exc.message
    if isinstance(exc, ConnectionError | TimeoutError) and not str(exc):
        return "no answer in time" if isinstance(exc, TimeoutError) else "the server hung up"
    if isinstance(exc, ssl.SSLError):
        return f"TLS failed: {(exc.reason or 'handshake').lower().replace('_', ' ')}"
    if isinstance(exc, socket.gaierror):
        return f"no such host ({exc.strerror})"
    # With several addresses asyncio has only a text that lists the numbers.
    number = exc.errno if isinstance(exc, OSError) else None
    found = re.search(r"\[Errno (\d+)\]", str(exc))
    if number or found:
        return os.strerror(number or int(found[1] if found else 0))
    return str(exc) or type(exc).__name__


def is_canonical(data: bytes) -> bool:
    """True when CR and LF only come as CRLF, the last line is whole and there is no NUL.

    Anything else lets a message end early at a lenient server (SMTP smuggling, CVE-2023-51764).
    """
    breaks = data.count(b"\r\n")
    whole = data.endswith(b"\r\n") and data.count(b"\r") == breaks == data.count(b"\n")
    return whole and b"\0" not in data


def stuffed(envelope: Envelope) -> bytes:
    """The message with the dots that begin a line doubled (RFC 5321 §4.5.2)."""
    if envelope.is_ready:
        return envelope.data
    stuffed = envelope.data.replace(b"\r\n.", b"\r\n..")
    return b"." + stuffed if stuffed.startswith(b".") else stuffed
