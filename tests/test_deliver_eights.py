"""Signatures by our own calls of Intel's library: the very bytes that OpenSSL makes, or OpenSSL's."""

import hashlib
import platform
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa, utils

from digest.deliver import eights as module
from digest.deliver.eights import KeySigner, _Ed25519Eights, _RsaEights
from digest.deliver.keys import PrivateKey

HASHES = [hashlib.sha256(b"message %d" % number).digest() for number in range(20)]


def rsa_key(bits: int = 2048, exponent: int = 65537) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=exponent, key_size=bits)


def by_openssl(key: PrivateKey, many: list[bytes]) -> list[bytes]:
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return [key.sign(one) for one in many]
    return [key.sign(one, padding.PKCS1v15(), utils.Prehashed(hashes.SHA256())) for one in many]


def can_eight_at_once() -> bool:
    """True on the machines that the library is for."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return False
    return "avx512ifma" in Path("/proc/cpuinfo").read_text(encoding="utf-8")


needs_eights = pytest.mark.skipif(not can_eight_at_once(), reason="the processor has no AVX-512 IFMA")


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the library is looked for."""
    monkeypatch.setattr(module, "_FOLDER", tmp_path)
    module._library.cache_clear()
    yield tmp_path
    module._library.cache_clear()


@pytest.mark.parametrize("key", [rsa_key(), ed25519.Ed25519PrivateKey.generate()], ids=["rsa", "ed25519"])
def test_the_library_is_used_where_the_machine_can(key: PrivateKey) -> None:
    assert KeySigner(key).is_fast == can_eight_at_once()


@pytest.mark.parametrize("count", [0, 1, 2, 3, 8, 9, 17, 20])
@pytest.mark.parametrize("key", [rsa_key(), ed25519.Ed25519PrivateKey.generate()], ids=["rsa", "ed25519"])
def test_signatures_are_those_of_openssl_however_many(key: PrivateKey, count: int) -> None:
    assert KeySigner(key).sign(HASHES[:count]) == by_openssl(key, HASHES[:count])


@pytest.mark.parametrize(("bits", "exponent"), [(1024, 65537), (3072, 65537), (2048, 3), (1536, 65537)])
def test_signatures_are_those_of_openssl_whatever_the_key(bits: int, exponent: int) -> None:
    key = rsa_key(bits, exponent)

    assert KeySigner(key).sign(HASHES) == by_openssl(key, HASHES)


@needs_eights
def test_what_is_written_to_lanes_before_does_not_change_what_was_given() -> None:
    for key in (rsa_key(), ed25519.Ed25519PrivateKey.generate()):
        signer = KeySigner(key)
        first = signer.sign(HASHES[:8])
        signer.sign(HASHES[8:16])

        assert first == by_openssl(key, HASHES[:8])


@needs_eights
def test_an_rsa_signature_that_would_not_hold_never_leaves() -> None:
    key = rsa_key()
    signer = KeySigner(key)
    assert signer.is_fast
    eights = signer._eights
    assert isinstance(eights, _RsaEights)
    # A fault in one half of one lane is what gives a key away.
    eights._private[2][3] = (key.private_numbers().dmp1 ^ 4).to_bytes(128, "little")

    assert eights.sign(HASHES[:8]) is None
    assert signer.sign(HASHES) == by_openssl(key, HASHES)


@needs_eights
def test_where_the_library_refuses_a_key_openssl_signs() -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    signer = KeySigner(key)
    assert signer.is_fast
    assert isinstance(signer._eights, _Ed25519Eights)
    signer._eights._private[5] = None

    assert signer.sign(HASHES) == by_openssl(key, HASHES)


def test_without_the_library_openssl_signs(elsewhere: Path) -> None:
    assert list(elsewhere.iterdir()) == []
    key = rsa_key()
    signer = KeySigner(key)

    assert signer.sign(HASHES) == by_openssl(key, HASHES)
    assert not signer.is_fast


def test_a_library_that_cannot_be_loaded_is_none(elsewhere: Path) -> None:
    for name in (*module._NEEDED, "libcrypto_mb.so"):
        (elsewhere / name).write_bytes(b"no library")

    assert not KeySigner(rsa_key()).is_fast
