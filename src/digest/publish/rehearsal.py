"""Make every message of an issue and send none: what would go wrong, before the first mail."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from digest.deliver import gist, is_canonical
from digest.domain import Delivery, Issue, Rendered, Subscription
from digest.errors import DigestError
from digest.house import House
from digest.publish.addressing import Addressing
from digest.render import lint
from digest.store import deliveries, renderings, subscribers

#: RFC 5322 §2.1.1, with the line break.
_MAX_LINE = 1000
_NEEDED = ("from", "to", "subject", "date", "message-id", "list-unsubscribe", "list-unsubscribe-post")
#: Problems that are told one by one.
_TOLD = 10


@dataclass(slots=True, kw_only=True)
class Rehearsal:
    """What would have been sent."""

    made: int = 0
    #: Readers who get none after all, by reason.
    skipped: Counter[str] = field(default_factory=Counter)
    #: Readers whose message cannot be made or sent, by what is wrong.
    broken: Counter[str] = field(default_factory=Counter)
    #: (reader, what is wrong) of the first of them.
    first: list[tuple[str, str]] = field(default_factory=list)
    warnings: tuple[str, ...] = ()
    smallest: int = 0
    largest: int = 0
    total_bytes: int = 0

    def add(self, data: bytes) -> None:
        """Count a message."""
        size = len(data)
        self.smallest = min(self.smallest or size, size)
        self.largest = max(self.largest, size)
        self.total_bytes += size
        self.made += 1

    def fail(self, email: str, words: str) -> None:
        """Count a message that is not fit to be sent."""
        self.broken[gist(words)] += 1
        if len(self.first) < _TOLD:
            self.first.append((email, words))


async def rehearse(house: House, issue: Issue, *, step: Callable[[int], None]) -> Rehearsal:
    """Every waiting message of an approved issue, made as `send` makes it and looked at. Changes nothing.

    `step` is told how many readers were done. The memory it takes does not grow with the readers.
    """
    async with house.store.read() as session:
        frozen = await renderings.of_issue(session, issue.id)
    done = Rehearsal(warnings=_warnings(frozen))
    addressing = Addressing(house, issue, frozen)
    after = 0
    while True:
        async with house.store.read() as session:
            page = await deliveries.waiting_page(session, issue.id, after=after)
            ids = [one.subscriber_id for one in page]
            readers = await subscribers.of_ids(session, issue.newsletter, ids)
        if not page:
            return done
        for one in page:
            _try_one(addressing, one, readers.get(one.subscriber_id), done, at=issue.due_at)
        after = page[-1].subscriber_id
        step(len(page))


def _warnings(frozen: dict[str, Rendered]) -> tuple[str, ...]:
    """What lint says of each choice of sections, each once."""
    found = (problem.words for rendered in frozen.values() for problem in lint(rendered))
    return tuple(dict.fromkeys(found))


def _try_one(
    addressing: Addressing, delivery: Delivery, reader: Subscription | None, done: Rehearsal, *, at: datetime
) -> None:
    """Count what would become of one delivery."""
    why = addressing.exclusion(delivery, reader, at=at)
    if why or reader is None:
        done.skipped[why] += 1
        return
    try:
        data = addressing.envelope(delivery, reader).data
    except DigestError as exc:
        done.fail(reader.subscriber.email, exc.what)
        return
    if wrong := _wrong(data):
        done.fail(reader.subscriber.email, wrong)
    else:
        done.add(data)


def _wrong(data: bytes) -> str:
    """What no mail server may be offered, or "" when all is well."""
    if not is_canonical(data):
        return "the message has a bare CR, LF or NUL"
    if max(map(len, data.splitlines(keepends=True))) > _MAX_LINE:
        return "a line is longer than 998 characters"
    head = b"\r\n" + data.partition(b"\r\n\r\n")[0].lower()
    missing = [name for name in _NEEDED if f"\r\n{name}:".encode() not in head]
    return f"the header {missing[0]} is missing" if missing else ""
