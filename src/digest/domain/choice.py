"""What one rendering of an issue is made for: all readers who get the very same. Standard library only."""

import re
from dataclasses import dataclass

_KEY = re.compile(r"([^@!~]*)(?:~([^@!]*))?(?:@([^!]*))?((?:!\d+)*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Sections, topics, a zone, and earlier issues; a reader's delivery names theirs by its `key`."""

    #: Keys of sections; none means all.
    sections: tuple[str, ...] = ()
    #: Keys of topics; none means all stories.
    topics: tuple[str, ...] = ()
    #: IANA name of the clocks that events are told on; empty for the newsletter's.
    zone: str = ""
    #: Ids of earlier issues that tell some of the same and that these readers were sent.
    had: tuple[int, ...] = ()

    @property
    def key(self) -> str:
        """ "events,news~agents@Asia/Tokyo!12!15"; "" for the whole issue."""
        topics = f"~{_listed(self.topics)}" if self.topics else ""
        place = f"@{self.zone}" if self.zone else ""
        return _listed(self.sections) + topics + place + "".join(f"!{one}" for one in sorted(self.had))

    @classmethod
    def parse(cls, key: str) -> "Choice":
        """The choice of that key."""
        found = _KEY.fullmatch(key)
        if found is None:
            raise ValueError(f"{key!r} is no choice")
        sections, topics, zone, had = found.groups()
        return cls(
            sections=tuple(sections.split(",")) if sections else (),
            topics=tuple(topics.split(",")) if topics else (),
            zone=zone or "",
            had=tuple(int(one) for one in had.split("!")[1:]),
        )


def _listed(keys: tuple[str, ...]) -> str:
    return ",".join(sorted(set(keys)))
