"""What a use case works with, opened once and handed in: settings, database, signer, templates, log."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache

from digest.config import NewsletterSettings, Settings, local_zone
from digest.domain import Subscriber
from digest.log import Log
from digest.render import Links, Masthead, Templates, open_templates
from digest.store import Store, schema
from digest.tokens import KeyedHash, Purpose, Signer

#: Links in mails carry no time of their own: a mail made again has the same bytes.
_TIMELESS = datetime(1970, 1, 1, tzinfo=UTC)
#: Of 128 bits, half of what the hash has (RFC 2104 §5): its index is what an import of a million waits for.
_HASH_DIGITS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """All that `publish` and `subscribe` need of the world; frozen, shared by every task."""

    settings: Settings
    store: Store
    signer: Signer
    templates: Templates
    log: Log
    #: Held by who gathers in this process: of two at a time, the second finds what the first left.
    gathering: asyncio.Lock = field(default_factory=asyncio.Lock, init=False, repr=False, compare=False)
    #: Mastheads by key, made once: each message of an issue asks for one.
    _mastheads: dict[str, Masthead] = field(default_factory=dict, init=False, repr=False, compare=False)
    #: Made once: an import asks it a million times.
    _addresses: KeyedHash = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_addresses", KeyedHash(self._key("address")))

    def newsletter(self, key: str) -> NewsletterSettings:
        """The settings of one newsletter."""
        return self.settings.newsletter(key)

    def masthead(self, key: str) -> Masthead:
        """A newsletter as its mails show it."""
        if key not in self._mastheads:
            self._mastheads[key] = self._masthead(key)
        return self._mastheads[key]

    def _masthead(self, key: str) -> Masthead:
        chosen = self.newsletter(key)
        return Masthead(
            key=key,
            name=chosen.name,
            from_address=chosen.from_address,
            from_name=chosen.from_name or chosen.name,
            reply_to=chosen.reply_to or "",
            postal_address=chosen.address,
            description=chosen.description,
            language=chosen.language,
            zone=chosen.timezone,
            editor_name=chosen.editor_name,
            public_url=self.settings.public_url,
            seal_key=self._key("message-id"),
        )

    def local(self, key: str, at: datetime) -> str:
        """A time as the newsletter's readers know it, "Mon 30 Nov 07:00 CET"."""
        return f"{at.astimezone(local_zone(self.newsletter(key).timezone)):%a %d %b %H:%M %Z}"

    def page(self, key: str, path: str = "") -> str:
        """The address of a newsletter's page."""
        return f"{self.settings.public_url}/n/{key}{path}"

    def token(self, purpose: Purpose, key: str, subject: int, made_at: datetime = _TIMELESS) -> str:
        """A signed token for one purpose of one newsletter."""
        return self.signer.sign(purpose, key, subject, made_at)

    def links(self, key: str, subscriber: Subscriber, number: int) -> Links:
        """One reader's own links, equal each time they are made."""
        return self.links_of(key, number)(subscriber)

    def links_of(self, key: str, number: int) -> Callable[[Subscriber], Links]:
        """What gives `links` to one reader of an issue after the other: what they share is made once."""
        leave = self.signer.series(Purpose.LEAVE, key, _TIMELESS)
        preferences = self.signer.series(Purpose.PREFERENCES, key, _TIMELESS)
        local, _, domain = self.masthead(key).from_address.rpartition("@")
        home = self.page(key)
        browser = f"{home}/issues/{number}"

        def links(subscriber: Subscriber) -> Links:
            token = leave(subscriber.id)
            page = f"{home}/leave/{token}"
            return Links(
                browser=browser,
                preferences=f"{home}/preferences/{preferences(subscriber.id)}",
                leave=page,
                one_click=page,
                leave_mail=f"{local}+unsubscribe-{token}@{domain}",
            )

        return links

    def email_hash(self, email: str) -> str:
        """The keyed hash by which an address is found, suppressed and remembered after erasure.

        The whole address is lower-cased: the few hosts that tell cases apart do not outweigh doubled mail.
        """
        return self._addresses.of(email.strip().lower().encode()).hex()[:_HASH_DIGITS]

    def _key(self, purpose: str) -> bytes:
        """A key of its own for each purpose, derived from the secret."""
        return _derived(self.settings.secret.get_secret_value(), purpose)


@lru_cache(maxsize=16)
def _derived(secret: str, purpose: str) -> bytes:
    return KeyedHash(secret.encode()).of(purpose.encode())


@asynccontextmanager
async def open_house(settings: Settings, *, log: Log, check_schema: bool = True) -> AsyncIterator[House]:
    """The house with its database up to date (or SchemaError), closed at the end."""
    async with Store(settings.database.get_secret_value()) as store:
        if check_schema:
            await schema.require_current(store, may_upgrade=settings.migrate == "on-start")
        yield House(
            settings=settings,
            store=store,
            signer=Signer(settings.secret.get_secret_value()),
            templates=open_templates(settings.templates),
            log=log,
        )
