"""A Postfix log → what became of mails, by Message-ID. Hostile lines are passed over; memory stays flat."""

import re
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

#: Longer lines are no Postfix's.
_MAX_CHARACTERS = 8192
#: Queue ids that are followed at a time; Postfix says "removed" long before.
_FOLLOWED = 200_000

#: A stamp (syslog's or RFC 3339), a host, a daemon of Postfix (of any instance or syslog_name), a queue id.
#: From the first character on: what others wrote stands behind it and must not look like a line of its own.
_LINE = re.compile(
    r"(?:<\d{1,3}>)?(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT[\d:.+Z-]{8,30}) +[^\s/]{1,255} "
    r"(?:[\w.-]{1,64}/){1,4}(?P<daemon>[a-z]{2,12})\[\d{1,10}\]: (?:\[ID [^\]\s]{1,20} [^\]]{1,20}\] )?"
    r"(?P<queue>[0-9A-Za-z]{6,20}): (?P<said>.*)"
)
_MESSAGE_ID = re.compile(r"(?:resent-)?message-id=(<[^<>\s]{1,990}>)")
_STATUS = re.compile(r", dsn=[\d.]{5,11}, status=(?P<status>[a-z]{4,12})(?: \((?P<words>.*)\))?")
_FATES = {"sent": "sent", "deferred": "taken", "bounced": "bounced", "expired": "bounced"}


class Fate(StrEnum):
    """What a mail server did with a message that it was offered."""

    #: The final dot was seen, and it is in the queue or was put off: it goes on trying.
    TAKEN = "taken"
    #: Handed on, or put into the mailbox.
    SENT = "sent"
    BOUNCED = "bounced"
    #: Its head came, and then no end: the server has nothing.
    CUT_OFF = "cut off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """The last that a log says of a message."""

    message_id: str
    fate: Fate
    #: The server's own words, "" when there were none.
    words: str = ""


def read_postfix_log(lines: Iterable[str], wanted: Container[str]) -> Iterator[Trace]:
    """What became of the messages with these Message-IDs, in the order of the log.

    A message has several traces; of two, SENT and BOUNCED count more than TAKEN, and that more than CUT_OFF.
    """
    #: Message-IDs by the id under which Postfix keeps the message; an id may come again for another.
    queued: dict[str, str] = {}
    for line in lines:
        found = _LINE.match(line[:_MAX_CHARACTERS])
        if found is None:
            continue
        queue, said = found["queue"], found["said"]
        if found["daemon"] == "cleanup":
            if trace := _begin(queued, queue, said, wanted):
                yield trace
        elif queue in queued:
            if said.startswith("removed"):
                del queued[queue]
            elif fate := _fate(said):
                yield Trace(message_id=queued[queue], fate=fate[0], words=fate[1])


def _begin(queued: dict[str, str], queue: str, said: str, wanted: Container[str]) -> Trace | None:
    """Follow a queue id when it now stands for a wanted message."""
    found = _MESSAGE_ID.match(said)
    if found is None:
        return None
    queued.pop(queue, None)
    if found[1] not in wanted:
        return None
    if len(queued) >= _FOLLOWED:
        del queued[next(iter(queued))]
    queued[queue] = found[1]
    return Trace(message_id=found[1], fate=Fate.CUT_OFF)


def _fate(said: str) -> tuple[Fate, str] | None:
    """What a line about a known message says of its fate."""
    if "(queue active)" in said and said.startswith("from="):
        return Fate.TAKEN, ""
    found = _STATUS.search(said)
    if found is None or found["status"] not in _FATES:
        return None
    return Fate(_FATES[found["status"]]), (found["words"] or "").strip()
