"""What a mail that came back can be."""

from dataclasses import dataclass
from enum import StrEnum


class CommandKind(StrEnum):
    """What a reader can ask for by mail."""

    #: Asks for a confirmation; the sender's address may be forged.
    SUBSCRIBE = "subscribe"
    #: Leaves; with a token it is certain who.
    UNSUBSCRIBE = "unsubscribe"
    #: Answers a confirmation; only with a token.
    CONFIRM = "confirm"
    #: Asks what can be asked.
    HELP = "help"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A reader's wish. `newsletter` is the local part it was sent to; `token` is unchecked, or empty."""

    kind: CommandKind
    #: The address in From, unproven; "" when there is none.
    sender: str
    token: str = ""
    newsletter: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounce:
    """A delivery that failed, as its report says (RFC 3464); the first recipient that failed."""

    recipient: str
    #: An enhanced status code (RFC 3463) such as "5.1.1"; "" when the report has none.
    status: str
    #: True when the code says that there is no such recipient, and never will be.
    is_hard: bool
    #: The remote server's own words, on one line of at most 500 letters.
    reply: str = ""
    #: Of the mail that bounced, with its angle brackets; "" when the report does not return it.
    message_id: str = ""
    #: From the plus tag of the address that the report came to (VERP), unchecked.
    token: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """A reader called a mail spam (ARF, RFC 5965). Providers may have blanked the address."""

    recipient: str
    message_id: str = ""
    token: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignored:
    """Nothing to act on; `why` is for the log and holds nothing of the mail's text."""

    why: str


Mail = Command | Bounce | Complaint | Ignored
