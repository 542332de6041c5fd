"""A new SMTP connection: greeted, encrypted and logged in, or why there is none."""

import ssl

import aiosmtplib

from digest.deliver.faults import said
from digest.deliver.replies import one_line, words
from digest.deliver.smtp import Account, Line
from digest.errors import TransportError

#: What aiosmtplib raises; a certificate that is not trusted is an OSError, a mangled challenge a ValueError.
_BROKEN = (aiosmtplib.SMTPException, OSError, ValueError)


async def dial(account: Account, *, tls: ssl.SSLContext | None, own_name: str) -> Line:
    """A new line; TransportError, permanent where trying again cannot help, when there is none."""
    client = aiosmtplib.SMTP(
        hostname=None if account.socket else account.host,
        port=None if account.socket else account.port,
        socket_path=account.socket or None,
        username=account.user or None,
        password=account.password if account.user else None,
        local_hostname=own_name,
        timeout=account.reply_seconds,
        use_tls=account.encryption == "tls",
        start_tls=account.encryption == "starttls",
        tls_context=tls,
    )
    try:
        await client.connect()
        if client.is_ehlo_or_helo_needed:
            await _greet(client, own_name=own_name, is_lmtp=account.is_lmtp)
    except _BROKEN as exc:
        client.close()
        raise _unreachable(account, exc) from exc
    except BaseException:
        client.close()
        raise
    return Line(client, account)


async def _greet(client: aiosmtplib.SMTP, *, own_name: str, is_lmtp: bool) -> None:
    """LHLO for LMTP; else EHLO, or HELO for a server that is older than that."""
    if is_lmtp:
        response = await client.execute_command(b"LHLO", own_name.encode())
        if response.code != aiosmtplib.SMTPStatus.completed:
            raise aiosmtplib.SMTPHeloError(response.code, response.message)
        client.last_ehlo_response = response
        return
    try:
        await client.ehlo()
    except aiosmtplib.SMTPHeloError as exc:
        if exc.code // 100 != 5 or not client.is_connected:
            raise
        await client.helo()


def _unreachable(account: Account, exc: Exception) -> TransportError:
    cause = exc.__cause__ if isinstance(exc, aiosmtplib.SMTPConnectError) and exc.__cause__ else exc
    place = account.place
    if isinstance(cause, ssl.SSLCertVerificationError):
        return TransportError(
            f"{place}: its certificate is not trusted: {cause.verify_message}",
            hint="name the server as its certificate does; SSL_CERT_FILE adds an authority of your own",
            is_permanent=True,
        )
    if isinstance(exc, aiosmtplib.SMTPAuthenticationError):
        reply = words(exc.code, exc.message)
        return TransportError(
            f"{place}: login refused: {reply}", hint="check user and password", is_permanent=exc.code >= 500
        )
    if "STARTTLS extension not supported" in str(exc):
        return TransportError(
            f"{place}: offers no STARTTLS", hint="smtps:// is TLS from the first byte", is_permanent=True
        )
    return TransportError(one_line(f"{place}: {said(cause)}"), hint="is smtp.url right, and the server up?")
