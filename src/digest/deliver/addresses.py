"""Addresses as they stand on the wire."""

import re
from functools import lru_cache

from email_validator import EmailNotValidError, validate_email

from digest.errors import AddressError

#: RFC 5321 §4.5.3.1.3, without the angle brackets.
_MAX_BYTES = 254
# Specials and spaces would need a quoted local part; no reader has one, and much software breaks on it.
_LOCAL = re.compile(r"[^\s\x00-\x20\x7f-\x9f\ud800-\udfff()<>\[\]\\,;:\"@]+")
_DOMAIN = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?")


# A message names its sender and its reader more than once.
@lru_cache(maxsize=256)
def wire_address(address: str) -> str:
    """The address with its domain in A-labels and its local part untouched.

    A non-ASCII local part stays as it is and needs SMTPUTF8 (RFC 6531). AddressError when the address
    cannot stand in a command or a header.
    """
    local, _, domain = address.rpartition("@")
    if not _LOCAL.fullmatch(local):
        raise AddressError
    domain = ascii_domain(domain)
    wire = f"{local}@{domain}"
    if len(wire) * 4 > _MAX_BYTES and len(wire.encode()) > _MAX_BYTES:
        raise AddressError(f"an address has at most {_MAX_BYTES} bytes")
    return wire


@lru_cache(maxsize=4096)
def ascii_domain(domain: str) -> str:
    """The domain in A-labels (IDNA 2008); AddressError when it is none."""
    if not domain.isascii():
        try:
            checked = validate_email(f"x@{domain}", check_deliverability=False, globally_deliverable=False)
        except EmailNotValidError as exc:
            raise AddressError from exc
        domain = checked.ascii_domain
    if not _DOMAIN.fullmatch(domain) or ".." in domain:
        raise AddressError
    return domain
