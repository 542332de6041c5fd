"""An issue to one address as a test: marked as such, in no ledger, with ways out that lead nowhere."""

from dataclasses import replace
from datetime import datetime

from digest.deliver import Envelope, encode, open_transport
from digest.domain import Issue, Message, Outcome, Subscriber
from digest.house import House
from digest.publish.mails import message_for, sample_reader
from digest.store import audit

_MARK = "[Test]"


async def send_trial(house: House, issue: Issue, email: str, *, now: datetime) -> Outcome:
    """What the mail server said of a test mail of the issue, which may be in any state.

    The address need not be a reader's, and is not kept. Each call sends a mail of its own: a mailbox that
    shows equal mails once shall show the newest.
    """
    message = await trial_message(house, issue, email, now=now)
    envelope = Envelope(key=1, sender=message.sender, recipient=message.recipient, blocks=(encode(message),))
    async with open_transport(house.settings.smtp) as transport:
        outcome = await transport.send(envelope)
    async with house.store.begin() as session:
        await audit.note(session, now=now, actor="cli", action="issue.tested", subject=f"issue:{issue.id}")
    house.log.event("issue.tested", n=issue.number, state=issue.state, outcome=outcome.kind)
    return outcome


async def trial_message(house: House, issue: Issue, email: str, *, now: datetime) -> Message:
    """The mail itself. Its links name a reader who cannot be, so that no test can unsubscribe anybody."""
    nobody = sample_reader(issue.newsletter)
    reader = replace(nobody, subscriber=Subscriber(email=email))
    message = await message_for(house, issue, reader)
    stamp = f"<test.{int(now.timestamp() * 1000):x}.{message.message_id.removeprefix('<')}"
    own = {"Subject": f"{_MARK} {dict(message.headers)['Subject']}", "Message-ID": stamp}
    kept = tuple((name, own.get(name, value)) for name, value in message.headers)
    mark = ("X-Digest-Test", f"issue {issue.number}, {issue.state}, revision {issue.revision}")
    return replace(message, message_id=stamp, headers=(*kept, mark))
