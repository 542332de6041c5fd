"""RSA signatures (PKCS #1 v1.5 with SHA-256, RFC 8017 §8.2), eight at a time where the machine can.

Intel's Cryptography Primitives Library signs eight in the time that OpenSSL takes for three. It is used where
the extra `fast-rsa` is installed and the processor has AVX-512 IFMA; OpenSSL signs everywhere else.
"""

import ctypes
import hashlib
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

_LANES = 8
#: For fewer at a time eight take longer than one after the other.
_WORTH_IT = 3
#: Where pip puts the libraries of a wheel, and what the library's own needs, in this order.
_FOLDER = Path(sys.prefix, "lib")
_NEEDED = ("libintlc.so.5", "libirng.so", "libimf.so", "libsvml.so")
_SIZES = {1024, 2048, 3072, 4096}
_EXPONENT = 65537
#: What names SHA-256 in front of a hash (RFC 8017 §9.2, note 1).
_DIGEST_INFO = bytes.fromhex("3031300d060960864801650304020105000420")

_Eight = ctypes.c_char_p * _LANES
_EightPlaces = ctypes.c_void_p * _LANES


class RsaSigner:
    """Signs with one key."""

    def __init__(self, key: rsa.RSAPrivateKey) -> None:
        """The library is looked for when there is first much to sign."""
        self._key = key
        self._eight: _EightAtOnce | None = None
        self._is_looked_for = False

    @property
    def is_fast(self) -> bool:
        """True when many are signed eight at a time."""
        return self._at_once() is not None

    def sign(self, many: Sequence[bytes]) -> list[bytes]:
        """The signature of each."""
        if len(many) < _WORTH_IT or (eight := self._at_once()) is None:
            return [self._sign(data) for data in many]
        out: list[bytes] = []
        for at in range(0, len(many), _LANES):
            some = many[at : at + _LANES]
            found = eight.sign(some) if len(some) >= _WORTH_IT else None
            out += found or [self._sign(data) for data in some]
        return out

    def _sign(self, data: bytes) -> bytes:
        return self._key.sign(data, padding.PKCS1v15(), hashes.SHA256())

    def _at_once(self) -> "_EightAtOnce | None":
        if not self._is_looked_for:
            self._is_looked_for = True
            library = _library()
            fits = self._key.key_size in _SIZES and self._key.public_key().public_numbers().e == _EXPONENT
            self._eight = _EightAtOnce(library, self._key) if library and fits else None
        return self._eight


class _EightAtOnce:
    """Eight signatures in one call of the library, each looked at before it leaves."""

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
        self._signed, self._signed_at = self._lanes()
        self._opened, self._opened_at = self._lanes()
        self._start = b"\0\1" + b"\xff" * (self._bytes - 3 - len(_DIGEST_INFO) - 32) + b"\0" + _DIGEST_INFO

    def sign(self, some: Sequence[bytes]) -> list[bytes] | None:
        """The signatures of at most eight; None when one of them would not hold.

        A wrong one would give the key away (Boneh, DeMillo, Lipton 1997), so each is opened again before.
        """
        padded = [self._start + hashlib.sha256(data).digest() for data in some]
        padded += padded[:1] * (_LANES - len(some))
        library = self._library
        failed = library.mbx_rsa_private_crt_mb8(
            _Eight(*padded), self._signed_at, *self._private, self._bits, self._signing, self._scratch
        ) or library.mbx_rsa_public_mb8(
            self._signed_at, self._opened_at, self._modulus, self._bits, self._opening, self._scratch
        )
        if failed or self._opened.raw != b"".join(padded):
            return None
        raw = self._signed.raw
        return [raw[lane * self._bytes : (lane + 1) * self._bytes] for lane in range(len(some))]

    def _lanes(self) -> tuple["ctypes.Array[ctypes.c_char]", "ctypes.Array[ctypes.c_void_p]"]:
        """Room for eight numbers, and where each begins."""
        room = ctypes.create_string_buffer(self._bytes * _LANES)
        start = ctypes.addressof(room)
        return room, _EightPlaces(*[start + lane * self._bytes for lane in range(_LANES)])


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
