"""Signed links, each bound to one purpose. Nothing is stored: the token carries who and when."""

import binascii
import hashlib
import hmac
import string
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache

from digest.errors import TokenError, TokenExpiredError

#: Sign-ups wait seven days.
CONFIRM_LIFE = timedelta(days=7)
#: Undoing a leave is offered for seven days.
UNDO_LIFE = timedelta(days=7)

_DIGITS = string.digits + string.ascii_lowercase
_MAC_BYTES = 16
#: Of them in base64, without what fills it up.
_MAC_LETTERS = 22
_IN_LINKS = bytes.maketrans(b"+/", b"-_")
_BLOCK = 64
_INNER, _OUTER = (bytes(byte ^ pad for byte in range(256)) for pad in (0x36, 0x5C))


class KeyedHash:
    """HMAC with SHA-256 (RFC 2104) of short texts under one key, which is taken in once.

    A message needs three: the standard library's objects cost twice as much, and its one call for all lets
    go of Python's lock each time.
    """

    def __init__(self, key: bytes) -> None:
        """A key of any length."""
        padded = (hashlib.sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
        self._inner = hashlib.sha256(padded.translate(_INNER))
        self._outer = hashlib.sha256(padded.translate(_OUTER))

    def of(self, text: bytes) -> bytes:
        """The 32 bytes that only who has the key can make of this text."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(text)
        outer.update(inner.digest())
        return outer.digest()


class Purpose(StrEnum):
    """What a link may be used for; a token made for one is refused for every other."""

    CONFIRM = "confirm"
    LEAVE = "leave"
    PREFERENCES = "preferences"
    #: An editor may read and approve one issue; `subject` is the issue's id.
    REVIEW = "review"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a valid token says: for whom (or which issue), and when it was made, to the second."""

    subject: int
    made_at: datetime


class Signer:
    """Makes and reads tokens of at most 45 characters of `[0-9a-z._-]` and letters."""

    def __init__(self, secret: str) -> None:
        """`secret` is at least 32 characters; changing it makes every link in sent mails useless."""
        self._hash = KeyedHash(secret.encode())

    def sign(self, purpose: Purpose, scope: str, subject: int, made_at: datetime) -> str:
        """A token for `subject` within `scope` (a newsletter's key); equal input, equal token."""
        return self.series(purpose, scope, made_at)(subject)

    def series(self, purpose: Purpose, scope: str, made_at: datetime) -> Callable[[int], str]:
        """What `sign` gives to one subject after the other: what their tokens share is made once."""
        for_what, when = f"{purpose}\n{scope}", _to36(int(made_at.timestamp()))

        def token(subject: int) -> str:
            who = _to36(subject)
            return f"{who}.{when}.{self._mac(for_what, who, when)}"

        return token

    def read(
        self,
        token: str,
        purpose: Purpose,
        scope: str,
        *,
        now: datetime,
        life: timedelta | None = None,
    ) -> Claim:
        """The claim in a token; TokenError when it is not ours, TokenExpiredError past `life`."""
        parts = token.split(".")
        if len(parts) != 3 or len(token) > 80 or not token.isascii():
            raise TokenError
        who, when, mac = parts
        if not hmac.compare_digest(mac, self._mac(f"{purpose}\n{scope}", who, when)):
            raise TokenError
        claim = Claim(subject=int(who, 36), made_at=datetime.fromtimestamp(int(when, 36), UTC))
        if life is not None and now - claim.made_at > life:
            raise TokenExpiredError
        return claim

    def _mac(self, for_what: str, who: str, when: str) -> str:
        code = self._hash.of(f"{for_what}\n{who}\n{when}".encode())
        letters = binascii.b2a_base64(code[:_MAC_BYTES], newline=False)[:_MAC_LETTERS]
        return letters.translate(_IN_LINKS).decode()


# Each reader has two tokens, of one time.
@lru_cache(maxsize=64)
def _to36(number: int) -> str:
    """A non-negative number in base 36."""
    digits = ""
    while True:
        number, rest = divmod(number, 36)
        digits = _DIGITS[rest] + digits
        if not number:
            return digits
