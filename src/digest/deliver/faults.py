"""What went wrong on a connection, in words for people."""

import os
import re
import socket
import ssl

import aiosmtplib

from digest.deliver.replies import words


def said(exc: BaseException) -> str:
    """What went wrong in words, without the arguments that Python's exceptions carry."""
    if isinstance(exc, aiosmtplib.SMTPResponseException):
        return words(exc.code, exc.message) if exc.code > 0 else exc.message
    if isinstance(exc, ConnectionError | TimeoutError) and not str(exc):
        return "no answer in time" if isinstance(exc, TimeoutError) else "the server hung up"
    if isinstance(exc, ssl.SSLError):
        return f"TLS failed: {(exc.reason or 'handshake').lower().replace('_', ' ')}"
    if isinstance(exc, socket.gaierror):
        return f"no such host ({exc.strerror})"
    # With several addresses asyncio has only a text that lists the numbers.
    number = exc.errno if isinstance(exc, OSError) else None
    found = re.search(r"\[Errno (\d+)\]", str(exc))
    if number or found:
        return os.strerror(number or int(found[1] if found else 0))
    return str(exc) or type(exc).__name__
