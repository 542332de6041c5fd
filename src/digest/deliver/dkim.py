"""DKIM signatures (RFC 6376, 8301, 8463): RSA-2048 and Ed25519 together, relaxed/simple."""

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric import ed25519

from digest.deliver.eights import KeySigner
from digest.deliver.keys import Keyring, opened

#: Signed when they are there, and once more than they are there, so that none can be added (§5.4).
_OVERSIGNED = (
    "from",
    "to",
    "subject",
    "date",
    "reply-to",
    "list-id",
    "list-unsubscribe",
    "list-unsubscribe-post",
    "list-help",
    "list-owner",
    "list-archive",
    "list-post",
    "feedback-id",
)
_SIGNED = ("message-id", "mime-version", "content-type", "precedence", "auto-submitted")
_BLANKS = re.compile(rb"[ \t]+")
_FIELD_NAME = re.compile(rb"([!-9;-~]+)[ \t]*")
_B_LINE = 72
_NO_MESSAGE = "the message has no end of its headers"


@dataclass(frozen=True, slots=True)
class _Key:
    """One key: the names of its algorithm and its selector, and what signs hashes with it."""

    algorithm: str
    selector: str
    signer: KeySigner


class _Prepared(NamedTuple):
    """What of a message is signed: the names in h=, those headers as they are signed, and the body's hash."""

    names: tuple[str, ...]
    headers: bytes
    body_hash: bytes


class Signer:
    """Signs messages for one domain."""

    def __init__(self, keyring: Keyring) -> None:
        """With each key of it."""
        self._domain = keyring.domain
        self._keys = [_open_key(selector, pem) for selector, pem in keyring.keys]

    def describe(self) -> str:
        """The selectors and the domain, for people, and whether many go fast here."""
        fast = ", eight at a time" if any(key.signer.is_fast for key in self._keys) else ""
        return f"DKIM {' and '.join(key.selector for key in self._keys)} of {self._domain}{fast}"

    def sign(self, messages: Sequence[Sequence[bytes]]) -> list[bytes | str]:
        """For each message a header for each key, to stand before it; words for what is no message.

        A message is blocks: exactly what is sent, before dots are doubled. Equal ones get equal signatures.
        """
        prepared = [_prepared(blocks) for blocks in messages]
        sound = [one for one in prepared if one is not None]
        headers = zip(*[self._headers(key, sound) for key in self._keys], strict=True)
        return [_NO_MESSAGE if one is None else b"".join(next(headers)) for one in prepared]

    def _headers(self, key: _Key, prepared: Sequence[_Prepared]) -> list[bytes]:
        """The header of one key for each."""
        starts = [_start(key.algorithm, key.selector, self._domain, one.names) for one in prepared]
        values = key.signer.sign(
            [
                hashlib.sha256(b"".join((one.headers, unsigned, one.body_hash, b"; b="))).digest()
                for one, (_, unsigned) in zip(prepared, starts, strict=True)
            ]
        )
        return [
            b"".join((start, one.body_hash, b";\r\n b=", _cut(value), b"\r\n"))
            for one, (start, _), value in zip(prepared, starts, values, strict=True)
        ]


def _cut(signature: bytes) -> bytes:
    """The value of b=, in lines that stay under 78."""
    value = base64.b64encode(signature)
    return b"\r\n ".join([value[at : at + _B_LINE] for at in range(0, len(value), _B_LINE)])


def _prepared(blocks: Sequence[bytes]) -> _Prepared | None:
    """What is to be signed; None for what has no end of its headers."""
    end = blocks[0].find(b"\r\n\r\n")
    if end < 0:
        blocks = (b"".join(blocks),)
        end = blocks[0].find(b"\r\n\r\n")
    if end < 0:
        return None
    head = blocks[0][:end].replace(b"\r\n ", b" ")
    if b"\t" in head:
        head = head.replace(b"\r\n\t", b"\t")
    fields = [_canonical(line) for line in head.split(b"\r\n")]
    names, order = _plan(tuple([name for name, _ in fields]))
    headers = b"".join([fields[at][1] for at in order])
    return _Prepared(names, headers, base64.b64encode(_hash_of(blocks, end + 4)))


# The messages of an issue differ in three headers: for the others this has been done before.
@lru_cache(maxsize=1024)
def _canonical(line: bytes) -> tuple[str, bytes]:
    """The name of an unfolded header in small letters, and the header as it is signed; else ("", b"")."""
    before, _, value = line.partition(b":")
    name, start = _name(before)
    if not name or b"\r" in value or b"\n" in value:
        return "", b""
    return name, start + _narrow(value) + b"\r\n"


@lru_cache(maxsize=64)
def _name(before: bytes) -> tuple[str, bytes]:
    """The name, of what stands before a header's colon, and how it is signed; both empty for what is none."""
    found = _FIELD_NAME.fullmatch(before)
    return (found[1].decode().lower(), found[1].lower() + b":") if found else ("", b"")


# The messages of an issue have the same headers.
@lru_cache(maxsize=64)
def _plan(there: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """The value of h= for a message with these headers, and the places of those to sign, in their order."""
    places: dict[str, list[int]] = {}
    for at, name in enumerate(there):
        places.setdefault(name, []).append(at)
    names = [name for name in _SIGNED if name in places]
    names += [name for name in _OVERSIGNED for _ in range(len(places.get(name, ())) + 1)]
    # The last of several is signed first (§5.4.2).
    return tuple(names), tuple([places[name].pop() for name in names if places.get(name)])


@lru_cache(maxsize=64)
def _start(algorithm: str, selector: str, domain: str, names: tuple[str, ...]) -> tuple[bytes, bytes]:
    """All of a signature before its body hash: as it is sent, and as it is signed."""
    start = (
        f"v=1; a={algorithm}; c=relaxed/simple; d={domain};\r\n s={selector};\r\n h={_folded(names)};\r\n bh="
    ).encode()
    return b"DKIM-Signature: " + start, relaxed(b"DKIM-Signature", b" " + start).removesuffix(b"\r\n")


def _hash_of(blocks: Sequence[bytes], start: int) -> bytes:
    """The hash of the body that begins there in the first block, as `simple` has it."""
    body = blocks[0][start:]
    last = blocks[-1] if len(blocks) > 1 else body
    if len(last) < 4 or not last.endswith(b"\r\n") or last.endswith(b"\r\n\r\n"):
        return _begun(simple(b"".join((body, *blocks[1:])))).digest()
    # Up to the first value of the reader's own all messages of an issue are the same.
    found = _begun(body, *blocks[1:2]).copy()
    for block in blocks[2:]:
        found.update(block)
    return found.digest()


@lru_cache(maxsize=16)
def _begun(*blocks: bytes) -> "hashlib._Hash":
    """A hash of these, to be copied."""
    return hashlib.sha256(b"".join(blocks))


def relaxed(name: bytes, value: bytes) -> bytes:
    """One header as it is signed (RFC 6376 §3.4.2)."""
    return name.lower() + b":" + _narrow(value.replace(b"\r\n", b"")) + b"\r\n"


def _narrow(value: bytes) -> bytes:
    """One line with one blank where there are several, and none at its ends."""
    if b"\t" in value or b"  " in value:
        value = _BLANKS.sub(b" ", value)
    return value.strip(b" ")


def simple(body: bytes) -> bytes:
    """The body as it is signed: with one line break at its end (RFC 6376 §3.4.3)."""
    while body.endswith(b"\r\n\r\n"):
        body = body[:-2]
    return body if body.endswith(b"\r\n") else body + b"\r\n"


def _folded(names: tuple[str, ...]) -> str:
    """The names with colons between them, in lines that stay under 78."""
    lines = [""]
    for number, name in enumerate(names):
        piece = name if number + 1 == len(names) else f"{name}:"
        if len(lines[-1]) + len(piece) > _B_LINE:
            lines.append("")
        lines[-1] += piece
    return "\r\n ".join(lines)


def _open_key(selector: str, pem: bytes) -> _Key:
    key = opened(pem)
    # With Ed25519, too, it is the hash that is signed (RFC 8463 §3).
    algorithm = "ed25519-sha256" if isinstance(key, ed25519.Ed25519PrivateKey) else "rsa-sha256"
    return _Key(algorithm, selector, KeySigner(key))
