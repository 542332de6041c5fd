"""One reader's life: sign up, confirm, change, leave, come back, be forgotten.

Every function opens its own transaction and may run twice. Mails are queued in that same transaction;
`digest.publish` sends them.
"""

from digest.subscribe.addresses import mask, normalise, suggestion
from digest.subscribe.evidence import Evidence
from digest.subscribe.exporting import export_csv
from digest.subscribe.importing import ImportReport, import_csv
from digest.subscribe.leaving import can_undo, leave, leave_by_operator, undo
from digest.subscribe.lookup import HOURS, find, reader
from digest.subscribe.operator import add, forget_unconfirmed, remove
from digest.subscribe.preferences import LONGEST_PAUSE, Wishes, choose, choose_by_operator, stopped, try_again
from digest.subscribe.signup import confirm, confirmation, forget, never_again, resend, sign_up

__all__ = [
    "HOURS",
    "LONGEST_PAUSE",
    "Evidence",
    "ImportReport",
    "Wishes",
    "add",
    "can_undo",
    "choose",
    "choose_by_operator",
    "confirm",
    "confirmation",
    "export_csv",
    "find",
    "forget",
    "forget_unconfirmed",
    "import_csv",
    "leave",
    "leave_by_operator",
    "mask",
    "never_again",
    "normalise",
    "reader",
    "remove",
    "resend",
    "sign_up",
    "stopped",
    "suggestion",
    "try_again",
    "undo",
]
