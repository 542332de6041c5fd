"""Messages: an issue addressed to one reader, and the notices around it, with every header they need."""

import hashlib
import html
import re
from collections.abc import Mapping
from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache

from digest.domain import Message, Pattern, Personal, Rendered, Subscriber, Subscription
from digest.errors import AddressError
from digest.render.issue import render_mail
from digest.render.marks import fill, outline, scrub, without_marks
from digest.render.masthead import Links, Masthead
from digest.render.moments import day, local
from digest.render.templates import Templates
from digest.tokens import KeyedHash

_SEEN_BY_ALL = frozenset({"note", "postal"})
#: What an address may not hold, whatever its checks were: it would end the header, or the mailbox.
_NOT_IN_ADDRESS = re.compile(r"[\x00-\x20\x7f-\x9f<>,;:\"()\\]")
_PLAIN_PHRASE = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*")


def address(
    rendered: Rendered,
    subscription: Subscription,
    masthead: Masthead,
    links: Links,
    *,
    issue_id: int,
    date: datetime,
) -> Message:
    """One reader's message: twice the same arguments, twice the same bytes. A few microseconds.

    `date` is the issue's, not now, so that a retry is the same message. Raises AddressError for an
    address that could break a header.
    """
    own = personal(subscription, masthead, links, issue_id=issue_id)
    shared = pattern(rendered, masthead, issue_id=issue_id, date=date, is_dated=own.is_dated)
    return Message(
        sender=shared.sender,
        recipient=own.recipient,
        message_id=own.message_id,
        headers=tuple((name, value or own.headers.get(name, "")) for name, value in shared.headers),
        text=_joined(shared.text, own.values),
        html=_joined(shared.html, own.escaped),
    )


@lru_cache(maxsize=64)
def pattern(
    rendered: Rendered, masthead: Masthead, *, issue_id: int, date: datetime, is_dated: bool
) -> Pattern:
    """What all messages of an issue share whose readers chose the same sections; `personal` is the rest."""
    chosen = _SEEN_BY_ALL | {"reader", "dated" if is_dated else "undated"}
    return Pattern(
        sender=masthead.from_address,
        headers=(
            *_head(rendered.subject, "", date, "", masthead),
            ("List-Unsubscribe", ""),
            ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
            *_list_headers(masthead),
            ("Feedback-ID", f"{issue_id}:{masthead.key}:issue:{_sender_id(masthead)}"),
        ),
        text=outline(rendered.text, chosen),
        html=outline(rendered.html, chosen),
    )


def personal(subscription: Subscription, masthead: Masthead, links: Links, *, issue_id: int) -> Personal:
    """One reader's part of their message. Raises AddressError for an address that could break a header."""
    reader = subscription.subscriber
    email = _checked(reader.email)
    known = subscription.confirmed_at or subscription.requested_at
    values = {
        "email": email,
        "since": day(local(known, masthead.zone)) if known else "",
        "browser": links.browser,
        "preferences": links.preferences,
        "leave": links.leave,
    }
    message_id = issue_message_id(masthead, issue_id, reader.id)
    return Personal(
        recipient=email,
        message_id=message_id,
        headers={
            "To": _mailbox(reader.name, email),
            "Message-ID": message_id,
            "List-Unsubscribe": _ways_out(links),
        },
        values=values,
        escaped=_escaped(values),
        is_dated=known is not None,
    )


def _escaped(values: dict[str, str]) -> dict[str, str]:
    """The values as HTML; most have nothing to escape, and looking is cheaper."""
    text = "".join(values.values())
    # A search for each is an eighth of one for any of them.
    if not ("&" in text or "<" in text or ">" in text or '"' in text or "'" in text):
        return values
    return {name: html.escape(value) for name, value in values.items()}


def issue_message_id(masthead: Masthead, issue_id: int, subscriber_id: int) -> str:
    """The Message-ID of one reader's copy of an issue, equal whenever it is made."""
    name = f"{masthead.key}/{issue_id}/{subscriber_id}"
    return _message_id(f"{masthead.key}.{issue_id}.{subscriber_id}", name, masthead)


def _joined(pieces: tuple[str, ...], values: Mapping[str, str]) -> str:
    """Fixed text and the values of the places between them."""
    return "".join(values[piece] if index % 2 else piece for index, piece in enumerate(pieces))


def public(rendered: Rendered, masthead: Masthead, *, browser: str) -> str:
    """The issue's page for the archive: no reader's values, a way to sign up instead."""
    values = {"email": "", "since": "", "preferences": "", "leave": "", "browser": html.escape(browser)}
    return fill(rendered.html, values, _SEEN_BY_ALL | {"public"})


def notice(
    name: str,
    values: Mapping[str, object],
    masthead: Masthead,
    recipient: Subscriber,
    templates: Templates,
    *,
    date: datetime,
    message_key: str,
) -> Message:
    """One mail of the folder `name` ("confirm"); its `sample.toml` lists the values it takes.

    Equal `message_key`, equal Message-ID. The recipient's name is not in it: whoever signed them up chose it.
    """
    email = _checked(recipient.email)
    known = {"masthead": scrub(masthead), "email": email, "date": date}
    rendered = render_mail(name, {**{key: scrub(value) for key, value in values.items()}, **known}, templates)
    message_id = _message_id(f"{masthead.key}.{name}", f"{name}/{masthead.key}/{message_key}", masthead)
    return Message(
        sender=masthead.from_address,
        recipient=email,
        message_id=message_id,
        headers=(
            *_head(rendered.subject, email, date, message_id, masthead),
            ("Auto-Submitted", "auto-generated"),
            ("X-Auto-Response-Suppress", "All"),
        ),
        text=rendered.text,
        html=rendered.html,
    )


def _head(
    subject: str, to: str, date: datetime, message_id: str, masthead: Masthead
) -> list[tuple[str, str]]:
    headers = [
        ("From", _mailbox(masthead.from_name or masthead.name, masthead.from_address)),
        ("To", to),
        ("Subject", _one_line(subject)),
        ("Date", format_datetime(date)),
        ("Message-ID", message_id),
    ]
    if masthead.reply_to:
        headers.insert(2, ("Reply-To", masthead.reply_to))
    return headers


@lru_cache(maxsize=64)
def _list_headers(masthead: Masthead) -> tuple[tuple[str, str], ...]:
    """What RFC 2369 and 2919 want of a list; `Precedence` keeps old auto-responders quiet."""
    list_id = f"<{masthead.key}.{_domain_of(masthead.from_address)}>"
    if masthead.name.isascii():
        list_id = f"{_phrase(masthead.name)} {list_id}"
    return (
        ("List-Id", list_id),
        ("List-Help", f"<{masthead.home}>"),
        ("List-Owner", f"<mailto:{masthead.reply_to or masthead.from_address}>"),
        ("List-Archive", f"<{masthead.archive}>"),
        ("List-Post", "NO"),
        ("Precedence", "bulk"),
    )


def _ways_out(links: Links) -> str:
    """The https address first: RFC 8058 takes exactly one, and that one."""
    return f"<{links.one_click}>, <mailto:{links.leave_mail}>" if links.leave_mail else f"<{links.one_click}>"


def _message_id(readable: str, unique: str, masthead: Masthead) -> str:
    """`<key.issue.reader.hash@domain>`: readable in a log, and enough to find a delivery by."""
    seal = _seal(masthead.seal_key).of(f"{unique}@{masthead.from_address}".encode()).hex()[:16]
    return f"<{readable}.{seal}@{_domain_of(masthead.from_address)}>"


_seal = lru_cache(maxsize=64)(KeyedHash)


@lru_cache(maxsize=64)
def _domain_of(address: str) -> str:
    """The sending domain as A-labels; as it is where that cannot be."""
    domain = address.rpartition("@")[2]
    try:
        return domain.encode("idna").decode()
    except UnicodeError:
        return domain


@lru_cache(maxsize=64)
def _sender_id(masthead: Masthead) -> str:
    """The last field of Feedback-ID: one stable name of 12 letters for all that this domain sends."""
    return f"d{hashlib.sha256(_domain_of(masthead.from_address).encode()).hexdigest()[:11]}"


def _checked(email: str) -> str:
    if _NOT_IN_ADDRESS.search(email) or email.count("@") != 1:
        raise AddressError(f"{email!r} cannot stand in a mail header")
    return email


def _mailbox(name: str, email: str) -> str:
    phrase = _phrase(_one_line(name))
    return f"{phrase} <{email}>" if phrase else email


def _phrase(text: str) -> str:
    """A display name, in quotes where RFC 5322 wants them; letters beyond ASCII are left to the encoder."""
    letters = text if text.isascii() else "".join(char for char in text if char.isascii())
    if _PLAIN_PHRASE.fullmatch(letters):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _one_line(text: str) -> str:
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    return " ".join(without_marks(scrub(text)).split())
