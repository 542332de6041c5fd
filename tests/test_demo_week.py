"""The demo plays a week, counts at the mailbox, and leaves its results and nothing else."""

import gzip
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from email import message_from_bytes
from email.policy import default
from io import StringIO
from pathlib import Path
from urllib.parse import urlencode

import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from conftest import NOW
from digest.compose.sentences import sentences
from digest.demo import DemoOptions, DemoResult, Teller, run_demo
from digest.demo.command import demo
from digest.errors import DigestError, NothingToDoError, UsageError

PROGRAM = "import typer; from digest.demo.command import demo; typer.run(demo)"
COMMAND = typer.Typer()
COMMAND.command()(demo)
LEFT = {"issue.html", "issue.eml", "picture.html", "draft.txt"}
KEYS = {"sources", "sources_failed", "articles", "stories", "sections", "audience", "sent", "excluded"}
KEYS |= {"missing", "twice", "why_excluded", "out", "seconds", "bytes"}

DATED = (
    ("old", "Old bark", "Mon, 01 Jun"),
    ("new", "The week's bark", "Wed, 19 Aug"),
    ("not-yet", "Tomorrow's bark", "Sun, 23 Aug"),
)
RSS = "".join(
    f"<item><title>{title}</title><link>https://elm.example/{name}</link>"
    f"<pubDate>{day} 2026 08:00:00 GMT</pubDate></item>"
    for name, title, day in DATED
)
RSS = f'<rss version="2.0"><channel><title>Elm Street</title>{RSS}</channel></rss>'
JSON_FEED = {
    "version": "https://jsonfeed.org/version/1.1",
    "title": "Oak Lane",
    "items": [
        {"id": "1", "url": "https://oak.example/1", "title": "A tutorial on acorns"}
        | {"date_published": "2026-08-20T08:00:00Z", "summary": "How to plant one."}
    ],
}


def teller(out: StringIO, err: StringIO, **options: bool) -> Teller:
    return Teller(out=Console(file=out, width=100), err=Console(file=err, width=100), **options)


def threads() -> list[str]:
    """The threads there are, but for those of the loop's pool, which end with it."""
    names = [one.name for one in threading.enumerate()]
    return sorted(name for name in names if not name.startswith(("asyncio", "uvloop")))


async def played(folder: Path, **options: object) -> tuple[DemoResult, str, str]:
    """A demo's result, its standard output and its standard error."""
    out, err = StringIO(), StringIO()
    asked = replace(DemoOptions(now=NOW, out=folder), **options)  # type: ignore[arg-type]
    result = await run_demo(asked, tell=teller(out, err))
    return result, out.getvalue(), err.getvalue()


def test_the_command_leaves_its_results_one_object_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    command = [sys.executable, "-c", PROGRAM, "--json", "--now", "2026-11-23T06:00Z"]
    variables = {**os.environ, "TMPDIR": str(tmp_path / "tmp")}

    done = subprocess.run(
        command, cwd=tmp_path, env=variables, capture_output=True, text=True, timeout=110, check=True
    )
    told = json.loads(done.stdout)
    mail = message_from_bytes((tmp_path / "demo" / "issue.eml").read_bytes(), policy=default)

    assert set(told) == KEYS
    assert (told["sources"], told["sources_failed"], told["audience"]) == (9, 2, 40)
    assert (told["missing"], told["twice"]) == (0, 0)
    assert told["sent"] + told["excluded"] == told["audience"]
    assert sum(told["why_excluded"].values()) == told["excluded"]
    assert set(told["why_excluded"]) == {"left", "not confirmed", "suppressed"}
    assert sum(told["sections"].values()) == told["stories"]
    assert min(told["sections"].values()) > 0
    assert {file.name for file in (tmp_path / "demo").iterdir()} == LEFT
    assert list((tmp_path / "tmp").iterdir()) == []
    assert str(mail["Subject"]).startswith("The Week in AI 1: ")
    assert "Traceback" not in done.stderr


async def test_the_sample_week_is_told_as_it_should_be(tmp_path: Path) -> None:
    before = threads()

    result, out, err = await played(tmp_path, readers=12)
    text = (tmp_path / "draft.txt").read_text()
    page = (tmp_path / "issue.html").read_text()

    assert result.is_good
    assert threads() == before
    for title in ("{{ 7*7 }} and <script>alert(1)</script>", "小さなモデルで十分だった", "مختبر صغير"):
        assert title in " ".join(text.split())
    assert "<script" not in page
    assert "<style>" in page
    assert "also in Linkstack" in text
    assert text.count("Twelve cities agree") == 1
    told = " ".join(text.split())
    assert [one for one in sentences(told) if len(one) > 40 and told.count(one) > 1] == []
    for absent in (
        "field guide to tokenisers",
        "a walk with the robots",
        "breakfast on budgets",
        "spring school",
    ):
        assert absent not in text.lower()
    assert "Deadlines" in text
    assert "The Daily Gradient: " in err
    assert "web page, not a feed" in err
    assert "Quiet Harbour Lab: " in err
    assert "already sent" in err
    assert "sent once more: 0 mails" in " ".join(err.split())
    assert "Also told by Linkstack" in " ".join(out.split())
    said = " ".join(err.split())
    for words in (
        "told by Tidewater Notes, Meadow & Mast and Linkstack, so told once: Twelve cities agree",
        "same story? “A court in Lindhaven rules that a chatbot’s promise binds the shop” and “The clerk who",
        "listed by The Old Freight Hall and The Sound Circle, so listed once: Practical Days",
        "past, so not listed: Listening night",
        "cancelled, so not listed: Breakfast on budgets",
    ):
        assert words in said
    assert text.count("Practical Days: two days, no slides") == 1
    assert "listening night" not in text.lower()
    sum_line = f"12 readers = {result.sent} sent + {result.excluded} excluded; 0 missing, 0 twice"
    assert out.rstrip().endswith(sum_line)


async def test_a_folder_of_feeds_makes_the_issue_of_that_week(tmp_path: Path) -> None:
    feeds = tmp_path / "feeds"
    feeds.mkdir()
    (feeds / "elm.xml").write_text(RSS)
    (feeds / "oak.json.gz").write_bytes(gzip.compress(json.dumps(JSON_FEED).encode()))
    (feeds / "torn.xml.gz").write_bytes(b"not gzip at all")
    (feeds / "notes.md").write_text("no feed")

    result, out, err = await played(tmp_path / "out", feeds=feeds, readers=3)
    text = (tmp_path / "out" / "draft.txt").read_text()

    assert (result.sources, result.sources_failed) == (3, 1)
    assert (result.articles, result.stories) == (3, 2)
    assert result.is_good
    assert "The week's bark" in text
    assert "Elm Street" in text
    assert "A tutorial on acorns" in text
    assert "Old bark" not in text
    assert "Tomorrow's bark" not in text
    assert "torn.xml: " in err
    assert out.count("torn.xml") == 1


async def test_a_week_with_nothing_to_tell_is_said_and_not_sent(tmp_path: Path) -> None:
    feeds = tmp_path / "feeds"
    feeds.mkdir()
    (feeds / "elm.xml").write_text(RSS)

    with pytest.raises(NothingToDoError, match="nothing new"):
        await played(tmp_path / "out", feeds=feeds, readers=1, now=NOW.replace(month=4))


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["--now", "yesterday"], "yesterday"),
        (["--now", "9999-12-31T23:59Z"], "9999"),
        (["--now", "0001-01-01T00:00+14:00"], "--now"),
        (["--readers", "0"], "--readers 0"),
        (["--readers", "-3"], "--readers -3"),
        (["--port", "80"], "--serve"),
        (["--feeds", "nowhere"], "nowhere"),
        (["--feeds", "empty"], "empty"),
        (["--feeds", "file.xml"], "file.xml"),
        (["--out", "file.xml"], "file.xml"),
        (["--out", "file.xml/below"], "file.xml"),
    ],
)
def test_what_cannot_be_played_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], what: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "file.xml").write_text(RSS)

    done = CliRunner().invoke(COMMAND, arguments)

    assert isinstance(done.exception, UsageError)
    assert what in done.exception.what
    assert "\n" not in done.exception.what


def test_a_bad_count_ends_with_one() -> None:
    good = DemoResult(
        sources=1,
        sources_failed=0,
        articles=1,
        stories=1,
        sections={"news": 1},
        audience=1,
        sent=1,
        excluded=0,
        missing=0,
        twice=0,
    )

    assert good.is_good
    assert not replace(good, missing=1).is_good
    assert not replace(good, twice=1).is_good


@contextmanager
def serving(folder: Path) -> Iterator[tuple[subprocess.Popen[str], str, str]]:
    """A demo that serves, and the addresses of its pages and its mailbox."""
    command = [
        sys.executable,
        "-c",
        PROGRAM,
        "--serve",
        "--json",
        "--readers",
        "3",
        "--out",
        str(folder / "o"),
    ]
    variables = {**os.environ, "TMPDIR": str(folder)}
    with subprocess.Popen(
        command, env=variables, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    ) as running:
        assert running.stderr is not None
        found: dict[str, str] = {}
        for line in running.stderr:
            assert "--serve" not in line
            if match := re.match(r"(readers' pages|mailbox)\s+(http\S+)", line):
                found[match[1]] = match[2]
            if len(found) == 2:
                break
        try:
            yield running, found["readers' pages"], found["mailbox"]
        finally:
            running.kill()


def fetch(address: str, **form: str) -> str:
    data = urlencode(form).encode() if form else None
    with urllib.request.urlopen(address, data, timeout=20) as answer:
        return str(answer.read().decode())


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_served_pages_mail_sign_ups_to_the_mailbox_until_it_is_ended(tmp_path: Path, end: int) -> None:
    (tmp_path / "tmp").mkdir()
    with serving(tmp_path / "tmp") as (running, site, box):
        fetch(f"{site}/subscribe", email="new@reader.example", sections="news")
        give_up = time.monotonic() + 40
        while "new@reader.example" not in (listed := fetch(box)):
            assert time.monotonic() < give_up
        newest = re.findall(r"/mail/\d+", listed)[0]
        shown = fetch(f"{box}{newest}?view=text")
        running.send_signal(end)
        running.communicate(timeout=30)

    assert f"{site}/confirm/" in shown
    assert running.returncode == 0
    assert [file.name for file in (tmp_path / "tmp").iterdir()] == ["o"]


async def test_a_port_that_is_taken_is_one_clear_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(DigestError, match="cannot listen"):
        await played(tmp_path, serve=True, port=taken.getsockname()[1])
