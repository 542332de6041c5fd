"""The keys of DKIM: read from files, made anew, and told to the world by TXT records."""

import base64
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

from digest.errors import ConfigError

if TYPE_CHECKING:
    from digest.config import DkimSettings

#: RFC 8301 §3.2.
_LEAST_RSA_BITS = 1024
_RSA_BITS = 2048
_RSA_FILE, _ED25519_FILE = "dkim-rsa.pem", "dkim-ed25519.pem"

PrivateKey = rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyring:
    """What is signed with for a domain, in a form that another process can be given."""

    domain: str
    #: (selector, private key as PEM without a password) of each key.
    keys: tuple[tuple[str, bytes], ...] = field(repr=False)


def read_keyring(settings: "DkimSettings") -> Keyring:
    """The keys of the settings; ConfigError names the key file that cannot be used."""
    keys = _read_keys(settings)
    if not keys:
        raise ConfigError(
            "smtp.dkim has no key", hint="set rsa_key or ed25519_key; digest dkim new makes both"
        )
    pairs = [(_selector(key, settings.selector), _pem(key)) for key in keys]
    return Keyring(domain=settings.domain, keys=tuple(pairs))


def opened(pem: bytes) -> PrivateKey:
    """A private key that can be signed with; ValueError or UnsupportedAlgorithm for what is none."""
    # Without the library's own look at its numbers, which takes 30 ms with RSA: see `_holds`.
    key = serialization.load_pem_private_key(pem, password=None, unsafe_skip_rsa_key_validation=True)
    if isinstance(key, PrivateKey):
        return key
    raise ValueError


def _read_keys(settings: "DkimSettings") -> list[PrivateKey]:
    files = (settings.rsa_key, settings.ed25519_key)
    return [_read_key(file) for file in files if file is not None]


def _read_key(file: Path) -> PrivateKey:
    try:
        pem = file.read_bytes()
    except OSError as exc:
        raise ConfigError(f"smtp.dkim: {file}: {exc.strerror}", hint="digest dkim new makes keys") from exc
    try:
        key = serialization.load_pem_private_key(pem, password=None, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError, UnsupportedAlgorithm) as exc:
        raise ConfigError(f"smtp.dkim: {file} is no private key without a password, in PEM") from exc
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key
    if not isinstance(key, rsa.RSAPrivateKey) or key.key_size < _LEAST_RSA_BITS:
        raise ConfigError(f"smtp.dkim: {file} is neither Ed25519 nor RSA of {_LEAST_RSA_BITS} bits or more")
    if not _holds(key):
        raise ConfigError(f"smtp.dkim: {file} is damaged: what it signs does not hold")
    return key


def _holds(key: rsa.RSAPrivateKey) -> bool:
    """True when what the key signs can be verified."""
    scheme, digest = padding.PKCS1v15(), hashes.SHA256()
    try:
        key.public_key().verify(key.sign(b"", scheme, digest), b"", scheme, digest)
    except (InvalidSignature, ValueError):
        return False
    return True


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
    made: dict[Path, PrivateKey] = {folder / _RSA_FILE: rsa_key, folder / _ED25519_FILE: ed_key}
    if there := next((file for file in made if file.exists()), None):
        raise ConfigError(f"{there} is there already", hint="name another folder, or move it away")
    for file, key in made.items():
        _write_key(file, key)
    return NewKeys(
        files=tuple(made),
        records=tuple(_record(key, selector, domain) for key in made.values()),
    )


def records(settings: "DkimSettings") -> tuple[tuple[str, str], ...]:
    """(name, value) of the TXT record of each key in use; ConfigError names a file that cannot be used."""
    return tuple(_record(key, settings.selector, settings.domain) for key in _read_keys(settings))


def _selector(key: PrivateKey, selector: str) -> str:
    """Each key has a record of its own."""
    return f"{selector}-ed25519" if isinstance(key, ed25519.Ed25519PrivateKey) else f"{selector}-rsa"


def _record(key: PrivateKey, selector: str, domain: str) -> tuple[str, str]:
    """The TXT record that tells the world of a key (RFC 6376 §3.6.1, RFC 8463 §4)."""
    public = key.public_key()
    name = f"{_selector(key, selector)}._domainkey.{domain}"
    if isinstance(public, ed25519.Ed25519PublicKey):
        raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        return name, f"v=DKIM1; k=ed25519; p={_text(raw)}"
    der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return name, f"v=DKIM1; k=rsa; p={_text(der)}"


def _text(public: bytes) -> str:
    return base64.b64encode(public).decode()


def _pem(key: PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write_key(file: Path, key: PrivateKey) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600, exist_ok=False)
        file.write_bytes(_pem(key))
    except OSError as exc:
        raise ConfigError(f"{file}: {exc.strerror}") from exc
