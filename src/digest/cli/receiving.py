"""`digest receive`: one mail from an MTA's pipe, acted upon at once."""

import re
import sys
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import typer

from digest import subscribe
from digest.cli.running import run
from digest.cli.terminal import of
from digest.clock import utc_now
from digest.domain import Subscription
from digest.errors import AddressError, BusyError, DigestError, NotFoundError, StoreError, TokenError
from digest.house import House
from digest.inbound import MAX_BYTES, Bounce, Command, CommandKind, Complaint, Ignored, Mail, read_mail
from digest.publish import message_for
from digest.store import issues, subscribers
from digest.subscribe import Evidence
from digest.tokens import Purpose

#: As `digest.render` writes the Message-ID of an issue: newsletter, issue and reader, then a seal.
_MESSAGE_ID = re.compile(r"<([a-z0-9-]+)\.(\d{1,15})\.(\d{1,15})\.[0-9a-f]+@")
_BY_MAIL = Evidence(form="mail")


def receive(
    ctx: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what the mail is.")] = False,
) -> None:
    """Act on one mail from standard input: a reader's command, a bounce or a complaint.

    For an MTA's pipe: exit 0 also for what is ignored, 75 when the MTA shall keep the mail and try again.
    """
    terminal = of(ctx)
    mail = read_mail(sys.stdin.buffer.read(MAX_BYTES + 1))
    if dry_run:
        terminal.say("mail", _kind(mail))
        return
    try:
        done = run(terminal, lambda house: act(house, mail, now=utc_now()))
    except StoreError as exc:
        raise BusyError(exc.what, hint=exc.hint) from exc
    terminal.say("mail", f"{_kind(mail)}: {done}")


def _kind(mail: Mail) -> str:
    """What the mail is, without the address of whoever wrote it."""
    if isinstance(mail, Command):
        return mail.kind
    if isinstance(mail, Bounce):
        return f"{'hard' if mail.is_hard else 'soft'} bounce {mail.status}".strip()
    return "complaint" if isinstance(mail, Complaint) else f"ignored ({mail.why})"


async def act(house: House, mail: Mail, *, now: datetime) -> str:
    """What was done, in words. Twice is the same; a mail that proves nothing changes nothing."""
    try:
        if isinstance(mail, Command):
            return await _obey(house, mail, now=now)
        if isinstance(mail, Ignored):
            return "nothing to do"
        return await _came_back(house, mail, now=now)
    except (AddressError, TokenError, NotFoundError) as exc:
        return f"nothing done: {exc.what if not isinstance(exc, NotFoundError) else 'no such reader'}"


async def _obey(house: House, command: Command, *, now: datetime) -> str:
    """A reader's wish; whoever asks to leave is believed, whoever asks to join must confirm."""
    key = _newsletter(house, command.newsletter)
    if command.kind is CommandKind.SUBSCRIBE:
        await subscribe.sign_up(house, key, command.sender, evidence=_BY_MAIL, now=now)
        return "asked for a confirmation"
    if command.kind is CommandKind.CONFIRM:
        await subscribe.confirm(house, key, command.token, evidence=_BY_MAIL, now=now)
        return "confirmed"
    if command.kind is CommandKind.UNSUBSCRIBE:
        token = command.token or await _leave_token(house, key, command.sender)
        await subscribe.leave(house, key, token, evidence=_BY_MAIL, now=now)
        return "left"
    return "nothing done: a person should answer it"


async def _leave_token(house: House, key: str, sender: str) -> str:
    there = await subscribe.find(house, key, sender)
    return house.token(Purpose.LEAVE, key, there.subscriber.id)


def _newsletter(house: House, name: str) -> str:
    """The newsletter whose address the mail came to, else the only one; NotFoundError when it is unclear."""
    for key, chosen in house.settings.newsletters.items():
        if name.lower() in {key, chosen.from_address.rpartition("@")[0].lower()}:
            return key
    if len(house.settings.newsletters) == 1:
        return next(iter(house.settings.newsletters))
    raise NotFoundError("no such newsletter")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fact:
    """What a report says, as it is kept."""

    kind: str
    status: str
    reply: str
    #: Why the address is barred, if the report proves to be about a mail of ours; "" bars nobody.
    bars: str


def _fact(mail: Bounce | Complaint) -> _Fact:
    if isinstance(mail, Complaint):
        return _Fact(kind="complaint", status="", reply="", bars="complaint")
    hard = mail.is_hard
    return _Fact(
        kind="hard" if hard else "soft", status=mail.status, reply=mail.reply, bars="bounce" if hard else ""
    )


async def _came_back(house: House, mail: Bounce | Complaint, *, now: datetime) -> str:
    """Keep the evidence; bar the address only when the report names a mail that we did send to it."""
    fact, reader = _fact(mail), await _reader_of(house, mail.message_id)
    address = reader.subscriber.email if reader else mail.recipient
    if not address:
        return "nothing done: it names no reader"
    email_hash = house.email_hash(subscribe.normalise(address))
    async with house.store.begin() as session:
        await subscribers.add_bounce(
            session,
            email_hash,
            kind=fact.kind,
            status=fact.status,
            reply=fact.reply,
            message_id=mail.message_id,
            now=now,
        )
        if reader and fact.bars:
            await subscribers.suppress(session, email_hash, fact.bars, fact.reply, now=now)
    if reader and fact.bars:
        house.log.event("reader.barred", reader=reader.subscriber.id, why=fact.bars)
        return f"reader {reader.subscriber.id} is sent nothing more"
    return "kept as evidence"


async def _reader_of(house: House, message_id: str) -> Subscription | None:
    """Whom the mail of that Message-ID went to, if it is really one of ours."""
    parts = _MESSAGE_ID.match(message_id)
    if not parts or parts[1] not in house.settings.newsletters:
        return None
    async with house.store.read() as session:
        reader = await subscribers.subscription(session, parts[1], int(parts[3]))
        try:
            issue = await issues.get(session, int(parts[2]))
        except NotFoundError:
            return None
    if reader is None or issue.newsletter != parts[1]:
        return None
    try:
        ours = await message_for(house, issue, reader)
    except DigestError:
        return None
    return reader if ours.message_id == message_id else None
