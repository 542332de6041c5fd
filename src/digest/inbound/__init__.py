"""What comes back by mail: commands of readers, bounces, complaints. Pure: reading a mail decides nothing."""

from digest.inbound.mail import Bounce, Command, CommandKind, Complaint, Ignored, Mail
from digest.inbound.read import MAX_BYTES, read_mail

__all__ = [
    "MAX_BYTES",
    "Bounce",
    "Command",
    "CommandKind",
    "Complaint",
    "Ignored",
    "Mail",
    "read_mail",
]
