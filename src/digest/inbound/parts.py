"""The parts and header values of a parsed mail, as plain text, whatever its sender made of them."""

import re
from collections.abc import Iterator
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from email.utils import parseaddr

_ADDRESS = re.compile(r"[^\s<>,;:\"()@]{1,64}@[^\s<>,;:\"()@]{1,255}")
_MESSAGE_ID = re.compile(r"<[^\s<>]{3,250}>")
_ID_LINE = re.compile(rf"^Message-ID:\s*({_MESSAGE_ID.pattern})", re.IGNORECASE | re.MULTILINE)
#: Message/global-headers is parsed like a message, text/rfc822-headers is not.
_RETURNED = ("message/rfc822", "message/global", "message/global-headers")
#: Where a mail's own recipient stands, the envelope's first.
_RECIPIENT_FIELDS = ("Delivered-To", "X-Original-To", "Envelope-To", "To", "Cc")


def header(message: Message, name: str) -> str:
    """The first field of that name, decoded, on one line; "" when there is none."""
    value = message.get(name)
    return "" if value is None else _line(_decoded(str(value)))


def address(text: str) -> str:
    """The first e-mail address in a field's value, without display name or type; "" when there is none."""
    found = _ADDRESS.fullmatch(parseaddr(text)[1]) or _ADDRESS.search(text)
    return found[0] if found else ""


def recipients(message: Message) -> Iterator[tuple[str, str]]:
    """The (local part, plus tag) of each address the mail was sent to; the tag may be empty."""
    for name in _RECIPIENT_FIELDS:
        for value in message.get_all(name, []):
            for found in _ADDRESS.finditer(_line(str(value))):
                local, _, tag = found[0].rpartition("@")[0].partition("+")
                yield local.casefold(), tag


def reports(message: Message, kind: str) -> Iterator[Message]:
    """The field blocks inside the parts of one content type, such as "message/delivery-status"."""
    for part in message.walk():
        if part.get_content_type() == kind and isinstance(blocks := part.get_payload(), list):
            yield from (block for block in blocks if isinstance(block, Message))


def returned(message: Message) -> Message | None:
    """The mail that a report returns as a part of its own, or None."""
    return next((block for kind in _RETURNED for block in reports(message, kind)), None)


def returned_id(message: Message) -> str:
    """The Message-ID of the mail that the report returns, whole or only its headers; "" when it does not."""
    if inner := returned(message):
        found = _MESSAGE_ID.search(str(inner.get("Message-ID", "")))
        return found[0] if found else ""
    for part in message.walk():
        if part.get_content_type() == "text/rfc822-headers":
            found = _ID_LINE.search(_text(part))
            return found[1] if found else ""
    return ""


def _text(part: Message) -> str:
    raw = part.get_payload(decode=True)
    return raw.decode("utf-8", "replace") if isinstance(raw, bytes) else ""


def _decoded(value: str) -> str:
    try:
        return str(make_header(decode_header(value)))
    except (HeaderParseError, LookupError, ValueError):
        return value


def _line(text: str) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())
