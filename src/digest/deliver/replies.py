"""What a server's reply means, and its words on one line. Pure."""

import re

from digest.domain import OutcomeKind

_MAX_CHARACTERS = 500
_GIST_CHARACTERS = 120
#: What names one message or one reader: links, addresses, and words of a queue or a session.
_NAMED = (
    re.compile(r"https?://\S+"),
    re.compile(r"<?[^\s<>]+@[^\s<>]+>?"),
    re.compile(r"\b(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[\w-]{8,}(?:\.[\w-]+)*"),
)
_ENHANCED = re.compile(r"[245]\.\d{1,3}\.\d{1,3}\b")
#: "You are not logged in" in its forms (RFC 4954 §6): our own fault, never the message's or the reader's.
_ABOUT_US = frozenset({530, 534, 535, 538})


def meaning(code: int) -> OutcomeKind | None:
    """What a reply to an offered message says of it; None for a code that is no answer."""
    if code in _ABOUT_US:
        return OutcomeKind.DEFERRED
    return {2: OutcomeKind.SENT, 4: OutcomeKind.DEFERRED, 5: OutcomeKind.FAILED}.get(code // 100)


def words(code: int, text: str) -> str:
    """Code, enhanced code and text on one line of at most 500 characters, fit for a database and a terminal.

    The enhanced code that servers repeat on each line stands once.
    """
    lines = _clean(text)
    if len(lines) > 1 and (code_of_all := _ENHANCED.match(lines[0])):
        lines[1:] = [line.removeprefix(code_of_all[0]).lstrip() for line in lines[1:]]
    return " ".join([str(code), *lines])[:_MAX_CHARACTERS].rstrip()


def one_line(text: str) -> str:
    """Any text on one line of at most 500 printable characters."""
    return " ".join(_clean(text))[:_MAX_CHARACTERS].rstrip()


def gist(reply: str) -> str:
    """What replies have in common that differ only in whom and what they name: addresses, ids, links."""
    for pattern in _NAMED:
        reply = pattern.sub("…", reply)
    return reply[:_GIST_CHARACTERS].rstrip()


def _clean(text: str) -> list[str]:
    """The lines that hold something, without controls and what was no UTF-8."""
    if text.isascii() and text.isprintable():
        return [" ".join(text.split())] if text.strip() else []
    text = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    lines = ("".join(char if char.isprintable() else " " for char in line) for line in text.splitlines())
    return [" ".join(line.split()) for line in lines if line.strip()]
