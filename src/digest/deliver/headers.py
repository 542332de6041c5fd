"""Header lines on bytes: RFC 5322 folding, RFC 2047 words only where they are allowed.

The standard library's writer encodes a long List-Unsubscribe as a word, after which mail programs show
no unsubscribe button; here structured fields are never encoded and never broken but at their spaces.
"""

import base64
import re
import string
from functools import lru_cache

from digest.deliver.addresses import ascii_domain, wire_address
from digest.errors import AddressError, UsageError

_FOLD_AT = 78
#: RFC 5322 §2.1.1, without the line break.
_MAX_LINE = 998
#: RFC 2047 §2: an encoded word, with its delimiters.
_MAX_WORD = 75
#: Q can be read in a header's source, so it may be that much longer than B.
_Q_MAY_COST = 1.5
_WORD_FRAME = len("=?utf-8?q??=")

_MAILBOX_FIELDS = frozenset({"from", "to", "cc", "sender", "reply-to"})
_UNSTRUCTURED_FIELDS = frozenset({"subject", "comments", "organization", "x-mailer"})

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,49}")
_FORBIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_PHRASE_AND_REST = re.compile(r"(?P<phrase>.*?) *<(?P<rest>[^<>]*)>")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]"
_ATOMS = re.compile(rf"{_ATOM}+(?: {_ATOM}+)*")
#: A name that needs no quotes before an address that needs no encoding: what most readers have.
_PLAIN_MAILBOX = re.compile(rf"(?:{_ATOM}+ )+<(?:{_ATOM}|\.)+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?>")
_SINGLE_SPACED = re.compile(r"[!-~]+(?: [!-~]+)*")
#: What may stand for itself in a Q-encoded word within a phrase (RFC 2047 §5 (3)).
_Q_SAFE = frozenset((string.ascii_letters + string.digits + "!*+-/").encode())


def write_header(name: str, value: str) -> bytes:
    """The header's lines, ending in CRLF, at most 78 characters each where the value can be folded.

    Names in address fields, the phrase of List-Id and the Subject are encoded where they need it; every
    other field must be ASCII and is sent as it is. UsageError for a control character or a value that
    does not fit, AddressError for a bad address.
    """
    if not _is_name(name):
        raise UsageError(f"{name!r} is not the name of a header")
    is_plain = value.isascii() and value.isprintable()
    if not is_plain and (bad := _FORBIDDEN.search(value)):
        raise UsageError(
            f"header {name}: line breaks and control characters are refused (U+{ord(bad[0]):04X})"
        )
    folded = _fold(f"{name}:", _pieces(name, value))
    if len(folded) > _MAX_LINE and any(len(line) > _MAX_LINE for line in folded.split("\r\n")):
        raise UsageError(f"header {name}: a part is longer than {_MAX_LINE} characters")
    return folded.encode()


@lru_cache(maxsize=256)
def _is_name(name: str) -> bool:
    return _NAME.fullmatch(name) is not None


def _pieces(name: str, value: str) -> list[str]:
    """The value as parts between which a line may break."""
    key = name.lower()
    first = _FOLD_AT - len(name) - 2
    if key in _MAILBOX_FIELDS:
        return _mailbox(name, value, first)
    if key == "list-id":
        return _list_id(name, value, first)
    if key in _UNSTRUCTURED_FIELDS:
        return _unstructured(value, first)
    if not value.isascii():
        raise UsageError(f"header {name}: only ASCII is allowed here")
    return value.split()


def _mailbox(name: str, value: str, first: int) -> list[str]:
    """`Name <address>` or a bare address; the name is given plain or in quotes."""
    is_short = len(value) < first and "=?" not in value and ".." not in value
    if is_short and _PLAIN_MAILBOX.fullmatch(value):
        return [value]
    found = _PHRASE_AND_REST.fullmatch(value.strip())
    phrase, address = (found["phrase"], found["rest"]) if found else ("", value.strip())
    try:
        wire = wire_address(address)
    except AddressError as exc:
        raise AddressError(f"header {name}: {exc.what}") from exc
    return [*_phrase(phrase, first), f"<{wire}>"] if phrase else [wire]


def _list_id(name: str, value: str, first: int) -> list[str]:
    """`Name <list.example.org>` (RFC 2919)."""
    found = _PHRASE_AND_REST.fullmatch(value.strip())
    if not found:
        raise UsageError(f"header {name}: looks like Name <list.example.org>")
    return [*_phrase(found["phrase"], first), f"<{ascii_domain(found['rest'])}>"]


def _phrase(text: str, first: int) -> list[str]:
    """A display name: atoms, a quoted string, or encoded words."""
    if quoted := _QUOTED.fullmatch(text):
        text = re.sub(r"\\(.)", r"\1", quoted[1])
    text = " ".join(text.split())
    if not text or (_ATOMS.fullmatch(text) and "=?" not in text and _fits(text, first)):
        return text.split()
    if _SINGLE_SPACED.fullmatch(text) and "=?" not in text and len(text) < first // 2:
        return ['"' + re.sub(r'(["\\])', r"\\\1", text) + '"']
    return _words(text, first)


def _unstructured(text: str, first: int) -> list[str]:
    """Plain words where all is plain ASCII, else one run of encoded words."""
    if not text or (_SINGLE_SPACED.fullmatch(text) and "=?" not in text and _fits(text, first)):
        return text.split()
    return _words(text, first)


def _fits(text: str, first: int) -> bool:
    """True when the text can be folded at its spaces."""
    words = text.split()
    return len(words[0]) <= first and all(len(word) < _FOLD_AT for word in words)


def _words(text: str, first: int) -> list[str]:
    """Encoded words (RFC 2047) of whole characters, the first with its own limit; Q or B by length."""
    units = [char.encode() for char in text]
    quoted = [_q(unit) for unit in units]
    in_q = sum(map(len, quoted)) <= _Q_MAY_COST * sum(map(len, units)) * 4 / 3
    sizes = [len(piece) for piece in quoted] if in_q else [len(unit) for unit in units]
    words, start, room = [], 0, min(first, _MAX_WORD)
    while start < len(units):
        capacity = room - _WORD_FRAME if in_q else (room - _WORD_FRAME) // 4 * 3
        end, used = start, 0
        while end < len(units) and (used + sizes[end] <= capacity or end == start):
            used += sizes[end]
            end += 1
        if in_q:
            words.append(f"=?utf-8?q?{''.join(quoted[start:end])}?=")
        else:
            words.append(f"=?utf-8?b?{base64.b64encode(b''.join(units[start:end])).decode()}?=")
        start, room = end, _MAX_WORD
    return words


def _q(unit: bytes) -> str:
    """One character in the Q encoding."""
    if unit == b" ":
        return "_"
    return "".join(chr(byte) if byte in _Q_SAFE else f"={byte:02X}" for byte in unit)


def _fold(head: str, pieces: list[str]) -> str:
    """The head and its pieces on lines of at most 78 characters; the first piece stays with the head."""
    lines = [head]
    for number, piece in enumerate(pieces):
        if number and len(lines[-1]) + 1 + len(piece) > _FOLD_AT:
            lines.append("")
        lines[-1] += f" {piece}"
    return "\r\n".join(lines) + "\r\n"
