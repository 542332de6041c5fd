"""What every page needs: the house, the clock, the limits, and a newsletter as its pages show it."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from starlette.requests import Request

from digest import cron
from digest.config import NewsletterSettings
from digest.domain import Cadence, Section, Subscription, Topic
from digest.errors import BusyError, NotFoundError, StoreError
from digest.house import House
from digest.render import Masthead
from digest.standing import arrival, clock_of, next_slot, pace_of
from digest.store import issues
from digest.subscribe import Evidence
from digest.web.limits import Limits
from digest.web.pages import Pages
from digest.web.seal import Sealer
from digest.web.zones import city

#: The sentence that readers agree to, with the version that is kept as evidence.
CONSENT = "We send one mail to confirm it. No tracking, no sharing, one click to leave."
CONSENT_VERSION = "2026-11"
_LOOK_AHEAD_EVERY = timedelta(seconds=20)


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A newsletter as its pages show it; `prefix` is where its pages begin on this host."""

    masthead: Masthead
    prefix: str
    sections: tuple[Section, ...]
    #: Its settings; what depends on a reader is told from them.
    settings: NewsletterSettings
    quiet_hours: str
    #: On the newsletter's own clocks.
    next_due: datetime
    #: When the issue of the month goes, where there is one.
    month_due: datetime | None

    @property
    def key(self) -> str:
        """Its key in the settings."""
        return self.masthead.key

    @property
    def name(self) -> str:
        """What it is called."""
        return self.masthead.name

    @property
    def rhythm(self) -> str:
        """ "every Monday", "every day", "once a month", or ""."""
        return cron.rhythm(self.settings.schedule)

    def pace_of(self, there: Subscription) -> str:
        """The same for this reader."""
        return pace_of(self.settings, there)

    def due_for(self, there: Subscription) -> datetime:
        """When the next issue comes to this reader, on their own clock where they named one."""
        zone = clock_of(self.settings, there)
        due = self.month_due if there.cadence is Cadence.MONTHLY and self.month_due else self.next_due
        return arrival(self.quiet_hours, zone, there.hour, due).astimezone(ZoneInfo(zone))

    def city_of(self, there: Subscription) -> str:
        """The city, or the name, of the zone whose clocks count for this reader."""
        return city(clock_of(self.settings, there))

    @property
    def home(self) -> str:
        """The path of its own page."""
        return f"{self.prefix}/n/{self.key}"

    @property
    def city(self) -> str:
        """ "Copenhagen" for Europe/Copenhagen, the zone's name where it is not called after a place."""
        return city(self.masthead.zone)

    def labels(self, keys: tuple[str, ...]) -> list[str]:
        """The labels of these sections, of all of them for ()."""
        return [section.label for section in self.sections if not keys or section.key in keys]

    @property
    def topics(self) -> tuple[Topic, ...]:
        """The topics that its readers may choose."""
        return self.settings.all_topics

    def topics_of(self, there: Subscription) -> list[str]:
        """The labels of those that this reader chose and that there are; none for who gets all stories."""
        return [topic.label for topic in self.topics if topic.key in there.topics]


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """All that a page is made with; one for each app."""

    house: House
    clock: Callable[[], datetime]
    #: Called after something was queued, so that it goes out at once.
    wake: Callable[[], None]
    limits: Limits
    pages: Pages
    sealer: Sealer
    #: The coming times at which nothing will go, by newsletter, and when that was looked up.
    taken: dict[str, frozenset[datetime]] = field(default_factory=dict)
    looked_at: list[datetime] = field(default_factory=list)

    async def look_ahead(self) -> None:
        """Look up, now and then, which coming times are taken already; a busy store changes nothing."""
        now = self.clock()
        if self.looked_at and now - self.looked_at[-1] < _LOOK_AHEAD_EVERY:
            return
        self.looked_at[:] = [now]
        with contextlib.suppress(StoreError, BusyError):
            async with self.house.store.read() as session:
                for key in self.house.settings.newsletters:
                    self.taken[key] = await issues.taken_slots(session, key, after=now)

    @property
    def prefix(self) -> str:
        """The path under which a proxy shows this site, usually ""."""
        return urlsplit(self.house.settings.public_url).path.rstrip("/")

    def letter(self, key: str) -> Letter:
        """The newsletter of that key; NotFoundError when there is none."""
        if key not in self.house.settings.newsletters:
            raise NotFoundError("There is no such newsletter here.")
        chosen = self.house.newsletter(key)
        due = next_slot(chosen, self.taken.get(key, ()), self.clock())
        month = cron.next_due(chosen.monthly, chosen.timezone, self.clock()) if chosen.monthly else None
        return Letter(
            masthead=self.house.masthead(key),
            prefix=self.prefix,
            sections=chosen.sections,
            settings=chosen,
            quiet_hours=self.house.settings.delivery.quiet_hours,
            next_due=due.astimezone(ZoneInfo(chosen.timezone)),
            month_due=month.astimezone(ZoneInfo(chosen.timezone)) if month else None,
        )


def site_of(request: Request) -> Site:
    """The site that answers this request."""
    site: Site = request.app.state.site
    return site


def client_address(request: Request) -> str:
    """Who asks. The server has put in what a trusted proxy said; "" when it is not known."""
    return request.client.host if request.client else ""


def evidence_of(request: Request, form: str) -> Evidence:
    """Who asks, from where and in which words, for the record."""
    return Evidence(
        ip=client_address(request),
        user_agent=request.headers.get("user-agent", ""),
        form=form,
        wording=f"{CONSENT_VERSION}: {CONSENT}",
    )
