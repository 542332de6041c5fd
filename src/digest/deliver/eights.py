"""Signatures of one key, eight at a time where the machine can: RSA (RFC 8017 §8.2) and Ed25519 (RFC 8032).

Intel's Cryptography Primitives Library makes eight RSA signatures in the time that OpenSSL takes for three,
and eight of Ed25519 in that for one and a half. It is used where the extra `fast-signing` is installed and
the processor has AVX-512 IFMA; OpenSSL signs everywhere else.
"""

import ctypes
import sys
from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path
from typing import Protocol

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa, utils

from digest.deliver.keys import PrivateKey

_LANES = 8
#: For fewer at a time eight take longer than one after the other.
_WORTH_IT = 3
#: Where pip puts the libraries of a wheel, and what the library's own needs, in this order.
_FOLDER = Path(sys.prefix, "lib")
_NEEDED = ("libintlc.so.5", "libirng.so", "libimf.so", "libsvml.so")
_RSA_SIZES = {1024, 2048, 3072, 4096}
_EXPONENT = 65537
#: What names SHA-256 in front of a hash (RFC 8017 §9.2, note 1).
_DIGEST_INFO = bytes.fromhex("3031300d060960864801650304020105000420")
_DIGEST_BYTES = 32

_Eight = ctypes.c_char_p * _LANES
_EightPlaces = ctypes.c_void_p * _LANES
_EightSizes = ctypes.c_int * _LANES


class _Eights(Protocol):
    def sign(self, some: Sequence[bytes]) -> list[bytes] | None:
        """The signatures of at most eight; None when one of them would not hold."""
        ...


class KeySigner:
    """Signs SHA-256 hashes with one key."""

    def __init__(self, key: PrivateKey) -> None:
        """The library is looked for when there is first much to sign."""
        self._key = key
        self._one = partial(_sign_rsa, key) if isinstance(key, rsa.RSAPrivateKey) else key.sign
        self._eights: _Eights | None = None
        self._is_looked_for = False

    @property
    def is_fast(self) -> bool:
        """True when many are signed eight at a time."""
        if not self._is_looked_for:
            self._is_looked_for = True
            self._eights = _eights(self._key)
        return self._eights is not None

    def sign(self, many: Sequence[bytes]) -> list[bytes]:
        """The signature of each."""
        out: list[bytes] = []
        for at in range(0, len(many), _LANES):
            some = many[at : at + _LANES]
            found = None
            if len(some) >= _WORTH_IT and self.is_fast and self._eights is not None:
                found = self._eights.sign(some)
            out += found or [self._one(each) for each in some]
        return out


def _sign_rsa(key: rsa.RSAPrivateKey, digest: bytes) -> bytes:
    return key.sign(digest, padding.PKCS1v15(), utils.Prehashed(hashes.SHA256()))


def _eights(key: PrivateKey) -> _Eights | None:
    """What signs eight at a time with that key; None where nothing can."""
    if (library := _library()) is None:
        return None
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return _Ed25519Eights(library, key)
    fits = key.key_size in _RSA_SIZES and key.public_key().public_numbers().e == _EXPONENT
    return _RsaEights(library, key) if fits else None


class _RsaEights:
    """Eight in one call of the library, each looked at before it leaves."""

    def __init__(self, library: ctypes.CDLL, key: rsa.RSAPrivateKey) -> None:
        self._library = library
        self._bits = key.key_size
        self._bytes = self._bits // 8
        private = key.private_numbers()
        half = self._bytes // 2
        parts = (private.p, private.q, private.dmp1, private.dmq1, private.iqmp)
        # Numbers go over little-endian, one for each lane.
        self._private = [_Eight(*[part.to_bytes(half, "little")] * _LANES) for part in parts]
        self._modulus = _Eight(*[private.public_numbers.n.to_bytes(self._bytes, "little")] * _LANES)
        self._signing = library.mbx_RSA_private_crt_Method(self._bits)
        self._opening = library.mbx_RSA_pub65537_Method(self._bits)
        room = max(library.mbx_RSA_Method_BufSize(one) for one in (self._signing, self._opening))
        self._scratch = ctypes.create_string_buffer(room)
        self._signed, self._opened = _Lanes(self._bytes), _Lanes(self._bytes)
        filling = self._bytes - 3 - len(_DIGEST_INFO) - _DIGEST_BYTES
        self._start = b"\0\1" + b"\xff" * filling + b"\0" + _DIGEST_INFO

    def sign(self, some: Sequence[bytes]) -> list[bytes] | None:
        """A wrong one would give the key away (Boneh, DeMillo, Lipton 1997), so each is opened again."""
        padded = [self._start + digest for digest in some]
        padded += padded[:1] * (_LANES - len(some))
        signed, opened, library = self._signed, self._opened, self._library
        failed = library.mbx_rsa_private_crt_mb8(
            _Eight(*padded), signed.places, *self._private, self._bits, self._signing, self._scratch
        ) or library.mbx_rsa_public_mb8(
            signed.places, opened.places, self._modulus, self._bits, self._opening, self._scratch
        )
        if failed or opened.all() != b"".join(padded):
            return None
        return signed.first(len(some))


class _Ed25519Eights:
    """Eight in one call of the library; as with OpenSSL, none is looked at again."""

    def __init__(self, library: ctypes.CDLL, key: ed25519.Ed25519PrivateKey) -> None:
        self._sign = library.mbx_ed25519_sign_mb8
        raw, form = serialization.Encoding.Raw, serialization.PublicFormat.Raw
        self._private = _Eight(*[key.private_bytes_raw()] * _LANES)
        self._public = _Eight(*[key.public_key().public_bytes(raw, form)] * _LANES)
        self._sizes = _EightSizes(*[_DIGEST_BYTES] * _LANES)
        self._points, self._scalars = _Lanes(32), _Lanes(32)

    def sign(self, some: Sequence[bytes]) -> list[bytes] | None:
        whole = [*some, *[some[0]] * (_LANES - len(some))]
        points, scalars = self._points, self._scalars
        if self._sign(
            points.places, scalars.places, _Eight(*whole), self._sizes, self._private, self._public
        ):
            return None
        both = zip(points.first(len(some)), scalars.first(len(some)), strict=True)
        return [point + scalar for point, scalar in both]


class _Lanes:
    """Room for what comes out of each lane."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._room = ctypes.create_string_buffer(size * _LANES)
        start = ctypes.addressof(self._room)
        self.places = _EightPlaces(*[start + lane * size for lane in range(_LANES)])

    def all(self) -> bytes:
        return self._room.raw

    def first(self, count: int) -> list[bytes]:
        whole = self._room.raw
        return [whole[at : at + self._size] for at in range(0, count * self._size, self._size)]


@cache
def _library() -> ctypes.CDLL | None:
    """The library with its functions declared; None where it is not installed or the processor cannot."""
    try:
        for name in _NEEDED:
            ctypes.CDLL(str(_FOLDER / name))
        library = ctypes.CDLL(str(_FOLDER / "libcrypto_mb.so"))
    except OSError:
        return None
    _declare(library)
    # 0: for all that it has.
    return library if library.mbx_is_crypto_mb_applicable(0) else None


def _declare(library: ctypes.CDLL) -> None:
    """Say what its functions take and give: undeclared, a pointer would lose its upper half."""
    number, pointer = ctypes.c_int, ctypes.c_void_p
    library.mbx_is_crypto_mb_applicable.argtypes = (ctypes.c_uint64,)
    for method in (library.mbx_RSA_private_crt_Method, library.mbx_RSA_pub65537_Method):
        method.argtypes, method.restype = (number,), pointer
    library.mbx_RSA_Method_BufSize.argtypes = (pointer,)
    library.mbx_rsa_private_crt_mb8.argtypes = (*(pointer,) * 7, number, pointer, pointer)
    library.mbx_rsa_public_mb8.argtypes = (*(pointer,) * 3, number, pointer, pointer)
    library.mbx_ed25519_sign_mb8.argtypes = (pointer,) * 6
