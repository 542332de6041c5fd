"""An issue's messages, encoded once: a reader's own message is a join of blocks and a few values."""

import binascii
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Protocol

from digest.deliver.headers import write_header
from digest.deliver.mime import (
    Frame,
    canonical,
    given_headers,
    part_head,
    prefers_base64,
    quote,
    write_message_id,
)
from digest.domain import Pattern, Personal

_QP_LINE = 76
_DOTTED = re.compile(rb"^\..*$", re.MULTILINE)
_UNIT = re.compile(rb"=[0-9A-F]{2}|.")
#: That many encoded bytes fit into a line with a "=" after them.
_UNITS = 25
#: A piece that is not copied into its neighbours.
_LONG = 2048
#: A line of base64 holds that many bytes in 76 characters.
_LINE = 57


class Compiled:
    """A pattern as blocks; `message` joins them with one reader's values in about 0.02 ms."""

    def __init__(self, pattern: Pattern) -> None:
        """DigestError names the header at fault."""
        given = given_headers(pattern.headers)
        names = {name.lower() for name, _ in given}
        missing = (("From", pattern.sender), ("To", ""))
        given += [pair for pair in missing if pair[0].lower() not in names]
        #: Written headers, and the names of those that each reader has their own of.
        self._head: list[str | bytes] = []
        for name, value in given:
            self._add(name if value == "" else write_header(name, value))
        self._text = _body("plain", pattern.text)
        self._html = _body("html", pattern.html) if pattern.html else None
        self._frame = Frame(pattern.headers, pattern.sender)
        # Bodies are encoded; of headers only an address may hold more than ASCII.
        self._is_ascii = all(piece.isascii() for piece in self._head)

    def is_ascii(self, personal: Personal) -> bool:
        """True when the reader's message holds nothing but ASCII, which is dear to find out by looking."""
        return self._is_ascii and personal.recipient.isascii()

    def _add(self, piece: str | bytes) -> None:
        """Put fixed lines that follow each other together."""
        if self._head and isinstance(piece, bytes) and isinstance(self._head[-1], bytes):
            self._head[-1] += piece
        else:
            self._head.append(piece)

    def message(self, personal: Personal) -> bytes:
        """What `encode` makes of the reader's message, but for soft line breaks; errors as of `blocks`."""
        return b"".join(self.blocks(personal))

    def blocks(self, personal: Personal) -> tuple[bytes, ...]:
        """The message in a few pieces, of which the long ones are the same for all readers.

        DigestError names the header at fault.
        """
        out = [
            each if isinstance(each, bytes) else write_header(each, _own(personal, each))
            for each in self._head
        ]
        out += (write_message_id(personal.message_id), b"MIME-Version: 1.0\r\n")
        if self._html is None:
            self._text.fill(personal.values, out)
            return _packed(out)
        out.append(self._frame.first)
        self._text.fill(personal.values, out)
        out.append(self._frame.between)
        self._html.fill(personal.escaped, out)
        out.append(self._frame.last)
        return _packed(out)


def _packed(pieces: Sequence[bytes]) -> tuple[bytes, ...]:
    """The same with short neighbours put together: long ones are copied by the kernel alone."""
    out: list[bytes] = []
    short: list[bytes] = []
    for piece in pieces:
        if len(piece) < _LONG:
            short.append(piece)
            continue
        if short:
            out.append(b"".join(short))
            short = []
        out.append(piece)
    if short:
        out.append(b"".join(short))
    return tuple(out)


def _own(personal: Personal, name: str) -> str:
    """The reader's own value of a header; To is never empty."""
    return personal.headers.get(name) or (personal.recipient if name == "To" else "")


class _Body(Protocol):
    def fill(self, values: Mapping[str, str], out: list[bytes]) -> None:
        """Add the body with its headers, ending in CRLF."""
        ...


def _body(subtype: str, pieces: Sequence[str]) -> _Body:
    """The body in the encoding that suits its fixed text."""
    pieces = [*pieces[:-1], pieces[-1].removesuffix("\n") + "\n"]
    plain = canonical("".join(pieces[::2]))
    if prefers_base64(plain, quote(plain)):
        return _Base64(subtype, pieces)
    return _Quoted(subtype, pieces)


class _Quoted:
    """Quoted-printable: each block ends on a line break, hard or soft, and so does each value."""

    def __init__(self, subtype: str, pieces: Sequence[str]) -> None:
        #: Encoded text at the even places, room for values between them.
        self._pieces = [b"" if index % 2 else _quoted(piece) for index, piece in enumerate(pieces)]
        self._pieces[0] = part_head(subtype, "quoted-printable") + self._pieces[0]
        self._names = list(enumerate(pieces))[1::2]

    def fill(self, values: Mapping[str, str], out: list[bytes]) -> None:
        filled = self._pieces.copy()
        for index, name in self._names:
            filled[index] = _quoted_value(values[name])
        out += filled


def _quoted(text: str) -> bytes:
    """The text in quoted-printable, ending on a line break, hard or soft; no line begins with a dot."""
    if len(text) < _QP_LINE and text.isascii() and text.isprintable() and "=" not in text and text[:1] != ".":
        return text.encode() + b"=\r\n" if text else b""
    plain = canonical(text)
    if plain.endswith(b"\n"):
        quoted = quote(plain)
    else:
        # One more letter makes the encoder leave room for the "=" that takes its place.
        quoted = quote(plain + b"x")[:-1]
        quoted = quoted if quoted.endswith(b"\n") else quoted + b"=\n"
    return _DOTTED.sub(_without_dots, quoted).replace(b"\n", b"\r\n")


# A reader's values stand in both bodies, some of them more than once.
_quoted_value = lru_cache(maxsize=64)(_quoted)


def _without_dots(found: re.Match[bytes]) -> bytes:
    """A line with its dots encoded, in several where it would be too long."""
    units = _UNIT.findall(found[0].removesuffix(b"=").replace(b".", b"=2E"))
    soft = b"=" if found[0].endswith(b"=") else b""
    lines = [b"".join(units[start : start + _UNITS]) for start in range(0, len(units), _UNITS)]
    return b"=\n".join(lines) + soft


class _Base64:
    """Base64: a block is encoded from each of the three places in a group of three bytes it may begin at."""

    def __init__(self, subtype: str, pieces: Sequence[str]) -> None:
        self._head = part_head(subtype, "base64")
        self._blocks = [_Aligned(_crlf(piece)) for piece in pieces[::2]]
        self._names = pieces[1::2]

    def fill(self, values: Mapping[str, str], out: list[bytes]) -> None:
        out.append(self._head)
        rest = self._blocks[0].join(b"", out)
        for name, block in zip(self._names, self._blocks[1:], strict=True):
            rest = block.join(rest + _crlf(values[name]), out)
        out.append(_lines(rest))


class _Aligned:
    """One block of plain bytes, encoded three times."""

    def __init__(self, plain: bytes) -> None:
        #: For each number of bytes that complete a group: those bytes, the lines after them, the rest.
        self._by_missing = []
        for missing in range(3):
            whole = max(len(plain) - missing, 0) // 3 * 3 + missing
            self._by_missing.append((plain[:missing], _lines(plain[missing:whole]), plain[whole:]))

    def join(self, before: bytes, out: list[bytes]) -> bytes:
        """Add what came before and this block; what is left over for the next."""
        head, lines, rest = self._by_missing[-len(before) % 3]
        start = before + head
        if len(start) % 3:
            return start + rest
        out += (_lines(start), lines)
        return rest


def _crlf(text: str) -> bytes:
    return canonical(text).replace(b"\n", b"\r\n")


def _lines(plain: bytes) -> bytes:
    """Base64 in lines of at most 76 characters, each ending in CRLF."""
    chunks = (plain[start : start + _LINE] for start in range(0, len(plain), _LINE))
    return b"".join(binascii.b2a_base64(chunk, newline=False) + b"\r\n" for chunk in chunks)
