"""What a setting may be: a line, a zone, an address; and what all parts of the settings are."""

import difflib
import re
from functools import cache
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from digest.domain import Section


@cache
def zones() -> frozenset[str]:
    """The names of all time zones. Kept: to find them on the disk takes 10 ms."""
    return frozenset(available_timezones())


def _zone(name: str) -> str:
    if name not in zones():
        near = difflib.get_close_matches(name, zones(), 1)
        raise ValueError(f"no such time zone{f'; did you mean {near[0]}?' if near else ''}")
    return name


def _one_line(text: str) -> str:
    if any(not char.isprintable() for char in text):
        raise ValueError("must be one line without control characters")
    return text.strip()


def _web_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise ValueError("must start with http:// or https://")
    return text.rstrip("/")


def web_url_or_none(text: str) -> str:
    """The address without a slash at its end; "" is none."""
    return _web_url(text) if text else ""


def _mailbox(text: str) -> str:
    if not re.fullmatch(r"[^@\s<>,;:\"()\x00-\x1f]+@[^@\s<>,;:\"()\x00-\x1f]+", text):
        raise ValueError("an address looks like name@example.org")
    return text


def _word(text: str) -> str:
    if not 0 < len(text) <= 60:
        raise ValueError("has 1 to 60 characters")
    return text


#: Of all sections together: each article is held against them.
MAX_EXAMPLES = 400


def _sections(sections: tuple[Section, ...]) -> tuple[Section, ...]:
    keys = [section.key for section in sections]
    for key in keys:
        if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,40}", key):
            raise ValueError(f'"{key}" is no key: at most 41 small letters, digits, hyphens and underscores')
        if keys.count(key) > 1:
            raise ValueError(f'two sections have the key "{key}"')
    if not all(_one_line(section.label) and section.label.strip() for section in sections):
        raise ValueError("each needs a label")
    examples = [title for section in sections for title in section.examples]
    if len(examples) > MAX_EXAMPLES or not all(0 < len(title.strip()) <= 300 for title in examples):
        raise ValueError(f"at most {MAX_EXAMPLES} examples, each a title of 1 to 300 characters")
    return sections


Line = Annotated[str, AfterValidator(_one_line)]
#: What is looked for in texts; an empty one would be found everywhere.
Word = Annotated[Line, AfterValidator(_word)]
Zone = Annotated[str, AfterValidator(_zone)]
WebUrl = Annotated[str, AfterValidator(_web_url)]
#: A reader's choice is stored as their keys, with commas between.
Sections = Annotated[tuple[Section, ...], Field(min_length=1, max_length=8), AfterValidator(_sections)]
Mailbox = Annotated[str, AfterValidator(_mailbox)]


class Part(BaseModel):
    """A frozen part of the settings that knows every key it allows."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


def local_zone(name: str) -> ZoneInfo:
    """The zone of that name, UTC when it is empty or unknown."""
    return ZoneInfo(name) if name in zones() else ZoneInfo("UTC")
