"""What the sample readers do before the issue: sign up, press or not, leave, bounce, complain."""

import re
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta

from digest.demo.material import Reader
from digest.demo.stage import KEY, Stage
from digest.domain import Content, Subscription
from digest.errors import DigestError
from digest.publish import send_notices
from digest.store import subscribers
from digest.subscribe import Evidence, confirm, find, leave, sign_up
from digest.tokens import Purpose

_CONFIRM = re.compile(r"/confirm/([\w.-]+)")
_EVIDENCE = Evidence(ip="127.0.0.1", user_agent="digest demo", form="demo", wording="A sample reader.")
#: The first reader signed up so long before the demo's now; each next one three days earlier, in rounds.
_NEWEST, _APART, _ROUND = timedelta(days=4), timedelta(days=3), 40
#: What a suppression is called in the database, and the words kept with it.
_BARRED = {
    "bounced": ("bounce", "550 5.1.1 no such mailbox"),
    "complained": ("complaint", "abuse report from the reader's provider"),
}


async def gather_crowd(stage: Stage) -> Counter[str]:
    """How many readers are in each state, after all have signed up and done what they do.

    Whoever presses the button uses the link in the mail that the catcher got.
    """
    for number, reader in enumerate(stage.readers):
        await _sign_up(stage, reader.email, reader, at=_asked_at(stage, number))
    await send_notices(stage.house, clock=stage.clock)
    tokens = _confirm_tokens(stage)
    for number, reader in enumerate(stage.readers):
        at = _asked_at(stage, number) + timedelta(minutes=9)
        if reader.presses:
            token = tokens[wire(reader.email)]
            await confirm(stage.house, KEY, token, evidence=_EVIDENCE, now=at)
        await _live_on(stage, reader, after=at)
    await send_notices(stage.house, clock=stage.clock)
    return Counter(reader.state for reader in stage.readers)


def _asked_at(stage: Stage, number: int) -> datetime:
    return stage.options.now - _NEWEST - _APART * (number % _ROUND)


async def _sign_up(stage: Stage, email: str, reader: Reader, *, at: datetime) -> None:
    house, name, chosen = stage.house, reader.name, reader.sections
    await sign_up(house, KEY, email, sections=chosen, name=name, evidence=_EVIDENCE, now=at)


def _confirm_tokens(stage: Stage) -> dict[str, str]:
    """The token of each confirmation mail at the catcher, by address."""
    found = ((mail.recipient, _CONFIRM.search(mail.body("plain"))) for mail in stage.catcher.mails)
    return {wire(recipient): match[1] for recipient, match in found if match}


async def _live_on(stage: Stage, reader: Reader, *, after: datetime) -> None:
    """What one reader does after the first mail."""
    there = await find(stage.house, KEY, reader.email)
    await _introduce(stage, reader, there)
    if reader.state in {"left", "returning"}:
        token = stage.house.token(Purpose.LEAVE, KEY, there.subscriber.id)
        await leave(stage.house, KEY, token, evidence=_EVIDENCE, now=after + timedelta(days=1))
    if reader.state == "returning":
        await _sign_up(stage, reader.email, reader, at=after + timedelta(days=2))
    if reader.state == "twice":
        await _sign_up(stage, reader.email.upper(), reader, at=after + timedelta(days=2))
    if reader.state in _BARRED:
        reason, words = _BARRED[reader.state]
        async with stage.house.store.begin() as session:
            email_hash = stage.house.email_hash(there.subscriber.email)
            await subscribers.suppress(session, email_hash, reason, words, now=after + timedelta(days=1))


async def _introduce(stage: Stage, reader: Reader, there: Subscription) -> None:
    """Note the reader's language and zone, which the form does not ask for."""
    person = replace(there.subscriber, language=reader.language, zone=reader.zone)
    async with stage.house.store.begin() as session:
        await subscribers.rename(session, person)


def wire(email: str) -> str:
    """An address as it travels: its domain in A-labels."""
    local, _, domain = email.rpartition("@")
    return f"{local}@{domain.encode('idna').decode()}"


def expected(stage: Stage, content: Content) -> frozenset[str]:
    """The addresses that the issue is to reach, told from the sample data and not from the database."""
    told = {section.key for section in content.sections if section.stories}
    return frozenset(
        wire(reader.email)
        for reader in stage.readers
        if reader.is_served and (told.intersection(reader.sections) or not reader.sections)
    )


def count_mails(stage: Stage, content: Content) -> tuple[int, int, int]:
    """(missing, twice, strangers): who got no issue, got it more than once, or should have got none."""
    got = Counter(wire(mail.recipient) for mail in stage.catcher.issues())
    wanted = expected(stage, content)
    missing = len(wanted - got.keys())
    twice = sum(count > 1 for count in got.values())
    return missing, twice, len(got.keys() - wanted)


def require_no_strangers(strangers: int) -> None:
    """DigestError when a mail went to somebody who should get none."""
    if strangers:
        raise DigestError(f"the issue reached {strangers} readers who should not get it")
