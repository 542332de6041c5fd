"""`digest subscribers set`: what a reader wants otherwise, by the rules of their preferences page."""

import re
from datetime import timedelta
from typing import Annotated

import typer

from digest import subscribe
from digest.cli.readers import Email, plain, topics_words, wants
from digest.cli.running import AsJson, Newsletter, newsletter_key, run
from digest.cli.terminal import of
from digest.clock import utc_now
from digest.config import NewsletterSettings
from digest.domain import Cadence, Subscription
from digest.errors import UsageError
from digest.house import House
from digest.subscribe import Wishes

_SPAN = re.compile(r"(\d{1,3})([dw])")
_EMPTY = "--pace, --pause, --zone, --hour, --sections or --topics"


def set_(
    ctx: typer.Context,
    email: Email,
    pace: Annotated[
        Cadence | None, typer.Option(help="How often: every issue, or that of the month.")
    ] = None,
    pause: Annotated[str | None, typer.Option(help='No mail for so long: "10d", "3w"; "" ends it.')] = None,
    zone: Annotated[str | None, typer.Option(help='Their time zone; "" is the newsletter\'s.')] = None,
    hour: Annotated[str | None, typer.Option(help='0 to 23 on their clock; "" as it comes.')] = None,
    sections: Annotated[str | None, typer.Option(help='"news,events"; "" means all.')] = None,
    topics: Annotated[
        str | None, typer.Option(help='"agents,chips"; "" means every story.', metavar="KEYS")
    ] = None,
    as_json: AsJson = False,
    newsletter: Newsletter = None,
) -> None:
    """Change how often, when and what a reader gets: only what is given changes. Twice is the same."""
    terminal, now = of(ctx), utc_now()
    if {pace, pause, zone, hour, sections, topics} == {None}:
        raise UsageError("nothing to change", hint=_EMPTY)

    async def work(house: House) -> tuple[Subscription, str]:
        key = newsletter_key(house.settings, newsletter)
        chosen = house.newsletter(key)
        if pace is Cadence.MONTHLY and not chosen.monthly:
            raise UsageError(f"{key} has no monthly issue", hint='monthly = "0 7 1 * *" in digest.toml')
        wishes = Wishes(
            sections=None if sections is None else _sections(chosen, sections),
            topics=None if topics is None else _topics(chosen, topics),
            cadence=pace,
            pause=None if pause is None else _span(pause),
            zone=zone,
            hour=hour,
        )
        one = await subscribe.choose_by_operator(house, key, email, wishes, now=now)
        found = f"{wants(house, one, now=now)}; sections: {', '.join(one.sections) or 'all'}"
        return one, found + topics_words(house, one)

    one, words = run(terminal, work)
    if as_json:
        terminal.json(plain(one))
    terminal.say("set", f"{one.subscriber.email}: {words}")
    terminal.then(f"subscribers show {one.subscriber.email}")


def _sections(chosen: NewsletterSettings, text: str) -> tuple[str, ...]:
    """The sections of that list, all for ""; UsageError names what there is."""
    known = tuple(section.key for section in chosen.sections)
    named = _named(text) or known
    if wrong := [name for name in named if name not in known]:
        raise UsageError(f"there is no section {wrong[0]}", hint=f"there are {', '.join(known)}")
    return named


def _topics(chosen: NewsletterSettings, text: str) -> tuple[str, ...]:
    """The topics of that list; UsageError names what there is."""
    named = _named(text)
    if wrong := [name for name in named if name not in chosen.topics]:
        there = f"there are {', '.join(chosen.topics)}" if chosen.topics else "digest.toml names none"
        raise UsageError(f"there is no topic {wrong[0]}", hint=there)
    return named


def _named(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _span(text: str) -> timedelta:
    """How long "10d" or "3w" is; nothing for ""."""
    if not text:
        return timedelta(0)
    found = _SPAN.fullmatch(text)
    days = int(found[1]) * (7 if found[2] == "w" else 1) if found else 0
    if not 0 < days <= subscribe.LONGEST_PAUSE.days:
        raise UsageError(f"{text} is no length of a pause", hint='"10d", "3w", a year at most; "" ends it')
    return timedelta(days=days)
