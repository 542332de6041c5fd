"""Mails: an issue rendered once, one reader's message of it, and notices. Standard library only."""

from dataclasses import dataclass
from datetime import datetime

from digest.domain.states import DeliveryState


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """An issue as subject, HTML and text, rendered once for all readers who chose the same sections.

    The personal places hold the sentinels of `digest.render`; `address` fills them in.
    """

    subject: str
    preheader: str
    html: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """What the messages of many readers share; with one reader's `Personal` it makes a `Message`.

    A header whose value is "" is each reader's own. The bodies are fixed text and names of places in turn,
    and begin and end with fixed text.
    """

    sender: str
    headers: tuple[tuple[str, str], ...]
    text: tuple[str, ...]
    html: tuple[str, ...] = ()


# Not frozen, as other values are: one is made for each message, and that would take twice as long.
@dataclass(slots=True, kw_only=True)
class Personal:
    """What is one reader's own in a message: by the names that its `Pattern` leaves open."""

    recipient: str
    message_id: str
    headers: dict[str, str]
    #: What stands in the places of the text.
    values: dict[str, str]
    #: The same for HTML, escaped.
    escaped: dict[str, str]
    #: False when it is not known since when they read: their pattern says nothing of it.
    is_dated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One mail to one reader, ready for `digest.deliver.encode`.

    `headers` are (name, value) in order, values unencoded and without line breaks.
    """

    sender: str
    recipient: str
    message_id: str
    headers: tuple[tuple[str, str], ...]
    text: str
    html: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One mail that is no issue: a confirmation, a welcome, a draft for the editor. Unique by `key`."""

    id: int = 0
    #: What makes it the same mail when it is asked for twice.
    key: str
    #: The folder in `email_templates/`.
    name: str
    newsletter: str
    recipient: str
    #: 0 when it goes to an editor.
    subscriber_id: int = 0
    issue_id: int = 0
    state: DeliveryState = DeliveryState.QUEUED
    attempts: int = 0
    reply: str = ""
    created_at: datetime
    due_at: datetime
