"""What `digest doctor` looks at of the way to readers: relays, links, what is late, who works."""

from datetime import datetime, timedelta
from ipaddress import ip_address
from urllib.parse import urlsplit

from digest import jobs
from digest.cli.findings import Check, Ground, State, open_store
from digest.cli.status import told_worker
from digest.config import local_zone
from digest.deliver import Envelope, encode, open_relays
from digest.domain import Issue, IssueState, Message, OutcomeKind
from digest.errors import TransportError
from digest.standing import holders, relay_standings, throttled_domains
from digest.store import deliveries, issues, notices

#: How long an approved issue or a notice may wait before something is stuck.
_STUCK_AFTER = timedelta(minutes=30)


async def smtp(ground: Ground) -> Check:
    """The mail server takes our login, or the outbox our files."""
    async with open_relays(ground.settings) as relays:
        words = await relays.check()
    ways = ground.settings.ways.values()
    if any(one.url.get_secret_value().startswith("file:") for one in ways):
        return Check(name="smtp", state=State.WARN, found=words, fix="set smtp.url to reach readers")
    return Check(name="smtp", found=words)


async def links(ground: Ground) -> Check:
    """Readers can reach what mails link to, as far as the address alone can tell."""
    url = ground.settings.public_url
    parts = urlsplit(url)
    if _is_here(parts.hostname or ""):
        words = f"{url}: readers cannot reach this machine by that name"
        return Check(name="links", state=State.WARN, found=words, fix="set public_url")
    if parts.scheme != "https":
        words = f"{url}: one-click unsubscribing needs https (RFC 8058)"
        return Check(name="links", state=State.WARN, found=words, fix="put a proxy with TLS in front")
    return Check(name="links", found=url)


def _is_here(host: str) -> bool:
    try:
        return not ip_address(host).is_global
    except ValueError:
        return host == "localhost" or "." not in host


async def stuck(ground: Ground) -> Check:
    """Issues and mails that should have gone out."""
    if not ground.has_database:
        return Check.without_database("issues")
    late: list[str] = []
    async with open_store(ground) as store, store.read() as session:
        for key, chosen in ground.settings.newsletters.items():
            states = (IssueState.REVIEW, IssueState.APPROVED, IssueState.SENDING, IssueState.PAUSED)
            for issue in await issues.all_of(session, key, states=states):
                due = issue.due_at
                if issue.state is IssueState.SENDING:
                    due = await deliveries.next_due(session, issue.id) or due
                late += [
                    f"{key} {issue.number}: {held.words(chosen.timezone)}"
                    for held in await holders(store, issue, now=ground.now)
                    if not held.is_alive
                ]
                if words := _late(issue, due.astimezone(local_zone(chosen.timezone)), now=ground.now):
                    late.append(f"{key} {issue.number}{words}")
        waiting = await notices.waiting(session)
    if late:
        return Check(name="issues", state=State.WARN, found="; ".join(late), fix="digest status")
    return Check(name="issues", found=f"none stuck; {waiting} waiting mails")


def _late(issue: Issue, due: datetime, *, now: datetime) -> str:
    """What keeps an issue that should go at `due`, on its newsletter's clocks; "" for nothing."""
    when = f"{due:%a %d %b %H:%M %Z}"
    if issue.state is IssueState.PAUSED and issue.reason:
        return f" was paused: {issue.reason}"
    if issue.state is IssueState.REVIEW and issue.reason:
        return f", due {when}, was approved and waits again: {issue.reason}"
    return f" is {issue.state} since its time, {when}" if due < now - _STUCK_AFTER else ""


async def paces(ground: Ground) -> Check:
    """Receiving domains that throttle us, and relays that have carried all they may today."""
    if not ground.has_database:
        return Check.without_database("pace")
    async with open_store(ground) as store, store.read() as session:
        ways = await relay_standings(session, ground.settings, now=ground.now)
        slow = await throttled_domains(session)
    full = [one for one in ways if one.cap_today is not None and one.sent_today >= one.cap_today]
    said = [f"relay {one.name}: {one.words()}" for one in ways if one in full or one.rests_until]
    said += [f"{one.domain} is sent {one.per_second:g} a second: {one.reply}" for one in slow]
    if said:
        return Check(name="pace", state=State.WARN, found="; ".join(said), fix="digest relays")
    return Check(name="pace", found="no domain throttles us")


async def workers(ground: Ground) -> Check:
    """Who works on this database beside `digest run`; nobody has to."""
    if not ground.has_database:
        return Check.without_database("workers")
    async with open_store(ground) as store:
        if store.is_sqlite:
            return Check(name="workers", found="on SQLite digest run does all the work")
        there = await jobs.workers(store, now=ground.now)
    return Check(name="workers", found="; ".join(told_worker(*one) for one in there.items()) or "none")


async def send_to(ground: Ground, recipient: str) -> Check:
    """A mail to that address was taken by the mail server; whether it arrives, only its owner can tell."""
    chosen = next(iter(ground.settings.newsletters.values()))
    stamp = f"{int(ground.now.timestamp())}.doctor@{chosen.from_address.rpartition('@')[2]}"
    message = Message(
        sender=chosen.from_address,
        recipient=recipient,
        message_id=f"<{stamp}>",
        headers=(
            ("From", chosen.from_address),
            ("To", recipient),
            ("Subject", "digest doctor"),
            ("Date", f"{ground.now:%a, %d %b %Y %H:%M:%S +0000}"),
            ("Message-ID", f"<{stamp}>"),
            ("Auto-Submitted", "auto-generated"),
        ),
        text=f"{chosen.name} can send mail.\n",
    )
    envelope = Envelope(key=1, sender=chosen.from_address, recipient=recipient, blocks=(encode(message),))
    async with open_relays(ground.settings) as transport:
        outcome = await transport.send(envelope)
    if outcome.kind is not OutcomeKind.SENT:
        raise TransportError(f"the mail to {recipient} was not taken: {outcome.reply}")
    return Check(name="mail", found=f"handed over to {recipient}: {outcome.reply}")
