"""Ways out by URL, and what is wrong with a URL."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from digest.config import SmtpSettings
from digest.deliver import open_transport
from digest.deliver.transports import read_account
from digest.errors import ConfigError

SECRET = "s3cr3t"


def settings(url: str, password_file: Path | None = None) -> SmtpSettings:
    return SmtpSettings(url=SecretStr(url), password_file=password_file)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "no such transport"),
        ("relay.example.org", "no such transport"),
        (f"smtp:user:{SECRET}@relay.example.org", "no such transport"),
        ("uucp://relay.example.org", 'no such transport "uucp"'),
        ("smtps://", "more or less than a server"),
        ("smtps://relay.example.org/path", "more or less than a server"),
        ("smtps://relay.example.org?verify=no", "more or less than a server"),
        ("smtps://relay.example.org#x", "more or less than a server"),
        ("smtps://relay.example.org:port", "cannot be read"),
        ("smtps://relay.example.org:99999", "cannot be read"),
        (f"smtps://user:{SECRET}/more@relay.example.org", "cannot be read"),
        (f"smtps://user:{SECRET}%0A@relay.example.org", "cannot be read"),
        (f"smtps://user:{SECRET}%ff@relay.example.org", "cannot be read"),
        ("smtps://[::1", "cannot be read"),
        ("smtps://user@relay.example.org", "the login has no password"),
        (f"smtps://:{SECRET}@relay.example.org", "the login has no user"),
        (f"smtp://user:{SECRET}@relay.example.org", "in the clear"),
        (f"smtp://user:{SECRET}@192.0.2.1", "in the clear"),
        ("file://", "names no folder"),
        ("file://out\0box", "names no folder"),
    ],
)
async def test_a_url_that_leads_nowhere_is_one_clear_line_without_its_password(url: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        async with open_transport(settings(url)):
            pass

    assert caught.value.hint
    assert SECRET not in caught.value.what + caught.value.hint


async def test_an_unknown_scheme_is_told_those_there_are() -> None:
    with pytest.raises(ConfigError) as caught:
        open_transport(settings("smpt://relay.example.org"))

    assert caught.value.hint == "there are smtp://, smtps://, smtp+starttls://, lmtp://, file://"


def test_user_and_password_are_percent_decoded_and_the_password_is_not_in_the_repr() -> None:
    account = read_account(settings("smtps://news%40example.org:p%2F%3A%40ss%C3%A9@[::1]"), 465, "tls")

    assert (account.user, account.password) == ("news@example.org", "p/:@ssé")
    assert (account.host, account.port, account.place) == ("::1", 465, "[::1]:465")
    assert "@ssé" not in repr(account)


def test_a_port_of_one_s_own_is_kept_and_a_plain_login_to_loopback_is_allowed() -> None:
    account = read_account(settings(f"smtp://user:{SECRET}@127.0.0.1:2525"), 25, "")

    assert (account.place, account.encryption) == ("127.0.0.1:2525", "")


def test_the_password_may_stand_in_the_first_line_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text(f"{SECRET} with spaces\nnot this\n")

    account = read_account(settings("smtps://user@relay.example.org", file), 465, "tls")

    assert account.password == f"{SECRET} with spaces"


@pytest.mark.parametrize(
    ("content", "url", "words"),
    [
        (None, "smtps://user@relay.example.org", "No such file"),
        (b"", "smtps://user@relay.example.org", "has no first line"),
        (b"\n", "smtps://user@relay.example.org", "has no first line"),
        (b"\xff\xfe", "smtps://user@relay.example.org", "is not UTF-8"),
        (SECRET.encode(), "smtps://user:other@relay.example.org", "stands in smtp.url and in"),
        (SECRET.encode(), "smtps://relay.example.org", "the login has no user"),
    ],
)
def test_a_password_file_of_no_use_is_one_clear_line(
    tmp_path: Path, content: bytes | None, url: str, words: str
) -> None:
    file = tmp_path / "password"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(ConfigError, match=words) as caught:
        open_transport(settings(url, file))

    assert SECRET not in caught.value.what
