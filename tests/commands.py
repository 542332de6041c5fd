"""The real `digest` command, run in this process on a folder of its own, or as a process."""

import asyncio
import contextlib
import functools
import json
import os
import pty
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from digest.cli import app

#: So far from any other time that no test meets it.
_YEARLY = "0 0 1 1 *"


@dataclass(frozen=True, slots=True)
class Digest:
    """The command with the settings of one folder."""

    folder: Path

    @property
    def settings(self) -> Path:
        """Where the settings are."""
        return self.folder / "digest.toml"

    def run(self, *args: str, code: int = 0, stdin: str | bytes = b"") -> Result:
        """What the command says; it must end with `code`, and never in a traceback."""
        # In a thread of its own: the command runs an event loop, and so may the test.
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(self._run, args, code, stdin).result()

    async def later(self, *args: str, code: int = 0, stdin: str | bytes = b"") -> Result:
        """The same beside servers that run in the test's own loop."""
        return await asyncio.to_thread(self._run, args, code, stdin)

    def _run(self, args: tuple[str, ...], code: int, stdin: str | bytes) -> Result:
        result = CliRunner().invoke(app, ["--config", str(self.settings), *args], input=stdin)
        assert result.exit_code == code, result.output
        assert "Traceback" not in result.output
        return result

    def json(self, *args: str, code: int = 0) -> dict[str, Any]:
        """The one object that --json gives."""
        found: dict[str, Any] = json.loads(self.run(*args, "--json", code=code).stdout)
        return found

    async def json_later(self, *args: str, code: int = 0) -> dict[str, Any]:
        """The same beside servers."""
        return await asyncio.to_thread(self.json, *args, code=code)

    def change(self, old: str, new: str) -> None:
        """Edit the settings as an operator would."""
        text = self.settings.read_text()
        assert old in text
        self.settings.write_text(text.replace(old, new))

    def sql(self, statement: str, *values: object) -> None:
        """Change the database behind the command's back."""
        with contextlib.closing(sqlite3.connect(self.folder / "digest.db")) as database, database:
            database.execute(statement, values)

    def start(self, *args: str, first: str = "pass", **streams: Any) -> "subprocess.Popen[str]":
        """The command as a process of its own, after the Python line `first`."""
        line = f"import runpy; {first}; runpy.run_module('digest', run_name='__main__', alter_sys=True)"
        streams = {
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
        } | streams
        return subprocess.Popen(
            [sys.executable, "-c", line, "--config", str(self.settings), *args],
            text=True,
            env={name: value for name, value in os.environ.items() if not name.startswith("DIGEST_")},
            **streams,
        )

    @contextmanager
    def ask(self, *args: str) -> Iterator[tuple["subprocess.Popen[str]", Callable[[str, str], str]]]:
        """The command on a terminal, and what waits for words there and then answers them."""
        ours, theirs = pty.openpty()
        process = self.start(*args, stdin=theirs, stderr=theirs)
        os.close(theirs)
        said = ""

        def answer(words: str, reply: str) -> str:
            nonlocal said
            while words not in said:
                said += os.read(ours, 1000).decode()
            os.write(ours, reply.encode())
            told, said = said, ""
            return told

        try:
            yield process, answer
        finally:
            with process:
                # A terminal that went away while the command still speaks would make it fail.
                with contextlib.suppress(OSError):
                    while os.read(ours, 1000):
                        pass
                process.wait(30)
            os.close(ours)


def make(folder: Path, *options: str, **changes: str) -> Digest:
    """A folder as `digest init` leaves it, with loopback allowed and no issue due while a test runs."""
    args = {"name": "The Week in AI", "from": "news@example.org", "address": "Havnegade 4, Aarhus"} | changes
    given = [part for name, value in args.items() for part in (f"--{name}", value)]
    for name, content in _files_of_init(*given, *options).items():
        (folder / name).touch(0o600)
        (folder / name).write_bytes(content)
    digest = Digest(folder)
    digest.change("#allow_hosts = []", 'allow_hosts = ["127.0.0.1"]')
    return digest


@functools.cache
def _files_of_init(*args: str) -> dict[str, bytes]:
    """What `digest init` leaves, by name; run once for each set of options, for it migrates a database."""
    with tempfile.TemporaryDirectory() as name:
        Digest(Path(name)).run("init", "--key", "week", "--schedule", _YEARLY, *args)
        return {file.name: file.read_bytes() for file in Path(name).iterdir()}


@pytest.fixture
def digest(tmp_path: Path) -> Digest:
    """The command on a new database without sources and readers."""
    return make(tmp_path)


def feed(*titles: str, name: str = "A blog") -> str:
    """An RSS feed of fresh articles, newest first."""
    text = "A sentence that is long enough to say what the article is about. " * 3
    now = datetime.now(UTC)
    items = "".join(
        f"<item><title>{title}</title><link>https://blog.example/{number}</link>"
        f"<description>{text}</description>"
        f"<pubDate>{format_datetime(now - timedelta(hours=number + 1))}</pubDate></item>"
        for number, title in enumerate(titles)
    )
    head = f"<title>{name}</title><link>https://blog.example</link>"
    return f'<?xml version="1.0"?><rss version="2.0"><channel>{head}{items}</channel></rss>'


def children_of(pid: int) -> list[int]:
    """The processes that the main thread of this one has started."""
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def signers_of(pid: int) -> list[int]:
    """Those of them that sign."""
    return [
        one
        for one in children_of(pid)
        if b"digest.deliver.signer" in Path(f"/proc/{one}/cmdline").read_bytes()
    ]
