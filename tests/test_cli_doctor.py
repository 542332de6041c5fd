"""`digest doctor` reports exactly what is broken, and never breaks itself."""

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from commands import Digest, digest
from mailservers import STALL, recording_server, scripted_server

__all__ = ["digest"]

HEALTHY = {"smtp": "warn", "links": "warn", "sources": "warn"}


def states(found: dict[str, Any]) -> dict[str, str]:
    """The checks that are not ok, by name."""
    return {one["name"]: one["state"] for one in found["checks"] if one["state"] != "ok"}


def test_a_new_house_is_well_but_for_what_init_cannot_know(digest: Digest) -> None:
    found = digest.json("doctor")

    assert found["ok"] is True
    assert states(found) == HEALTHY


async def test_a_house_that_is_set_up_is_well(digest: Digest) -> None:
    async with recording_server() as mail:
        digest.change('url = "file://outbox"', f'url = "smtp://127.0.0.1:{mail.port}"')
        digest.change('"http://127.0.0.1:8080"', '"https://digest.example.org"')
        await digest.later("sources", "starter")

        found = await digest.later("doctor", "--send-to", "ada@example.org")

    assert "warn" not in found.stdout
    assert "found     0 to mend, 0 to look at" in found.stderr
    assert [one.recipient for one in mail.mails] == ["ada@example.org"]


async def test_the_next_command_is_what_is_missing(digest: Digest) -> None:
    said = [digest.run("doctor").stderr]
    await digest.later("sources", "starter")
    said += [(await digest.later("doctor")).stderr]
    await digest.later("subscribers", "add", "ada@example.org", "--confirmed", "--basis", "a test")
    found = digest.run("doctor")

    words = [one.partition("next")[2] for one in (*said, found.stderr)]
    assert "sources starter" in words[0]
    assert "subscribers add EMAIL" in words[1]
    assert words[2].split()[-1] == "run"
    assert "week: 1 confirmed" in found.stdout


def test_settings_that_others_can_read_are_a_warning(digest: Digest) -> None:
    digest.settings.chmod(0o644)

    assert states(digest.json("doctor")) == HEALTHY | {"configuration": "warn"}


def test_the_clock_is_told_as_the_newsletter_has_it(digest: Digest) -> None:
    digest.change('timezone = "UTC"', 'timezone = "Asia/Tokyo"')

    (clock,) = [one for one in digest.json("doctor")["checks"] if one["name"] == "clock"]

    assert re.fullmatch(r"\d\d:\d\d JST; next issue: week \w+ 01 Jan 00:00 JST", clock["found"])


def test_broken_settings_are_all_that_is_said(digest: Digest) -> None:
    digest.settings.write_text("= = =")

    found = digest.json("doctor", code=1)

    assert [(one["name"], one["state"]) for one in found["checks"]] == [("configuration", "fail")]


@pytest.mark.parametrize(
    "database",
    ["sqlite:///none.db", "sqlite:///digest.toml", "postgresql://me:hunter2@127.0.0.1:1/x", "mysql://x"],
)
def test_a_broken_database_is_the_only_failure(digest: Digest, database: str) -> None:
    digest.change("sqlite:///digest.db", database)

    found = digest.json("doctor", code=1)

    broken = dict.fromkeys(("sources", "readers", "issues", "pace", "workers"), "skip") | {"database": "fail"}
    assert states(found) == HEALTHY | broken
    assert "hunter2" not in str(found)


@pytest.mark.parametrize("url", ["smtp://127.0.0.1:1", "pigeon://x", "smtps://me@"])
def test_a_mail_server_that_is_away_is_the_only_failure(digest: Digest, url: str) -> None:
    digest.change('url = "file://outbox"', f'url = "{url}"')

    assert states(digest.json("doctor", code=1)) == HEALTHY | {"smtp": "fail"}


async def test_a_mail_server_that_is_silent_does_not_hold_up_the_rest(digest: Digest) -> None:
    async with scripted_server(EHLO=STALL, HELO=STALL) as mail:
        digest.change('url = "file://outbox"', f'url = "smtp://127.0.0.1:{mail.port}"')
        digest.change("#timeout_seconds = 60\n#dot", "timeout_seconds = 0.2\n#dot")

        async with asyncio.timeout(60):
            found = await digest.json_later("doctor", code=1)

    assert states(found) == HEALTHY | {"smtp": "fail"}


def test_a_template_that_does_not_render_is_named_with_file_and_line(digest: Digest) -> None:
    mail = digest.folder / "mails" / "confirm"
    mail.mkdir(parents=True)
    (mail / "subject.txt").write_text("Hello\n{{ nobody.name }}\n")
    digest.change('#templates = "email_templates"', 'templates = "mails"')

    found = digest.json("doctor", code=1)

    assert states(found) == HEALTHY | {"templates": "fail"}
    assert "confirm/subject.txt" in str(found)


async def test_a_sick_source_is_named(digest: Digest) -> None:
    digest.run("sources", "add", "http://127.0.0.1:1/feed", "--no-check", "--title", "Netzpost")
    for _ in range(3):
        digest.run("gather", "--all", code=1)

    found = digest.json("doctor")

    (line,) = [one["found"] for one in found["checks"] if one["name"] == "sources"]
    assert "1 sick: Netzpost" in line
    assert digest.json("status")["sources"]["sick"] == ["Netzpost"]
    assert "Netzpost" in digest.run("sources", "list", "--sick").stdout


def test_a_mail_that_is_not_taken_is_a_failure(digest: Digest, tmp_path: Path) -> None:
    (tmp_path / "outbox").write_text("a file where the folder should be")

    found = digest.run("doctor", "--send-to", "ada@example.org", code=1)

    assert "fail  mail" in found.stdout
