"""The message of one delivery, or why there is none: sending and its rehearsal make it in one place."""

from collections import OrderedDict
from datetime import datetime

from digest.deliver import Compiled, Envelope
from digest.domain import Choice, Delivery, Issue, Rendered, Subscription
from digest.house import House
from digest.publish.mails import nothing_for, own_parts, shared_part

#: So many encoded editions are kept, those last used: 50 KB each, made again in two milliseconds.
MOST_COMPILED = 500


class Addressing:
    """An issue's messages, encoded once for each edition that its readers get."""

    def __init__(self, house: House, issue: Issue, frozen: dict[str, Rendered]) -> None:
        """`frozen` has the renderings that were approved, by choice."""
        self._house = house
        self._issue = issue
        self._own_part = own_parts(house, issue)
        self._sender = house.newsletter(issue.newsletter).from_address
        #: Choices that come to the same share one rendering, which is then known by being that one.
        same: dict[Rendered, Rendered] = {}
        self._frozen = {choice: same.setdefault(one, one) for choice, one in frozen.items()}
        self._compiled: OrderedDict[tuple[int, bool], Compiled] = OrderedDict()

    def exclusion(self, delivery: Delivery, reader: Subscription | None, *, at: datetime) -> str:
        """Why the reader is sent nothing at that time, or ""; None is somebody who was erased."""
        if reader is None:
            return "erased"
        if why := reader.exclusion_at(at):
            return why
        return "" if delivery.choice in self._frozen else nothing_for(Choice.parse(delivery.choice))

    def envelope(self, delivery: Delivery, reader: Subscription) -> Envelope:
        """The message to who is not excluded; DigestError when it cannot be made."""
        own = self._own_part(reader)
        compiled = self._of_choice(delivery.choice, is_dated=own.is_dated)
        return Envelope(
            key=delivery.id,
            sender=self._sender,
            recipient=own.recipient,
            blocks=compiled.blocks(own),
            envelope_id=own.message_id,
            is_ready=True,
            is_ascii=compiled.is_ascii(own),
        )

    def _of_choice(self, choice: str, *, is_dated: bool) -> Compiled:
        rendered = self._frozen[choice]
        key = (id(rendered), is_dated)
        if key in self._compiled:
            self._compiled.move_to_end(key)
            return self._compiled[key]
        made = Compiled(shared_part(self._house, self._issue, rendered, is_dated=is_dated))
        self._compiled[key] = made
        if len(self._compiled) > MOST_COMPILED:
            self._compiled.popitem(last=False)
        return made
