"""MESSAGE → DELIVERY: a message as bytes, the ways out, and when to try again. Knows no database."""

from typing import TYPE_CHECKING

from digest.doors import load

if TYPE_CHECKING:
    from digest.deliver import pacing
    from digest.deliver.breaker import Returns, Verdict
    from digest.deliver.compiled import Compiled
    from digest.deliver.envelope import Envelope, Intent, Transport
    from digest.deliver.keys import NewKeys, new_keys
    from digest.deliver.keys import records as dkim_records
    from digest.deliver.mime import encode
    from digest.deliver.providers import provider
    from digest.deliver.quiet import after_quiet, own_hour
    from digest.deliver.relays import Relays, Way, open_relays
    from digest.deliver.replies import gist
    from digest.deliver.retry import after
    from digest.deliver.run import deliver
    from digest.deliver.signing import InAdvance
    from digest.deliver.smtp import is_canonical
    from digest.deliver.transports import open_transport

__all__ = [
    "Compiled",
    "Envelope",
    "InAdvance",
    "Intent",
    "NewKeys",
    "Relays",
    "Returns",
    "Transport",
    "Verdict",
    "Way",
    "after",
    "after_quiet",
    "deliver",
    "dkim_records",
    "encode",
    "gist",
    "is_canonical",
    "new_keys",
    "open_relays",
    "open_transport",
    "own_hour",
    "pacing",
    "provider",
]

#: Where each is. Loaded when asked for: who only looks needs neither SMTP nor DKIM.
_MODULES = {
    "breaker": (
        "Returns",
        "Verdict",
    ),
    "compiled": ("Compiled",),
    "keys": (
        "NewKeys",
        "dkim_records=records",
        "new_keys",
    ),
    "envelope": (
        "Envelope",
        "Intent",
        "Transport",
    ),
    "mime": ("encode",),
    "providers": ("provider",),
    "quiet": (
        "after_quiet",
        "own_hour",
    ),
    "relays": (
        "Relays",
        "Way",
        "open_relays",
    ),
    "replies": ("gist",),
    "retry": ("after",),
    "run": ("deliver",),
    "signing": ("InAdvance",),
    "smtp": ("is_canonical",),
    "transports": ("open_transport",),
}


def __getattr__(name: str) -> object:
    """The public name, from its module (PEP 562)."""
    return load(__name__, _MODULES, name)
