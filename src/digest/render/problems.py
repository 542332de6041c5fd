"""What is wrong with a rendered issue, before anybody gets it."""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from itertools import chain
from typing import Literal

from digest.domain import Rendered
from digest.render.marks import PLACES, mark, passage, without_marks

#: Gmail cuts a longer page off, and with it the way out.
_CLIP_BYTES = 102 * 1024
_WARN_BYTES = 80 * 1024
_NOTE_LETTERS = 240
_SUBJECT_LETTERS = 70
_SCHEMES = ("https://", "http://", "mailto:")
_LEFTOVER = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{\{|\{%")
_OUR_PLACES = frozenset(map(mark, PLACES))
_TAG = re.compile(r"<[^>]*>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing to look at: "stop" keeps an issue from being sent, "warn" does not."""

    severity: Literal["stop", "warn"]
    words: str


def lint(rendered: Rendered) -> tuple[Problem, ...]:
    """Everything that is wrong, stops first."""
    found = (rule(rendered) for rule in (_size, _subject, _duties, _note, _leftovers, _links))
    return tuple(sorted(chain.from_iterable(found), key=lambda problem: problem.severity))


def _stop(words: str) -> Problem:
    return Problem(severity="stop", words=words)


def _warn(words: str) -> Problem:
    return Problem(severity="warn", words=words)


def _size(rendered: Rendered) -> Iterator[Problem]:
    size = len(rendered.html.encode())
    if size >= _CLIP_BYTES:
        yield _stop(f"the mail is {size // 1024} KB: Gmail cuts it off at 102 KB; take some stories out")
    elif size >= _WARN_BYTES:
        yield _warn(f"the mail is {size // 1024} KB of the 102 KB that Gmail shows")


def _subject(rendered: Rendered) -> Iterator[Problem]:
    if not rendered.subject:
        yield _stop("the subject is empty")
    elif len(rendered.subject) > _SUBJECT_LETTERS:
        yield _warn(f"the subject has {len(rendered.subject)} characters; {_SUBJECT_LETTERS} are seen")


def _duties(rendered: Rendered) -> Iterator[Problem]:
    """A way out and a postal address stand in every issue (CAN-SPAM §7704)."""
    for body, kind in ((rendered.html, "HTML"), (rendered.text, "text")):
        if mark("leave") not in body:
            yield _stop(f"the {kind} part has no link to unsubscribe")
        if not _plain(passage(body, "postal") or ""):
            yield _stop(f'the {kind} part has no postal address: set "address" of the newsletter')


def _note(rendered: Rendered) -> Iterator[Problem]:
    letters = len(_plain(passage(rendered.html, "note") or ""))
    if letters > _NOTE_LETTERS:
        yield _warn(f"the note has {letters} characters; over {_NOTE_LETTERS} hide the news on a phone")


def _leftovers(rendered: Rendered) -> Iterator[Problem]:
    for leftover in dict.fromkeys(_LEFTOVER.findall(f"{rendered.subject}\n{rendered.text}")):
        yield _warn(f"{leftover[:60]!r} looks like something a template left over")


def _links(rendered: Rendered) -> Iterator[Problem]:
    links = _Links()
    links.feed(rendered.html)
    for href in dict.fromkeys(links.found):
        if not href.lower().startswith(_SCHEMES) and href not in _OUR_PLACES:
            yield _stop(f"{href[:80]!r} is not a web address")


class _Links(HTMLParser):
    """Collects the addresses of all links."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the address of a link."""
        if tag == "a":
            self.found += [value or "" for name, value in attrs if name == "href"]


def _plain(markup: str) -> str:
    return " ".join(html.unescape(_TAG.sub("", without_marks(markup))).split())
