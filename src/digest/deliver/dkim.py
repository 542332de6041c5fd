"""DKIM signatures (RFC 6376, 8301, 8463): RSA-2048 and Ed25519 together, relaxed/simple."""

import base64
import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

from digest.config import DkimSettings
from digest.errors import ConfigError, UsageError

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
#: RFC 8301 §3.2.
_LEAST_RSA_BITS = 1024
_RSA_BITS = 2048
_BLANKS = re.compile(rb"[ \t]+")
_FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:([^\r\n]*)")
#: For more the library lets go of Python's lock, and may wait long for it in a process that does much else.
_AT_ONCE = 2047
#: The value of b= in lines that stay under 78.
_B_LINE = 72
_Private = rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
_RSA_FILE, _ED25519_FILE = "dkim-rsa.pem", "dkim-ed25519.pem"


@dataclass(frozen=True, slots=True)
class _Key:
    """One key: the names of its algorithm and its selector, and what signs bytes."""

    algorithm: str
    selector: str
    sign: Callable[[bytes], bytes]


class Signer:
    """Signs messages for one domain."""

    def __init__(self, settings: DkimSettings) -> None:
        """ConfigError names the key file that cannot be used."""
        self._domain = settings.domain
        files = (settings.rsa_key, settings.ed25519_key)
        self._keys = [_open_key(file, settings.selector) for file in files if file is not None]
        if not self._keys:
            raise ConfigError(
                "smtp.dkim has no key", hint="set rsa_key or ed25519_key; digest dkim new makes both"
            )

    @property
    def names(self) -> str:
        """The selectors and the domain, for people."""
        return f"{' and '.join(key.selector for key in self._keys)} of {self._domain}"

    def sign(self, blocks: Sequence[bytes]) -> bytes:
        """A header for each key, to stand before the message; equal messages get equal signatures.

        The blocks are exactly what is sent, before dots are doubled. UsageError for what is no message.
        """
        end = blocks[0].find(b"\r\n\r\n")
        if end < 0:
            blocks = (b"".join(blocks),)
            end = blocks[0].find(b"\r\n\r\n")
        if end < 0:
            raise UsageError("the message has no end of its headers")
        lines = blocks[0][:end].replace(b"\r\n ", b" ").replace(b"\r\n\t", b"\t").split(b"\r\n")
        fields = [_canonical(line) for line in lines]
        names, order = _plan(tuple([name for name, _ in fields]))
        signed = b"".join([fields[at][1] for at in order])
        body_hash = base64.b64encode(_hash_of(blocks, end + 4))
        return b"".join([self._signature(key, names, signed, body_hash) for key in self._keys])

    def _signature(self, key: _Key, names: tuple[str, ...], signed: bytes, body_hash: bytes) -> bytes:
        start, unsigned = _start(key.algorithm, key.selector, self._domain, names)
        value = base64.b64encode(key.sign(b"".join((signed, unsigned, body_hash, b"; b="))))
        cut = b"\r\n ".join([value[at : at + _B_LINE] for at in range(0, len(value), _B_LINE)])
        return b"".join((start, body_hash, b";\r\n b=", cut, b"\r\n"))


# The messages of an issue differ in three headers: for the others this has been done before.
@lru_cache(maxsize=1024)
def _canonical(line: bytes) -> tuple[str, bytes]:
    """The name of an unfolded header in small letters, and the header as it is signed; else ("", b"")."""
    found = _FIELD.fullmatch(line)
    return (found[1].decode().lower(), relaxed(found[1], found[2])) if found else ("", b"")


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
        _add(found, block)
    return found.digest()


@lru_cache(maxsize=16)
def _begun(*blocks: bytes) -> "hashlib._Hash":
    """A hash of these, to be copied."""
    found = hashlib.sha256()
    for block in blocks:
        _add(found, block)
    return found


def _add(found: "hashlib._Hash", block: bytes) -> None:
    body = memoryview(block)
    for at in range(0, len(body), _AT_ONCE):
        found.update(body[at : at + _AT_ONCE])


def relaxed(name: bytes, value: bytes) -> bytes:
    """One header as it is signed (RFC 6376 §3.4.2)."""
    plain = value.replace(b"\r\n", b"")
    if b"  " in plain or b"\t" in plain:
        plain = _BLANKS.sub(b" ", plain)
    return name.lower() + b":" + plain.strip() + b"\r\n"


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


def _read_key(file: Path) -> _Private:
    try:
        key = serialization.load_pem_private_key(file.read_bytes(), password=None)
    except OSError as exc:
        raise ConfigError(f"smtp.dkim: {file}: {exc.strerror}", hint="digest dkim new makes keys") from exc
    except (ValueError, TypeError, UnsupportedAlgorithm) as exc:
        raise ConfigError(f"smtp.dkim: {file} is no private key without a password, in PEM") from exc
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size >= _LEAST_RSA_BITS:
        return key
    raise ConfigError(f"smtp.dkim: {file} is neither Ed25519 nor RSA of {_LEAST_RSA_BITS} bits or more")


def _open_key(file: Path, selector: str) -> _Key:
    key = _read_key(file)
    if isinstance(key, ed25519.Ed25519PrivateKey):
        # RFC 8463 §3: the hash is signed, not the message.
        ed = key
        return _Key(
            "ed25519-sha256", f"{selector}-ed25519", lambda data: ed.sign(hashlib.sha256(data).digest())
        )
    rsa_key = key
    scheme, digest = padding.PKCS1v15(), hashes.SHA256()
    return _Key("rsa-sha256", f"{selector}-rsa", lambda data: rsa_key.sign(data, scheme, digest))


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKeys:
    """Keys that were made: their files, and the TXT records that tell the world of them."""

    files: tuple[Path, ...]
    #: (name, value) of each record.
    records: tuple[tuple[str, str], ...]


def new_keys(folder: Path, *, domain: str, selector: str) -> NewKeys:
    """Make an RSA-2048 and an Ed25519 key in the folder, readable by their owner only.

    ConfigError when one is there already: a key in use is never overwritten.
    """
    rsa_key = rsa.generate_private_key(public_exponent=65537, key_size=_RSA_BITS)
    ed_key = ed25519.Ed25519PrivateKey.generate()
    made: dict[Path, _Private] = {folder / _RSA_FILE: rsa_key, folder / _ED25519_FILE: ed_key}
    if there := next((file for file in made if file.exists()), None):
        raise ConfigError(f"{there} is there already", hint="name another folder, or move it away")
    for file, key in made.items():
        _write_key(file, key)
    return NewKeys(
        files=tuple(made),
        records=tuple(_record(key, selector, domain) for key in made.values()),
    )


def records(settings: DkimSettings) -> tuple[tuple[str, str], ...]:
    """(name, value) of the TXT record of each key in use; ConfigError names a file that cannot be used."""
    files = (settings.rsa_key, settings.ed25519_key)
    keys = [_read_key(file) for file in files if file is not None]
    return tuple(_record(key, settings.selector, settings.domain) for key in keys)


def _record(key: _Private, selector: str, domain: str) -> tuple[str, str]:
    """The TXT record that tells the world of a key (RFC 6376 §3.6.1, RFC 8463 §4)."""
    public = key.public_key()
    if isinstance(public, ed25519.Ed25519PublicKey):
        raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        return f"{selector}-ed25519._domainkey.{domain}", f"v=DKIM1; k=ed25519; p={_text(raw)}"
    der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return f"{selector}-rsa._domainkey.{domain}", f"v=DKIM1; k=rsa; p={_text(der)}"


def _text(public: bytes) -> str:
    return base64.b64encode(public).decode()


def _write_key(file: Path, key: _Private) -> None:
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600, exist_ok=False)
        file.write_bytes(pem)
    except OSError as exc:
        raise ConfigError(f"{file}: {exc.strerror}") from exc
