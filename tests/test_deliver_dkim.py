"""Signatures of our own, verified by dkimpy; keys, and what is wrong with them."""

import asyncio
import base64
import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from digest.config import DkimSettings, SmtpSettings
from digest.deliver import Envelope, NewKeys, dkim_records, encode, new_keys, open_transport
from digest.deliver.dkim import Signer
from digest.deliver.keys import read_keyring
from digest.domain import Message, OutcomeKind
from digest.errors import ConfigError

DOMAIN = "example.org"


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> NewKeys:
    return new_keys(tmp_path_factory.mktemp("keys"), domain=DOMAIN, selector="week")


def chosen(keys: NewKeys) -> DkimSettings:
    rsa_key, ed25519_key = keys.files
    return DkimSettings(domain=DOMAIN, selector="week", rsa_key=rsa_key, ed25519_key=ed25519_key)


def message(subject: str = "A week", text: str = "Hello.\n", html: str = "<p>Hello.</p>\n") -> bytes:
    return encode(
        Message(
            sender="news@example.org",
            recipient="reader@example.org",
            message_id="<47.1@example.org>",
            headers=(
                ("From", "The Week <news@example.org>"),
                ("Subject", subject),
                ("Date", "Mon, 23 Nov 2026 07:00:00 +0000"),
                ("List-Unsubscribe", f"<https://news.example.org/leave/{'k' * 60}>, <mailto:l@example.org>"),
                ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
                ("List-Id", "The Week <week.example.org>"),
            ),
            text=text,
            html=html,
        )
    )


def verified(data: bytes, keys: NewKeys) -> list[bool]:
    """Whether each signature holds, as dkimpy sees it."""
    records = {f"{name}.".encode(): value.encode() for name, value in keys.records}

    def look_up(name: bytes, timeout: int = 5) -> bytes | None:
        return records.get(name)

    count = len(re.findall(rb"^DKIM-Signature:", data, re.MULTILINE))

    def holds(index: int) -> bool:
        try:
            return bool(dkim.DKIM(data).verify(idx=index, dnsfunc=look_up))
        except dkim.ValidationError:
            return False

    return [holds(index) for index in range(count)]


def signed_by(keys: NewKeys, data: bytes) -> bytes:
    return signature_by(keys, (data,)) + data


def signature_by(keys: NewKeys, blocks: Sequence[bytes]) -> bytes:
    """The headers to stand before a message."""
    (found,) = Signer(read_keyring(chosen(keys))).sign([blocks])
    assert isinstance(found, bytes)
    return found


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    subject=st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=100),
    text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=300),
)
def test_whatever_a_message_says_both_signatures_hold(keys: NewKeys, subject: str, text: str) -> None:
    signed = signed_by(keys, message(subject, text, ""))

    assert verified(signed, keys) == [True, True]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cuts=st.lists(st.integers(0, 4000), max_size=6),
    body=st.sampled_from(["", "x" * 3000 + "\r\n", "a\r\n\r\n", "a\r\n.\r\n\r\n\r\n", "a", "\r\n", "b\r\n"]),
)
def test_in_whatever_pieces_a_message_comes_it_has_one_signature(
    keys: NewKeys, cuts: list[int], body: str
) -> None:
    data = message(text="Hello.\n") if not body else f"From: n@example.org\r\n\r\n{body}".encode()
    places = [0, *sorted(min(at, len(data)) for at in cuts), len(data)]
    blocks = [data[start:end] for start, end in pairwise(places)]

    assert signature_by(keys, blocks) == signature_by(keys, (data,))


NAMES = st.sampled_from(["List-Id", "LIST-ID", "Subject", "Reply-To", "Message-ID", "Precedence", "X-Other"])
CONTENT = st.text(st.sampled_from("ab:;= \t"), max_size=12).map(lambda text: f"x{text}")
FIELDS = st.builds(
    lambda name, before, lines, blank: f"{name}:{before}" + f"\r\n{blank}".join(lines),
    NAMES,
    st.sampled_from(["", " ", " \t"]),
    st.lists(CONTENT, min_size=1, max_size=3),
    st.sampled_from([" ", "\t", "  "]),
)
BODY = st.one_of(
    st.lists(st.sampled_from(["", ".", "a ", "b"]), max_size=6).map("\r\n".join),
    st.integers(2000, 5000).map(lambda size: "x" * size),
)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(fields=st.lists(FIELDS, max_size=8), body=BODY)
def test_headers_that_are_missing_repeated_or_folded_do_not_break_a_signature(
    keys: NewKeys, fields: list[str], body: str
) -> None:
    head = "\r\n".join(["From: The Week <news@example.org>", *fields])

    signed = signed_by(keys, f"{head}\r\n\r\n{body}".encode())

    assert verified(signed, keys) == [True, True]


def test_a_message_of_two_parts_is_signed_and_keeps_its_bytes(keys: NewKeys) -> None:
    data = message()

    signed = signed_by(keys, data)

    assert verified(signed, keys) == [True, True]
    assert signed == signed_by(keys, data)
    assert all(len(line) <= 78 for line in signed.removesuffix(data).split(b"\r\n"))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Hello", b"Hallo"),
        (b"One-Click", b"Two-Click"),
        (b"Subject: A week", b"Subject: B week"),
        (b"Subject: A week", b"List-Unsubscribe: <https://evil.example>\r\nSubject: A week"),
        (b"Subject: A week", b"From: Else <else@example.org>\r\nSubject: A week"),
        (b"Subject: A week", b"Reply-To: else@example.org\r\nSubject: A week"),
    ],
)
def test_what_is_changed_or_added_breaks_both_signatures(keys: NewKeys, old: bytes, new: bytes) -> None:
    signed = signed_by(keys, message())

    assert verified(signed.replace(old, new), keys) == [False, False]


async def test_a_transport_signs_what_leaves_by_it(keys: NewKeys, tmp_path: Path) -> None:
    way = SmtpSettings(url=SecretStr(f"file://{tmp_path}"), dkim=chosen(keys))
    envelope = Envelope(key=1, sender="n@example.org", recipient="r@example.org", blocks=(message(),))
    async with open_transport(way) as transport:
        outcome = await transport.send(envelope)
        said = await transport.check()

    (file,) = tmp_path.glob("*.eml")  # noqa: ASYNC240 (a test's own folder)
    assert outcome.kind is OutcomeKind.SENT
    assert verified(file.read_bytes(), keys) == [True, True]
    assert "DKIM week-rsa and week-ed25519 of example.org" in said


async def test_many_messages_signed_at_a_time_keep_their_own_signatures(
    keys: NewKeys, tmp_path: Path
) -> None:
    way = SmtpSettings(url=SecretStr(f"file://{tmp_path}"), dkim=chosen(keys))
    data = [message().replace(b"<47.1@", f"<47.{number}@".encode()) for number in range(40)]
    data.append(b"no message")
    letters = [
        Envelope(key=key, sender="n@example.org", recipient=f"r{key}@example.org", blocks=(one,))
        for key, one in enumerate(data)
    ]
    async with open_transport(way) as transport:
        outcomes = await asyncio.gather(*(transport.send(one) for one in letters))

    files = [file.read_bytes() for file in tmp_path.glob("*.eml")]  # noqa: ASYNC240 (a test's own folder)
    assert [one.key for one in outcomes if one.kind is OutcomeKind.FAILED] == [40]
    assert len(files) == 40
    assert all(verified(one, keys) == [True, True] for one in files)


async def test_what_is_no_message_is_not_sent_unsigned(keys: NewKeys, tmp_path: Path) -> None:
    way = SmtpSettings(url=SecretStr(f"file://{tmp_path}"), dkim=chosen(keys))
    async with open_transport(way) as transport:
        outcome = await transport.send(
            Envelope(key=1, sender="", recipient="r@example.org", blocks=(b"x\r\n",))
        )

    assert outcome.kind is OutcomeKind.FAILED
    assert list(tmp_path.iterdir()) == []  # noqa: ASYNC240 (a test's own folder)
    assert Signer(read_keyring(chosen(keys))).sign([(b"x\r\n",)]) == [outcome.reply]


def test_new_keys_are_their_owner_s_alone_and_never_overwritten(keys: NewKeys) -> None:
    assert [file.stat().st_mode & 0o777 for file in keys.files] == [0o600, 0o600]
    assert [name for name, _ in keys.records] == [
        "week-rsa._domainkey.example.org",
        "week-ed25519._domainkey.example.org",
    ]

    with pytest.raises(ConfigError, match="is there already"):
        new_keys(keys.files[0].parent, domain=DOMAIN, selector="week")


@pytest.mark.parametrize(
    ("content", "words"), [(None, "No such file"), (b"nonsense", "no private key"), (b"", "no private key")]
)
def test_a_key_of_no_use_is_one_clear_line(tmp_path: Path, content: bytes | None, words: str) -> None:
    file = tmp_path / "key.pem"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(ConfigError, match=words):
        read_keyring(DkimSettings(domain=DOMAIN, rsa_key=file))


def test_a_damaged_key_is_one_clear_line(keys: NewKeys, tmp_path: Path) -> None:
    key = load_pem_private_key(keys.files[0].read_bytes(), None)
    assert isinstance(key, RSAPrivateKey)
    whole = key.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    modulus = key.public_key().public_numbers().n.to_bytes(256, "big")
    other = modulus[:100] + bytes([modulus[100] ^ 4]) + modulus[101:]
    file = tmp_path / "key.pem"
    text = base64.encodebytes(whole.replace(modulus, other)).decode()
    file.write_text(f"-----BEGIN RSA PRIVATE KEY-----\n{text}-----END RSA PRIVATE KEY-----\n")

    with pytest.raises(ConfigError, match=r"key\.pem is damaged|no private key"):
        read_keyring(DkimSettings(domain=DOMAIN, rsa_key=file))


def test_signing_without_a_key_is_refused_by_name() -> None:
    with pytest.raises(ConfigError, match="has no key"):
        read_keyring(DkimSettings(domain=DOMAIN))


def test_the_records_of_keys_in_use_are_those_of_when_they_were_made(keys: NewKeys) -> None:
    assert dkim_records(chosen(keys)) == keys.records
