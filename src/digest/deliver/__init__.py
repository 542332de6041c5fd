"""MESSAGE → DELIVERY: a message as bytes, the ways out, and when to try again. Knows no database."""

from digest.deliver import pacing
from digest.deliver.breaker import Returns, Verdict
from digest.deliver.compiled import Compiled
from digest.deliver.dkim import NewKeys, new_keys
from digest.deliver.dkim import records as dkim_records
from digest.deliver.envelope import Envelope, Intent, Transport
from digest.deliver.mime import encode
from digest.deliver.providers import provider
from digest.deliver.quiet import after_quiet, own_hour
from digest.deliver.relays import Relays, Way, open_relays
from digest.deliver.replies import gist
from digest.deliver.retry import after
from digest.deliver.run import deliver
from digest.deliver.smtp import is_canonical
from digest.deliver.transports import open_transport

__all__ = [
    "Compiled",
    "Envelope",
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
