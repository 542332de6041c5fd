"""What comes back: commands, bounces, complaints, a mail server's log. Pure: reading decides nothing."""

from digest.inbound.mail import Bounce, Command, CommandKind, Complaint, Ignored, Mail
from digest.inbound.postfix import Fate, Trace, read_postfix_log
from digest.inbound.read import MAX_BYTES, read_mail

__all__ = [
    "MAX_BYTES",
    "Bounce",
    "Command",
    "CommandKind",
    "Complaint",
    "Fate",
    "Ignored",
    "Mail",
    "Trace",
    "read_mail",
    "read_postfix_log",
]
