"""RSA signatures of our own calls of Intel's library: the very bytes that OpenSSL makes, or OpenSSL's."""

import ctypes
import platform
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from digest.deliver import rsa as module
from digest.deliver.rsa import RsaSigner

DATA = [b"message %d" % number * 20 for number in range(20)]


def key_of(bits: int, exponent: int = 65537) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=exponent, key_size=bits)


def by_openssl(key: rsa.RSAPrivateKey, many: list[bytes]) -> list[bytes]:
    return [RsaSigner(key).sign([one])[0] for one in many]


def can_eight_at_once() -> bool:
    """True on the machines that the library is for."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return False
    return "avx512ifma" in Path("/proc/cpuinfo").read_text(encoding="utf-8")


def test_the_library_is_used_where_the_machine_can() -> None:
    signer = RsaSigner(key_of(2048))
    signer.sign(DATA)

    assert signer.is_fast == (signer._eight is not None) == can_eight_at_once()


@pytest.mark.parametrize("count", [0, 1, 2, 3, 8, 9, 17, 20])
def test_signatures_are_those_of_openssl_however_many(count: int) -> None:
    key = key_of(2048)

    assert RsaSigner(key).sign(DATA[:count]) == by_openssl(key, DATA[:count])


@pytest.mark.parametrize(("bits", "exponent"), [(1024, 65537), (3072, 65537), (2048, 3), (1536, 65537)])
def test_signatures_are_those_of_openssl_whatever_the_key(bits: int, exponent: int) -> None:
    key = key_of(bits, exponent)

    assert RsaSigner(key).sign(DATA) == by_openssl(key, DATA)


@pytest.mark.skipif(not can_eight_at_once(), reason="the processor has no AVX-512 IFMA")
def test_a_signature_that_would_not_hold_never_leaves() -> None:
    key = key_of(2048)
    signer = RsaSigner(key)
    signer.sign(DATA)
    assert signer._eight is not None
    # A fault in one half of one lane is what gives a key away.
    half = (key.private_numbers().dmp1 ^ 4).to_bytes(128, "little")
    signer._eight._private[2][3] = half

    assert signer._eight.sign(DATA[:8]) is None
    assert signer.sign(DATA) == by_openssl(key, DATA)


def test_without_the_library_openssl_signs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_FOLDER", tmp_path)
    module._library.cache_clear()
    key = key_of(2048)
    try:
        signer = RsaSigner(key)
        assert signer.sign(DATA) == by_openssl(key, DATA)
        assert signer._eight is None
    finally:
        module._library.cache_clear()


def test_a_library_that_cannot_be_loaded_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*module._NEEDED, "libcrypto_mb.so"):
        (tmp_path / name).write_bytes(b"no library")
    monkeypatch.setattr(module, "_FOLDER", tmp_path)
    module._library.cache_clear()
    try:
        assert module._library() is None
    finally:
        module._library.cache_clear()
    assert ctypes.CDLL(None)
