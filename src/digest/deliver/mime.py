"""A message as bytes: our own header writer and a multipart/alternative, the same bytes every time."""

import base64
import binascii
import hashlib
import re

from digest.deliver.headers import write_header
from digest.domain import Message
from digest.errors import UsageError

#: Quoted-printable stays readable, but Polish, Chinese or Japanese grows by half in it.
_QP_MAY_COST = 1.35
#: Four bytes for three, in lines of 76 and a CRLF.
_BASE64_COSTS = 4 / 3 * 78 / 76
#: What is shorter is one line whatever it is.
_LONGEST_ID = 900
_MESSAGE_ID = re.compile(r"<?([!-;=?A-~]+@[!-;=?A-~]+)>?")
# The standard library encodes a blank at the end of a line even when that makes 78 bytes of the 76 allowed.
_OVERLONG = re.compile(rb"^([^\n]{74,75})(=20|=09)$", re.MULTILINE)
#: Written here, whatever the message says.
_OURS = frozenset({"message-id", "mime-version", "content-type", "content-transfer-encoding"})


def encode(message: Message) -> bytes:
    """The message ready for the wire: CRLF throughout, lines of at most 998 bytes, no bare CR, LF or NUL.

    Equal messages give equal bytes: the boundary is made from what the message says. From and To are taken
    from the message where its headers lack them. UsageError or AddressError names the header at fault.
    """
    head = b"".join(_head(message))
    if not message.html:
        return head + _part("plain", message.text)
    frame = Frame(message.headers, message.message_id)
    parts = (_part("plain", message.text), _part("html", message.html))
    return head + frame.first + parts[0] + frame.between + parts[1] + frame.last


class Frame:
    """The lines of a multipart/alternative around its two parts."""

    def __init__(self, headers: tuple[tuple[str, str], ...], message_id: str) -> None:
        """The messages of one issue share a Feedback-ID and with it the boundary; others have their own."""
        seed = next((value for name, value in headers if name == "Feedback-ID"), "") or message_id
        # "=_" can stand in neither quoted-printable nor base64, so no body can hold the boundary.
        boundary = f"=_{hashlib.sha256(seed.encode('utf-8', 'replace')).hexdigest()[:32]}"
        kind = f'Content-Type: multipart/alternative;\r\n boundary="{boundary}"\r\n\r\n'
        self.between = f"--{boundary}\r\n".encode()
        self.first = kind.encode() + self.between
        self.last = f"--{boundary}--\r\n".encode()


def _head(message: Message) -> list[bytes]:
    """All headers but Content-Type, in the message's order."""
    given = given_headers(message.headers)
    names = {name.lower() for name, _ in given}
    missing = (("From", message.sender), ("To", message.recipient))
    given += [pair for pair in missing if pair[0].lower() not in names]
    lines = [write_header(name, value) for name, value in given]
    return [*lines, write_message_id(message.message_id), b"MIME-Version: 1.0\r\n"]


def given_headers(headers: tuple[tuple[str, str], ...]) -> list[tuple[str, str]]:
    """Those that are not written here; UsageError when one stands twice."""
    given = [(name, value) for name, value in headers if name.lower() not in _OURS]
    names = [name.lower() for name, _ in given]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise UsageError(f"header {twice}: stands twice")
    return given


def write_message_id(value: str) -> bytes:
    """The Message-ID header; UsageError for what cannot be one."""
    found = _MESSAGE_ID.fullmatch(value)
    if not found:
        raise UsageError("header Message-ID: looks like <name@example.org>")
    if len(value) > _LONGEST_ID:
        return write_header("Message-ID", f"<{found[1]}>")
    return f"Message-ID: <{found[1]}>\r\n".encode()


def _part(subtype: str, text: str) -> bytes:
    """One body with its headers, ending in CRLF."""
    plain = canonical(text.removesuffix("\n") + "\n")
    name, body = _encode_body(plain)
    return part_head(subtype, name) + body


def part_head(subtype: str, encoding: str) -> bytes:
    """The headers of a body and the empty line after them."""
    lines = f"Content-Type: text/{subtype}; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    return lines.encode()


def canonical(text: str) -> bytes:
    """The text in UTF-8 with all line breaks as LF; a lone surrogate becomes a question mark."""
    # splitlines() would also break at U+2028 and its like.
    return text.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "replace")


def prefers_base64(plain: bytes, quoted: bytes) -> bool:
    """True when base64 is so much shorter that it outweighs being readable in a message's source."""
    crlf = len(plain) + plain.count(b"\n")
    return len(quoted) + quoted.count(b"\n") > _QP_MAY_COST * _BASE64_COSTS * crlf


def quote(plain: bytes) -> bytes:
    """Quoted-printable with LF, in lines of at most 76 bytes."""
    quoted = binascii.b2a_qp(plain)
    # Looking first spares most messages half of the time that encoding takes.
    if b"=20\n" in quoted or b"=09\n" in quoted:
        quoted = _OVERLONG.sub(rb"\1=\n\2", quoted)
    return quoted


def _encode_body(plain: bytes) -> tuple[str, bytes]:
    """The transfer encoding's name and the body in it, in lines of at most 76 bytes."""
    quoted = quote(plain)
    if prefers_base64(plain, quoted):
        return "base64", base64.encodebytes(plain.replace(b"\n", b"\r\n")).replace(b"\n", b"\r\n")
    return "quoted-printable", quoted.replace(b"\n", b"\r\n")
