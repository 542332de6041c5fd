"""The ways out by URL scheme, and what their URLs must look like."""

import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from digest.config import SmtpSettings
from digest.deliver.envelope import Transport
from digest.deliver.keys import read_keyring
from digest.deliver.outbox import Outbox
from digest.deliver.pool import relay
from digest.deliver.signers import Signers
from digest.deliver.signing import Signing
from digest.deliver.smtp import Account
from digest.errors import ConfigError

_SHAPE = (
    "it looks like smtps://user:password@relay.example.org:465; "
    "in a password, write / ? # @ : as %2F %3F %23 %40 %3A"
)


def open_transport(
    settings: SmtpSettings, *, place: str = "smtp.url"
) -> AbstractAsyncContextManager[Transport]:
    """The transport of `smtp.url`, closed at the end; nothing is connected before the first message.

    Messages are signed when `smtp.dkim` is set. ConfigError when the URL is of no known scheme or cannot be
    used, or a key cannot; it names `place` as the setting at fault, and never shows the password.
    """
    scheme, found, _ = settings.url.get_secret_value().partition("://")
    opener = _SCHEMES.get(scheme.lower()) if found else None
    if opener is None:
        named = f' "{scheme}"' if found and re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*", scheme) else ""
        raise ConfigError(
            f"{place}: no such transport{named}", hint=f"there are {', '.join(f'{s}://' for s in _SCHEMES)}"
        )
    if settings.dkim is None:
        return opener(settings, place)
    return _signing(opener(settings, place), Signers(read_keyring(settings.dkim), processes=1))


@asynccontextmanager
async def _signing(way: AbstractAsyncContextManager[Transport], signers: Signers) -> AsyncIterator[Transport]:
    async with aclosing(signers), way as transport:
        yield Signing(transport, signers)


@asynccontextmanager
async def _outbox(settings: SmtpSettings, place: str) -> AsyncIterator[Transport]:
    folder = settings.url.get_secret_value().partition("://")[2]
    if not folder or "\0" in folder:
        raise ConfigError(f"{place}: names no folder", hint="it looks like file://outbox")
    yield Outbox(Path(folder))


#: Opens the transport of settings, of which the text names the one with the URL.
_Opener = Callable[[SmtpSettings, str], AbstractAsyncContextManager[Transport]]


def _server(port: int, encryption: str) -> _Opener:
    """An opener for mail servers with this usual port."""

    def opener(settings: SmtpSettings, place: str) -> AbstractAsyncContextManager[Transport]:
        account = read_account(settings, port, encryption, place=place)
        return relay(
            account, connections=settings.connections, messages_a_line=settings.messages_per_connection
        )

    return opener


def _lmtp(settings: SmtpSettings, place: str) -> AbstractAsyncContextManager[Transport]:
    """What keeps mailboxes, beside us or on a path of this machine: `lmtp:///run/dovecot/lmtp`."""
    url = settings.url.get_secret_value()
    path = url.partition("://")[2]
    if path.startswith("/"):
        if settings.password_file is not None or "\0" in path or path == "/":
            raise ConfigError(f"{place} is more or less than a socket", hint="lmtp:///run/dovecot/lmtp")
        account = _account(settings, host="", port=0, socket=path, is_lmtp=True)
    else:
        account = replace(read_account(settings, 24, "", place=place), is_lmtp=True)
        if account.user:
            raise ConfigError(f"{place}: LMTP knows no login", hint="lmtp://HOST:24")
    return relay(account, connections=settings.connections, messages_a_line=settings.messages_per_connection)


def _account(settings: SmtpSettings, *, host: str, port: int, **more: Any) -> Account:
    return Account(
        host=host,
        port=port,
        asks_for_dsn=settings.dsn,
        reply_seconds=settings.timeout_seconds,
        dot_seconds=settings.dot_timeout_seconds,
        **more,
    )


_SCHEMES: dict[str, _Opener] = {
    "smtp": _server(25, ""),
    "smtps": _server(465, "tls"),
    "smtp+starttls": _server(587, "starttls"),
    "lmtp": _lmtp,
    "file": _outbox,
}


def read_account(
    settings: SmtpSettings, usual_port: int, encryption: str, *, place: str = "smtp.url"
) -> Account:
    """Where the URL leads; ConfigError when it cannot be read or would show a password to the network."""
    try:
        parts = urlsplit(settings.url.get_secret_value())
        host, port = parts.hostname or "", parts.port
        user, password = _unquoted(parts.username), _unquoted(parts.password)
    except ValueError as exc:
        raise ConfigError(f"{place} cannot be read", hint=_SHAPE) from exc
    if not host or _has_more(parts):
        raise ConfigError(f"{place} is more or less than a server", hint=_SHAPE)
    password = _password(settings, user, password, place)
    if password and not encryption and not _is_loopback(host):
        raise ConfigError(
            f"{place}: smtp:// would send the password in the clear", hint="use smtps:// or smtp+starttls://"
        )
    return _account(
        settings,
        host=host,
        port=usual_port if port is None else port,
        encryption=encryption,
        user=user,
        password=password,
    )


def _has_more(parts: SplitResult) -> bool:
    return parts.path not in {"", "/"} or bool(parts.query or parts.fragment)


def _unquoted(text: str | None) -> str:
    """Percent-decoded; ValueError for what is not UTF-8 or holds controls."""
    plain = unquote(text or "", errors="strict")
    if any(ord(char) < 32 or ord(char) == 127 for char in plain):
        raise ValueError
    return plain


def _password(settings: SmtpSettings, user: str, password: str, place: str) -> str:
    """The password from the URL or the first line of the password file; both or half is a ConfigError."""
    file = settings.password_file
    named = place.replace("url", "password_file")
    if file is not None:
        if password:
            raise ConfigError(f"a password stands in {place} and in {named}", hint="keep one")
        password = _first_line(file, named)
    if bool(user) != bool(password):
        missing = "password" if user else "user"
        raise ConfigError(f"{place}: the login has no {missing}", hint=_SHAPE)
    return password


def _first_line(file: Path, named: str) -> str:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as exc:
        raise ConfigError(f"{named}: {file} is not UTF-8") from exc
    except OSError as exc:
        raise ConfigError(f"{named}: {file}: {exc.strerror}") from exc
    if not lines or not lines[0]:
        raise ConfigError(f"{named}: {file} has no first line")
    return lines[0]


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
