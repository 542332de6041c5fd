"""An address on its way from one page to the next, unreadable in between.

After signing up the browser is sent on to a page that names the address. It may not stand in that page's
address in clear, because addresses of pages are logged and kept in histories; a cookie is not wanted, and
memory does not outlive a restart or span two processes. So it is sealed: encrypted with a keystream of
HMAC-SHA256 in counter mode and authenticated by the very tag that starts the keystream (a synthetic
initialisation vector, as in RFC 5297), so that no two texts share a stream.
"""

import base64
import binascii
import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from itertools import count

from digest.errors import TokenError, TokenExpiredError

_TAG = 16
_MAX_LENGTH = 800


class Sealer:
    """Seals short texts, each for one purpose."""

    def __init__(self, secret: str) -> None:
        """`secret` is the house's; two keys are made from it, so that links and seals share none."""
        self._tag_key = _hmac(secret.encode(), b"seal: tag")
        self._stream_key = _hmac(secret.encode(), b"seal: stream")

    def seal(self, purpose: str, text: str, now: datetime) -> str:
        """The text as letters, digits, "-" and "_"."""
        plain = f"{int(now.timestamp())}\n{text}".encode()
        tag = self._tag(purpose, plain)
        return base64.urlsafe_b64encode(tag + self._mix(tag, plain)).rstrip(b"=").decode()

    def open(self, purpose: str, sealed: str, *, now: datetime, life: timedelta) -> tuple[str, datetime]:
        """(the text, when it was sealed); TokenError when it is not ours, TokenExpiredError past `life`."""
        if len(sealed) > _MAX_LENGTH or not sealed.isascii():
            raise TokenError
        try:
            data = base64.urlsafe_b64decode(sealed + "=" * (-len(sealed) % 4))
        except (binascii.Error, ValueError) as exc:
            raise TokenError from exc
        tag, plain = data[:_TAG], self._mix(data[:_TAG], data[_TAG:])
        if not hmac.compare_digest(tag, self._tag(purpose, plain)):
            raise TokenError
        second, _, text = plain.decode().partition("\n")
        made_at = datetime.fromtimestamp(int(second), UTC)
        if now - made_at > life:
            raise TokenExpiredError
        return text, made_at

    def _tag(self, purpose: str, plain: bytes) -> bytes:
        return _hmac(self._tag_key, purpose.encode() + b"\0" + plain)[:_TAG]

    def _mix(self, tag: bytes, data: bytes) -> bytes:
        """The data crossed with the keystream that begins at `tag`; twice is the data again."""
        stream = b""
        for block in count():
            if len(stream) >= len(data):
                break
            stream += _hmac(self._stream_key, tag + block.to_bytes(4, "big"))
        return bytes(one ^ other for one, other in zip(data, stream, strict=False))


def _hmac(key: bytes, data: bytes) -> bytes:
    return hmac.new(key, data, hashlib.sha256).digest()
