"""What one rendering of an issue is made for: all readers who get the very same. Standard library only."""

import re
from dataclasses import dataclass

_HAD = re.compile(r"!(\d+)(?:\(([^()]*)\))?")
_KEY = re.compile(rf"([^@!~]*)(?:~([^@!]*))?(?:@([^!]*))?((?:{_HAD.pattern})*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Had:
    """An earlier issue that tells some of the same, as these readers were sent it."""

    issue_id: int
    #: Sections and topics of their copy, as the key of a `Choice`, where it may have told less than what
    #: they choose now; "" where it told all of that.
    choice: str = ""

    @property
    def key(self) -> str:
        """ "!12" or "!12(news~agents)"."""
        return f"!{self.issue_id}({self.choice})" if self.choice else f"!{self.issue_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Sections, topics, a zone, and earlier issues; a reader's delivery names theirs by its `key`."""

    #: Keys of sections; none means all.
    sections: tuple[str, ...] = ()
    #: Keys of topics; none means all stories.
    topics: tuple[str, ...] = ()
    #: IANA name of the clocks that events are told on; empty for the newsletter's.
    zone: str = ""
    #: Earlier issues that these readers were sent.
    had: tuple[Had, ...] = ()

    @property
    def key(self) -> str:
        """ "events,news~agents@Asia/Tokyo!12!15(news)"; "" for the whole issue."""
        topics = f"~{_listed(self.topics)}" if self.topics else ""
        place = f"@{self.zone}" if self.zone else ""
        had = sorted(self.had, key=lambda one: one.issue_id)
        return _listed(self.sections) + topics + place + "".join(one.key for one in had)

    @classmethod
    def parse(cls, key: str) -> "Choice":
        """The choice of that key."""
        found = _KEY.fullmatch(key)
        if found is None:
            raise ValueError(f"{key!r} is no choice")
        sections, topics, zone, had = found.group(1, 2, 3, 4)
        return cls(
            sections=tuple(sections.split(",")) if sections else (),
            topics=tuple(topics.split(",")) if topics else (),
            zone=zone or "",
            had=tuple(Had(issue_id=int(one), choice=choice) for one, choice in _HAD.findall(had)),
        )


def _listed(keys: tuple[str, ...]) -> str:
    return ",".join(sorted(set(keys)))
