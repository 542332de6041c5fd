"""The sample sites and readers, as the data files beside this module tell them."""

import tomllib
from dataclasses import dataclass
from datetime import time
from importlib.resources import files
from typing import Any

from digest.domain import SubscriptionState

_FOLDER = files("digest.demo")
#: Readers who end up with a confirmed subscription and an address that works.
_SERVED = frozenset({"confirmed", "twice"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleArticle:
    """One article of a sample site."""

    id: str
    title: str
    #: Where it is; empty means the site's own page of that id.
    link: str = ""
    summary: str = ""
    #: Before the demo's now; None gives it no date.
    hours_ago: float | None = None
    #: How long its full text is; 0 leaves the full text out of the feed.
    words: int = 0
    language: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleEvent:
    """One event of a sample calendar; days are counted from the demo's day, times are the organiser's."""

    id: str
    title: str
    summary: str
    in_days: int
    zone: str
    place: str = ""
    at: time | None = None
    hours: float = 0
    #: For an event of whole days: how many.
    days: int = 0
    status: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A sample site: "html" is a bad feed and "dead" does not answer; every other kind works."""

    kind: str
    file: str
    title: str
    site: str
    about: str
    owner: str
    section: str | None = None
    weight: float = 1.0
    articles: tuple[SampleArticle, ...] = ()
    events: tuple[SampleEvent, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """A sample reader and what becomes of them; `readers.toml` explains the states."""

    email: str
    name: str = ""
    state: str = "confirmed"
    sections: tuple[str, ...] = ()
    language: str = "en"
    zone: str = ""

    @property
    def presses(self) -> bool:
        """True when they press the button in the confirmation mail."""
        return self.state != SubscriptionState.PENDING

    @property
    def is_served(self) -> bool:
        """True when every issue that has something for them is to reach them, once."""
        return self.state in _SERVED


def sample_sites() -> tuple[Site, ...]:
    """The sites, by file name."""
    places = sorted(_FOLDER.joinpath("sites").iterdir(), key=lambda place: place.name)
    return tuple(
        _site(tomllib.loads(place.read_text("utf-8"))) for place in places if place.name.endswith(".toml")
    )


def _site(values: dict[str, Any]) -> Site:
    articles = tuple(SampleArticle(**each) for each in values.pop("articles", ()))
    events = tuple(_event(each) for each in values.pop("events", ()))
    return Site(**values, articles=articles, events=events)


def _event(values: dict[str, Any]) -> SampleEvent:
    at = values.pop("at", None)
    return SampleEvent(**values, at=time.fromisoformat(at) if at else None)


def sample_readers(count: int) -> tuple[Reader, ...]:
    """So many readers: those of the file, then confirmed ones with a number for a name."""
    listed = tomllib.loads(_FOLDER.joinpath("readers.toml").read_text("utf-8"))["readers"]
    named = [Reader(**each | {"sections": tuple(each.get("sections", ()))}) for each in listed[:count]]
    more = (
        Reader(email=f"reader{number}@crowd.example", name=f"Reader {number}")
        for number in range(len(named) + 1, count + 1)
    )
    return (*named, *more)
