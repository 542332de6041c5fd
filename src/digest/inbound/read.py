"""One raw mail read: a report about a mail of ours, a reader's command, or nothing to act on."""

import re
from email import message_from_bytes
from email.message import Message

from digest.inbound.mail import Bounce, Command, CommandKind, Complaint, Ignored, Mail
from digest.inbound.parts import address, header, recipients, reports, returned, returned_id

#: What is read of a mail; reports and commands stand at its beginning.
MAX_BYTES = 1_000_000

#: There is no such recipient and never will be (RFC 3463 §3.2): the mailbox, its domain, its syntax, moved
#: away, and a domain that takes no mail (RFC 7505). Not 5.1.0: servers say it of senders they refuse.
HARD = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10"})

#: So many hops are a loop (RFC 5321 §6.3 asks for at least 100 to be let through).
_MAX_HOPS = 100
_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_TAG = re.compile(r"(subscribe|unsubscribe|confirm|help)(?:-([0-9A-Za-z._-]{1,80}))?", re.IGNORECASE)
_BOUNCE_TAG = re.compile(r"(?:bounce-)?([0-9A-Za-z._-]{8,80})")
_ANSWER = re.compile(r"^(?:\s*(?:re|aw|sv|antw|fwd?)\s*:)+\s*", re.IGNORECASE)
_SUBJECT = re.compile(
    r"(?:please )?"
    r"(?:(?P<subscribe>subscribe|join)|(?P<unsubscribe>unsubscribe|stop|leave|remove)|(?P<help>help))"
    r"(?: me)?(?: please)?[.!]*",
    re.IGNORECASE,
)
#: RFC 5965 §7.3 and RFC 6430; "auth-failure" and "not-spam" are no complaints.
_COMPLAINTS = frozenset({"abuse", "fraud", "opt-out", "opt-out-list", "virus", "other"})


def read_mail(data: bytes) -> Mail:
    """What the mail is; never raises, whatever the bytes are. Only the first MAX_BYTES are read.

    Nothing in a mail is proof: From may be forged and a token has yet to be verified by whoever acts.
    """
    try:
        message = message_from_bytes(data[:MAX_BYTES])
        return _read(message)
    except RecursionError:
        return Ignored(why="nested too deeply")
    except (ValueError, LookupError, AttributeError, TypeError):
        # The standard parser answers some malformed mails with exceptions of its own.
        return Ignored(why="not readable as a mail")


def _read(message: Message) -> Mail:
    if fields := next(reports(message, "message/feedback-report"), None):
        return _complaint(message, fields)
    blocks = [
        *reports(message, "message/delivery-status"),
        *reports(message, "message/global-delivery-status"),
    ]
    if blocks:
        return _bounce(message, blocks)
    if recipient := address(header(message, "X-Failed-Recipients")):
        # Exim and Gmail write prose; whoever counts sees a failure without a code.
        token, own_id = _bounce_token(message), returned_id(message)
        return Bounce(recipient=recipient, status="", is_hard=False, message_id=own_id, token=token)
    return _command(message) or Ignored(why=_automatic(message) or "neither a report nor a command")


def _complaint(message: Message, fields: Message) -> Mail:
    kind = header(fields, "Feedback-Type").casefold()
    if kind not in _COMPLAINTS:
        return Ignored(why="a feedback report that is no complaint")
    named = header(fields, "Original-Rcpt-To") or header(fields, "Removal-Recipient")
    recipient = address(named) or _returned_recipient(message)
    return Complaint(recipient=recipient, message_id=returned_id(message), token=_bounce_token(message))


def _bounce(message: Message, blocks: list[Message]) -> Mail:
    """The first recipient that failed; a report that nothing failed is ignored."""
    failed = [block for block in blocks if header(block, "Action").casefold() == "failed"]
    if not failed:
        return Ignored(why="a delivery report without a failure")
    block = failed[0]
    named = header(block, "Original-Recipient"), header(block, "Final-Recipient")
    recipient = next((found for each in named if (found := address(each.rpartition(";")[2]))), "")
    reply = header(block, "Diagnostic-Code")[:500]
    status = _status(header(block, "Status"), reply)
    return Bounce(
        recipient=recipient,
        status=status,
        # "5.1.1" before a reply of "550 5.7.1 blocked" is a guess of the relay between.
        is_hard=status in HARD and HARD.issuperset(_STATUS.findall(reply)),
        reply=reply.partition(";")[2].strip() or reply,
        message_id=returned_id(message),
        token=_bounce_token(message),
    )


def _status(field: str, reply: str) -> str:
    """The report's code, or the remote server's own where the report's is only a class ("5.0.0")."""
    stated, said = _STATUS.search(field), _STATUS.search(reply)
    if stated and not (said and stated[1].endswith(".0.0")):
        return stated[1]
    return said[1] if said else ""


def _returned_recipient(message: Message) -> str:
    """The To of the returned mail, for providers that leave the recipient out of their report."""
    inner = returned(message)
    return address(header(inner, "To")) if inner else ""


def _bounce_token(message: Message) -> str:
    """The token of the envelope sender that the report came back to."""
    tags = (_BOUNCE_TAG.fullmatch(tag) for _, tag in recipients(message))
    return next((found[1] for found in tags if found), "")


def _command(message: Message) -> Mail | None:
    """The reader's wish from the address it was sent to, else from its subject; None when it is none."""
    sender = address(header(message, "From"))
    automatic = _automatic(message)
    to = list(recipients(message))
    for newsletter, tag in to:
        if found := _TAG.fullmatch(tag):
            kind, token = CommandKind(found[1].lower()), found[2] or ""
            return _allowed(
                Command(kind=kind, sender=sender, token=token, newsletter=newsletter), message, automatic
            )
    found = _SUBJECT.fullmatch(_ANSWER.sub("", header(message, "Subject")))
    if found is None or found.lastgroup is None or automatic:
        return None
    newsletter = to[0][0] if to else ""
    return _allowed(
        Command(kind=CommandKind(found.lastgroup), sender=sender, newsletter=newsletter), message, ""
    )


def _allowed(command: Command, message: Message, automatic: str) -> Mail:
    """The command, unless a program sent it or it cannot be told who means it."""
    # Mail programs and providers leave for their user by themselves (RFC 8058 §1); nothing answers to that
    # address unless it wants to leave. An out-of-office reply is still none.
    is_leave = command.kind is CommandKind.UNSUBSCRIBE and command.token
    is_reply = header(message, "Auto-Submitted").casefold().startswith("auto-replied")
    if automatic and not (is_leave and not is_reply):
        return Ignored(why=automatic)
    if command.kind is CommandKind.CONFIRM and not command.token:
        return Ignored(why="a confirmation without its token")
    if not command.sender and not command.token:
        return Ignored(why="a command from nobody")
    return command


def _automatic(message: Message) -> str:
    """Why a program sent this mail and no person (RFC 3834), or "" when nothing says so."""
    submitted = header(message, "Auto-Submitted").partition(";")[0].strip().casefold()
    if submitted not in {"", "no"}:
        return "an automatic reply"
    if header(message, "Precedence").casefold() in {"bulk", "junk", "list", "auto_reply"}:
        return "bulk mail"
    if "List-Id" in message or "List-Unsubscribe" in message:
        return "a list's mail"
    if header(message, "Return-Path") == "<>":
        return "a notice without a report"
    if any(message.get(name) for name in ("X-Autoreply", "X-Autorespond", "X-Loop")):
        return "an automatic reply"
    return "a mail loop" if len(message.get_all("Received", [])) > _MAX_HOPS else ""
