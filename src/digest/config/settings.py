"""The settings there are: each with its kind, its default and what it must be. Frozen, passed down."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, ValidationError

from digest import cron
from digest.config.kinds import Line, Mailbox, Part, Sections, WebUrl, Word, Zone, web_url_or_none
from digest.domain import DEFAULT_SECTIONS, ChangedEvents, Policy, StalePolicy, Topic
from digest.errors import ConfigError

#: Only to try whether a schedule ever comes.
_SOME_TIME = datetime(2026, 1, 1, tzinfo=UTC)


class WebSettings(Part):
    """The pages: where they listen."""

    #: Loopback by default; put a reverse proxy with TLS in front.
    host: str = "127.0.0.1"
    port: int = Field(8080, ge=0, le=65535)
    #: Addresses of proxies whose X-Forwarded-For is believed.
    trusted_proxies: tuple[str, ...] = ("127.0.0.1", "::1")


class DkimSettings(Part):
    """DKIM signatures of our own; leave it out when the relay signs."""

    #: The d= of the signatures: the domain of the From address, or one above it.
    domain: str = Field(pattern=r"^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$")
    #: "-rsa" and "-ed25519" are put behind it in the names of the DNS records.
    selector: str = Field("digest", pattern=r"^[A-Za-z0-9]([A-Za-z0-9-]{0,40}[A-Za-z0-9])?$")
    #: Private keys in PEM; `digest dkim new` makes both.
    rsa_key: Path | None = None
    ed25519_key: Path | None = None


class SmtpSettings(Part):
    """The way out: smtp://, smtps://, smtp+starttls://, lmtp:// or file://FOLDER."""

    url: SecretStr = SecretStr("file://outbox")
    #: A file whose first line is the password, so that it need not stand in the URL.
    password_file: Path | None = None
    connections: int = Field(4, ge=1, le=200)
    #: A connection is closed politely after that many, and a new one opened.
    messages_per_connection: int = Field(1000, ge=1, le=100_000)
    #: Seconds to connect and for each reply but the one to the final dot.
    timeout_seconds: float = Field(60, gt=0, le=3600)
    #: Seconds for the reply to the final dot (RFC 5321 §4.5.3.2 asks for 600).
    dot_timeout_seconds: float = Field(600, gt=0, le=3600)
    dkim: DkimSettings | None = None
    #: Ask for bounces that hold the headers alone and name the message (RFC 3461), where that is offered.
    dsn: bool = True


_HOUR = r"([01][0-9]|2[0-3]):[0-5][0-9]"


class DeliverySettings(Part):
    """What is promised of a delivery, and for how long it is tried."""

    #: What becomes of a delivery when a crash fell between the dot and the reply.
    uncertain: Literal["resend", "hold", "assume-sent"] = "resend"
    #: What the ledger outlives: the death of the process, or a loss of power too (a sync to disk a group).
    durability: Literal["process", "power"] = "process"
    #: Processes at work on an issue: who sends, and who sign beside it; 0 is one a core, at most four.
    processes: int = Field(0, ge=0, le=16)
    #: Hours after which a deferred delivery is given up.
    retry_for_hours: float = Field(48, gt=0, le=240)
    #: "22:00-07:00": an issue that is due then waits, by each reader's own clock, for the end.
    quiet_hours: str = Field("", pattern=rf"^({_HOUR}-{_HOUR})?$")


class RelaySettings(Part):
    """One of several ways out; what is not here is as under [smtp]."""

    url: SecretStr
    #: A file whose first line is the password, so that it need not stand in the URL.
    password_file: Path | None = None
    #: Its share of the mail, beside the weights of the others.
    weight: float = Field(1, gt=0, le=1000)
    connections: int = Field(4, ge=1, le=200)
    messages_per_connection: int = Field(1000, ge=1, le=100_000)
    #: Messages a second, counted over all workers; none for as fast as it takes them.
    per_second: float | None = Field(None, gt=0, le=100_000)
    #: Messages of issues a day (UTC).
    daily_cap: int | None = Field(None, ge=1)
    #: Caps for the first days of a new address: the first day's, the second day's, …
    warm_up: tuple[Annotated[int, Field(ge=0)], ...] = ()
    #: The first of those days; none for the day on which it first carries something.
    warm_up_start: date | None = None
    #: This relay signs with DKIM, so that we need not.
    signs: bool = False

    @property
    def is_limited(self) -> bool:
        """True when its tokens have to be counted."""
        return self.per_second is not None or self.daily_cap is not None or bool(self.warm_up)


class SummariesSettings(Part):
    """A model behind an OpenAI-compatible address that may write summaries; off until it has an address."""

    #: Where the API begins, such as http://127.0.0.1:11434/v1; it may be a private address. Empty is off.
    url: Annotated[str, AfterValidator(web_url_or_none)] = ""
    model: Line = ""
    key: SecretStr = SecretStr("")
    #: A file whose first line is the key, so that it need not stand in the settings.
    key_file: Path | None = None
    #: Seconds for one answer.
    timeout_seconds: float = Field(30, gt=0, le=600)
    #: For one issue, however often it is drafted.
    max_calls: int = Field(40, ge=0, le=1000)
    #: Of texts sent and answers, for one issue; four are about one token.
    max_characters: int = Field(400_000, ge=0, le=100_000_000)

    def model_post_init(self, _context: object) -> None:
        """Refuse an address without a model, and a key in two places."""
        if self.url and not self.model:
            raise ValueError("url needs a model beside it")
        if self.key_file and self.key.get_secret_value():
            raise ValueError("a key stands in key and in key_file: keep one")

    @property
    def is_on(self) -> bool:
        """True when a model is asked."""
        return bool(self.url)


class GatherSettings(Part):
    """How sources are polled."""

    every_minutes: int = Field(60, ge=5, le=1440)
    concurrency: int = Field(16, ge=1, le=500)
    timeout_seconds: float = Field(30, gt=0, le=600)
    #: Bytes after inflating.
    max_bytes: int = Field(20_000_000, ge=10_000)
    #: Own hosts that may resolve to a private address.
    allow_hosts: tuple[str, ...] = ()
    #: Stands in the user agent, so that a site's owner can reach you.
    contact: Line = ""


class TopicSettings(Part):
    """What readers may choose stories by: its name, and the words that a story of it says."""

    label: Line = Field(min_length=1, max_length=40)
    words: tuple[Word, ...] = Field(min_length=1, max_length=100)


#: A reader's choice is stored as the keys, and has to fit beside a zone.
_TopicKey = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,14}[a-z0-9])?$")]


class NewsletterSettings(Part):
    """One newsletter: what it is called, when it goes, who lets it go."""

    name: Line = Field(min_length=1, max_length=80)
    from_address: Mailbox
    from_name: Line = ""
    reply_to: Mailbox | None = None
    #: Postal address: the law wants it in every issue (CAN-SPAM).
    address: Line = ""
    #: One sentence on the sign-up page and in the archive.
    description: Line = "The latest news, learnings and events, chosen for you."
    language: str = Field("en", pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")
    #: Who is sent drafts.
    editor: Mailbox | None = None
    editor_name: Line = ""
    schedule: str = "0 7 * * mon"
    #: When the issue of the month goes to readers who want one mail a month; "" offers none.
    monthly: str = "0 7 1 * *"
    timezone: Zone = "UTC"
    policy: Annotated[str, Field(pattern=r"^(auto|review|auto-after \d{1,3}[mh])$")] = "review"
    stale: StalePolicy = StalePolicy.ASK
    #: An issue is stale when the daemon finds it this many hours late.
    stale_after_hours: float = Field(12, gt=0, le=24 * 14)
    #: What happens when an event of an approved issue turns out to have changed within a day of its sending.
    changed_events: ChangedEvents = ChangedEvents.ASK
    sections: Sections = DEFAULT_SECTIONS
    #: What readers may choose stories by, beside sections; none for no such choice.
    topics: dict[_TopicKey, TopicSettings] = Field(default_factory=dict, max_length=12)
    max_stories: int = Field(24, ge=1, le=100)
    max_events: int = Field(8, ge=0, le=50)
    #: Stories from one source in one section.
    max_per_source: int = Field(4, ge=1, le=50)
    #: How far ahead events are listed.
    event_days: int = Field(35, ge=1, le=400)

    def model_post_init(self, _context: object) -> None:
        """Refuse a schedule that cannot be read."""
        try:
            for schedule in filter(None, (self.schedule, self.monthly)):
                cron.next_due(schedule, self.timezone, _SOME_TIME)
        except ConfigError as exc:
            raise ValueError(exc.what) from exc

    @property
    def all_topics(self) -> tuple[Topic, ...]:
        """The topics with their keys, in the file's order."""
        return tuple(Topic(key=key, label=one.label, words=one.words) for key, one in self.topics.items())

    @property
    def release(self) -> Policy:
        """Who lets a finished draft go."""
        return Policy(self.policy.split()[0])

    @property
    def auto_after(self) -> timedelta:
        """How long `auto-after` waits; zero for other policies."""
        found = re.search(r"(\d+)([mh])$", self.policy)
        if not found:
            return timedelta(0)
        return timedelta(**{{"m": "minutes", "h": "hours"}[found[2]]: int(found[1])})


class Settings(Part):
    """Everything an operator can set."""

    #: sqlite:///FILE (relative to the settings file) or postgresql://…
    database: SecretStr = SecretStr("sqlite:///digest.db")
    #: Where readers reach the pages; links in mails start with it.
    public_url: WebUrl = "http://127.0.0.1:8080"
    #: Signs the links; at least 32 characters. `digest init` makes one.
    secret: SecretStr = Field(min_length=32)
    #: "on-start" lets commands bring the database up to date by themselves.
    migrate: Literal["on-start", "by-hand"] = "on-start"
    #: A folder of your own mail templates; what it lacks is taken from ours.
    templates: Path | None = None
    web: WebSettings = WebSettings()
    smtp: SmtpSettings = SmtpSettings()
    #: Several ways out in place of `smtp.url`, each with its share and its limits.
    relays: dict[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,40}$")], RelaySettings] = Field({})
    delivery: DeliverySettings = DeliverySettings()
    gather: GatherSettings = GatherSettings()
    summaries: SummariesSettings = SummariesSettings()
    newsletters: dict[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,40}$")], NewsletterSettings] = (
        Field(min_length=1)
    )

    def model_post_init(self, _context: object) -> None:
        """Refuse two places for one thing."""
        if self.relays and "url" in self.smtp.model_fields_set:
            raise ValueError("there are [relays] and smtp.url; keep one, each relay has a url of its own")

    @property
    def ways(self) -> dict[str, RelaySettings]:
        """The relays by name; the only one is called "smtp" when there is but `smtp.url`."""
        if self.relays:
            return self.relays
        smtp = self.smtp
        only = RelaySettings(
            url=smtp.url,
            password_file=smtp.password_file,
            connections=smtp.connections,
            messages_per_connection=smtp.messages_per_connection,
        )
        return {"smtp": only}

    def newsletter(self, key: str) -> NewsletterSettings:
        """The newsletter of that key; ConfigError names those there are."""
        if key not in self.newsletters:
            there = ", ".join(self.newsletters)
            raise ConfigError(f'no newsletter "{key}"', hint=f"there is: {there}")
        return self.newsletters[key]


def dkim(*, domain: str, selector: str) -> DkimSettings:
    """Checked names of a DKIM key; ConfigError when DNS cannot have them."""
    try:
        return DkimSettings(domain=domain, selector=selector)
    except ValidationError as exc:
        name = exc.errors()[0]["loc"][0]
        raise ConfigError(f"{name}: {domain if name == 'domain' else selector} cannot stand in DNS") from exc


#: The tables that come in any number, each with a name of its own.
_NAMED: dict[str, type[Part]] = {"newsletters": NewsletterSettings, "relays": RelaySettings}


def setting_names() -> Iterator[str]:
    """Every setting's dotted name; a newsletter's stand under `newsletters.NAME`, a relay's likewise."""
    for name, field in Settings.model_fields.items():
        part = _NAMED.get(name, field.annotation)
        if isinstance(part, type) and issubclass(part, Part):
            head = f"{name}.NAME" if name in _NAMED else name
            yield from (f"{head}.{inner}" for inner in part.model_fields)
        else:
            yield name
