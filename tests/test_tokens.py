"""Signed links: bound to one purpose, one newsletter and one subject."""

import hmac
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.errors import TokenError, TokenExpiredError
from digest.tokens import CONFIRM_LIFE, KeyedHash, Purpose, Signer

NOW = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)
SIGNER = Signer("a secret of thirty-two characters or more")


@given(st.integers(min_value=0, max_value=2**62), st.sampled_from(Purpose))
def test_a_token_says_for_whom_it_was_made(subject: int, purpose: Purpose) -> None:
    token = SIGNER.sign(purpose, "weekly", subject, NOW)

    assert SIGNER.read(token, purpose, "weekly", now=NOW).subject == subject
    assert len(token) <= 60


def test_a_series_gives_each_subject_the_token_that_it_has_by_itself() -> None:
    token = SIGNER.series(Purpose.LEAVE, "weekly", NOW)

    assert [token(7), token(8)] == [SIGNER.sign(Purpose.LEAVE, "weekly", subject, NOW) for subject in (7, 8)]
    assert SIGNER.read(token(8), Purpose.LEAVE, "weekly", now=NOW).subject == 8


@given(st.text(max_size=90))
def test_hostile_text_is_never_a_token(text: str) -> None:
    with pytest.raises(TokenError):
        SIGNER.read(text, Purpose.LEAVE, "weekly", now=NOW)


def test_a_token_for_one_purpose_newsletter_or_secret_is_none_for_another() -> None:
    token = SIGNER.sign(Purpose.CONFIRM, "weekly", 7, NOW)
    other = Signer("another secret of thirty-two characters")

    for signer, purpose, scope in [
        (SIGNER, Purpose.LEAVE, "weekly"),
        (SIGNER, Purpose.CONFIRM, "monthly"),
        (other, Purpose.CONFIRM, "weekly"),
    ]:
        with pytest.raises(TokenError):
            signer.read(token, purpose, scope, now=NOW)


def test_one_changed_letter_breaks_it() -> None:
    token = SIGNER.sign(Purpose.LEAVE, "weekly", 7, NOW)

    for place, letter in enumerate(token):
        changed = token[:place] + ("a" if letter != "a" else "b") + token[place + 1 :]
        if changed.rstrip("=") == token:
            continue
        with pytest.raises(TokenError):
            SIGNER.read(changed, Purpose.LEAVE, "weekly", now=NOW)


def test_a_confirmation_lives_seven_days_and_not_longer() -> None:
    token = SIGNER.sign(Purpose.CONFIRM, "weekly", 7, NOW)

    SIGNER.read(token, Purpose.CONFIRM, "weekly", now=NOW + CONFIRM_LIFE, life=CONFIRM_LIFE)
    late = NOW + CONFIRM_LIFE + timedelta(seconds=1)
    with pytest.raises(TokenExpiredError):
        SIGNER.read(token, Purpose.CONFIRM, "weekly", now=late, life=CONFIRM_LIFE)


@given(key=st.binary(max_size=200), text=st.binary(max_size=200))
def test_a_keyed_hash_is_the_hmac_of_the_standard_library(key: bytes, text: bytes) -> None:
    assert KeyedHash(key).of(text) == hmac.digest(key, text, "sha256")
