"""Signed links, each bound to one purpose. Nothing is stored: the token carries who and when."""

import base64
import hmac
import string
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
        self._empty = hmac.new(secret.encode(), digestmod="sha256")

    def sign(self, purpose: Purpose, scope: str, subject: int, made_at: datetime) -> str:
        """A token for `subject` within `scope` (a newsletter's key); equal input, equal token."""
        who, when = _to36(subject), _to36(int(made_at.timestamp()))
        return f"{who}.{when}.{self._mac(purpose, scope, who, when)}"

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
        if not hmac.compare_digest(mac, self._mac(purpose, scope, who, when)):
            raise TokenError
        claim = Claim(subject=int(who, 36), made_at=datetime.fromtimestamp(int(when, 36), UTC))
        if life is not None and now - claim.made_at > life:
            raise TokenExpiredError
        return claim

    def _mac(self, purpose: Purpose, scope: str, who: str, when: str) -> str:
        text = f"{purpose}\n{scope}\n{who}\n{when}".encode()
        # A copy is cheaper than a new one, and hmac.digest() lets go of the GIL for a microsecond of work.
        code = self._empty.copy()
        code.update(text)
        mac = base64.b64encode(code.digest()[:_MAC_BYTES], b"-_")
        return mac[:_MAC_LETTERS].decode()


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
