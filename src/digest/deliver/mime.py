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
_MESSAGE_ID = re.compile(r"<?([!-;=?A-~]+@[!-;=?A-~]+)>?")
# The standard library encodes a blank at the end of a line even when that makes 78 bytes of the 76 allowed.
_OVERLONG = re.compile(rb"^([^\n]{74,75})(=20|=09)$", re.MULTILINE)
#: Written here, whatever the message says.
_OURS = frozenset({"message-id", "mime-version", "content-type", "content-transfer-encoding"})


def encode(message: Message) -> bytes:
    """The message ready for the wire: CRLF throughout, lines of at most 998 bytes, no bare CR, LF or NUL.

    Equal messages give equal bytes: the boundary is made from the Message-ID. From and To are taken from
    the message where its headers lack them. UsageError or AddressError names the header at fault.
    """
    head = b"".join(_head(message))
    if not message.html:
        return head + _part("plain", message.text)
    # "=_" can stand in neither quoted-printable nor base64, so no body can hold the boundary.
    boundary = f"=_{hashlib.sha256(message.message_id.encode()).hexdigest()[:32]}"
    kind = f'Content-Type: multipart/alternative;\r\n boundary="{boundary}"\r\n\r\n'
    line = f"--{boundary}\r\n".encode()
    parts = (_part("plain", message.text), _part("html", message.html))
    return head + kind.encode() + b"".join(line + part for part in parts) + f"--{boundary}--\r\n".encode()


def _head(message: Message) -> list[bytes]:
    """All headers but Content-Type, in the message's order."""
    given = [(name, value) for name, value in message.headers if name.lower() not in _OURS]
    names = [name.lower() for name, _ in given]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise UsageError(f"header {twice}: stands twice")
    missing = (("From", message.sender), ("To", message.recipient))
    given += [pair for pair in missing if pair[0].lower() not in names]
    lines = [write_header(name, value) for name, value in given]
    return [*lines, _message_id(message.message_id), b"MIME-Version: 1.0\r\n"]


def _message_id(value: str) -> bytes:
    found = _MESSAGE_ID.fullmatch(value)
    if not found:
        raise UsageError("header Message-ID: looks like <name@example.org>")
    return write_header("Message-ID", f"<{found[1]}>")


def _part(subtype: str, text: str) -> bytes:
    """One body with its headers, ending in CRLF."""
    name, body = _encode_body(text)
    head = f"Content-Type: text/{subtype}; charset=utf-8\r\nContent-Transfer-Encoding: {name}\r\n\r\n"
    return head.encode() + body


def _encode_body(text: str) -> tuple[str, bytes]:
    """The transfer encoding's name and the body in it, in lines of at most 76 bytes."""
    # splitlines() would also break at U+2028 and its like.
    lines = text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n") + "\n"
    plain = lines.encode("utf-8", "replace")
    quoted = binascii.b2a_qp(plain)
    # Looking first spares most messages half of the time that encoding takes.
    if b"=20\n" in quoted or b"=09\n" in quoted:
        quoted = _OVERLONG.sub(rb"\1=\n\2", quoted)
    quoted = quoted.replace(b"\n", b"\r\n")
    crlf = plain.replace(b"\n", b"\r\n")
    if len(quoted) > _QP_MAY_COST * _BASE64_COSTS * len(crlf):
        return "base64", base64.encodebytes(crlf).replace(b"\n", b"\r\n")
    return "quoted-printable", quoted
