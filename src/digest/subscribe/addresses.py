"""Addresses as people type them: checked, normalised, and the offer to mend a common slip."""

import difflib
import re
from functools import lru_cache

from email_validator import EmailNotValidError, validate_email

from digest.errors import AddressError

#: The longest path that SMTP carries (RFC 5321 §4.5.3.1.3), without its brackets.
MAX_LENGTH = 254

#: Where most readers have their mailbox, with those that merely look like one of these.
_COMMON = (
    *("gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "live.com", "msn.com", "yahoo.com"),
    *("icloud.com", "me.com", "mac.com", "aol.com", "proton.me", "protonmail.com", "fastmail.com"),
    *(
        "gmx.de",
        "gmx.net",
        "gmx.com",
        "gmx.at",
        "gmx.ch",
        "web.de",
        "t-online.de",
        "posteo.de",
        "mailbox.org",
    ),
    *("mail.com", "email.com", "ymail.com", "rocketmail.com", "hotmail.co.uk", "hotmail.de", "hotmail.fr"),
    *(
        "yahoo.co.uk",
        "yahoo.de",
        "yahoo.fr",
        "yahoo.it",
        "yahoo.es",
        "outlook.de",
        "outlook.fr",
        "live.co.uk",
    ),
    *("orange.fr", "wanadoo.fr", "free.fr", "laposte.net", "libero.it", "mail.ru", "yandex.ru", "qq.com"),
)
_LIKENESS = 0.84
#: RFC 5321 §4.5.3.1.1.
_LONGEST_LOCAL = 64
#: Atoms with dots between: of these nothing has to be checked or normalised.
_PLAIN_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")


def normalise(address: str) -> str:
    """The address as it is stored: NFC, the domain in lower case and in its own letters (U-labels).

    The reader sees the domain as they know it; `digest.deliver` turns it into A-labels on the wire. No DNS is
    asked. AddressError, with an offer in `hint`, for everything that is no plain mailbox.
    """
    typed = address.strip(" \t")
    # U+FFFD is what bytes that were no UTF-8 became: nobody's address.
    if len(typed) > MAX_LENGTH or "\ufffd" in typed:
        raise AddressError
    local, _, domain = typed.rpartition("@")
    try:
        if _PLAIN_LOCAL.fullmatch(local) and len(local) <= _LONGEST_LOCAL and _is_plain(domain):
            return f"{local}@{_checked_domain(domain)}"
        return validate_email(typed, check_deliverability=False, strict=True).normalized
    except (EmailNotValidError, UnicodeError) as exc:
        offer = suggestion(typed)
        raise AddressError(hint=f"Did you mean {offer}?" if offer else "") from exc


def _is_plain(domain: str) -> bool:
    """True for a domain that is stored in the letters in which it travels, so that its length is the same."""
    return domain.isascii() and "--" not in domain


# A list of a million readers has them at a few thousand domains, and checking takes fifty microseconds.
@lru_cache(maxsize=50_000)
def _checked_domain(domain: str) -> str:
    """The domain as it is stored; raises what the library does."""
    return validate_email(f"x@{domain}", check_deliverability=False, strict=True).domain


def suggestion(address: str) -> str:
    """A common domain that the address's own is one slip away from, or "". Only ever an offer."""
    _, at, domain = address.strip().lower().rpartition("@")
    if not at or domain in _COMMON or not domain.isascii():
        return ""
    near = difflib.get_close_matches(domain, _COMMON, 1, _LIKENESS)
    return near[0] if near else ""


def mask(address: str) -> str:
    """ "a…@example.org": enough for its owner, too little for whoever the mail was forwarded to."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}…@{domain}"
