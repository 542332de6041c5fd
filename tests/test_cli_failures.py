"""How commands end when something is wrong: a code and a line, never a traceback."""

import asyncio
import re
import signal
import subprocess
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from commands import Digest, digest
from digest.cli.failures import Root
from digest.cli.terminal import Terminal
from digest.errors import BusyError, NotFoundError, NothingToDoError, TransportError, UsageError
from sites import open_site

__all__ = ["digest"]


def app_that_raises(error: BaseException) -> typer.Typer:
    """A command of ours that ends in that error."""
    app = typer.Typer(cls=Root, pretty_exceptions_enable=False)

    @app.callback()
    def options(ctx: typer.Context, debug: bool = False) -> None:
        ctx.obj = Terminal.open(debug=debug)

    @app.command("fail")
    def fail() -> None:
        raise error

    return app


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (UsageError("wrong"), 2, "error[U001] wrong"),
        (NotFoundError("gone", hint="look"), 1, "error[N001] gone\n  look"),
        (NothingToDoError("idle"), 3, "error[E001] idle"),
        (TransportError("away"), 75, "error[M001] away"),
        (BusyError("locked"), 75, "error[B001] locked"),
        (KeyboardInterrupt(), 130, "stopped"),
        (typer.Abort(), 130, "stopped"),
        (EOFError(), 130, "stopped"),
    ],
)
def test_each_error_has_its_code_and_its_line(error: BaseException, code: int, line: str) -> None:
    result = CliRunner().invoke(app_that_raises(error), ["fail"])

    assert result.exit_code == code
    assert line in result.stderr
    assert result.stdout == ""


def test_control_characters_in_an_error_reach_no_terminal() -> None:
    result = CliRunner().invoke(app_that_raises(UsageError("a\x1b[2Jb\r\nc\u202ed")), ["fail"])

    assert "error[U001] a [2Jb  c d" in result.stderr


def test_a_fault_of_ours_leaves_a_report_without_addresses_and_secrets() -> None:
    error = ValueError(
        "ada@example.org at smtps://me:hunter2@mx.example.org with 'Ada Lovelace' and " + "k" * 40
    )

    result = CliRunner().invoke(app_that_raises(error), ["fail"])

    assert result.exit_code == 1
    file = Path(re.findall(r"secrets: (\S+)", result.stderr)[0])
    report = file.read_text()
    file.unlink()
    assert "ValueError" in report
    assert "test_cli_failures.py" in report
    for private in ("ada@", "hunter2", "Lovelace", "kkkk"):
        assert private not in report + result.stderr


def test_debug_shows_the_traceback() -> None:
    result = CliRunner().invoke(app_that_raises(UsageError("wrong")), ["--debug", "fail"])

    assert "Traceback" in result.stderr
    assert result.exit_code == 2


@pytest.mark.parametrize("name", ["digest.toml", "sub/none.db"])
def test_a_database_that_is_none_is_one_clear_line(digest: Digest, name: str) -> None:
    digest.change("sqlite:///digest.db", f"sqlite:///{name}")

    assert digest.run("status", code=1).stderr.startswith("error[D001]")


def test_a_database_of_another_kind_and_one_that_is_away(digest: Digest) -> None:
    digest.change("sqlite:///digest.db", "mysql://me:hunter2@127.0.0.1:1/x")
    assert "cannot be mysql" in digest.run("status", code=2).stderr

    digest.change("mysql://", "postgresql://")
    err = digest.run("status", code=1).stderr
    assert err.startswith("error[D001]")
    assert "hunter2" not in err


def test_a_database_that_is_behind_names_both_versions_and_the_command(digest: Digest) -> None:
    (digest.folder / "digest.db").unlink()
    digest.change('#migrate = "on-start"', 'migrate = "by-hand"')

    for command in (("status",), ("run", "--port", "0"), ("db", "check")):
        assert " db upgrade" in digest.run(*command, code=1).stderr


def test_a_full_disk_is_one_clear_line_and_loses_nothing(digest: Digest) -> None:
    rows = "".join(f"reader{number}@example.org\n" for number in range(20_000))
    limit = (digest.folder / "digest.db").stat().st_size + 100_000

    process = digest.start(
        *("subscribers", "import", "-", "--confirmed", "--basis", "a test"),
        first=f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))",
        stdin=subprocess.PIPE,
    )
    _, err = process.communicate(rows, timeout=60)

    assert process.returncode == 1
    assert err.startswith("error[D003]")
    assert digest.run("subscribers", "import", "-", stdin="a@example.org").exit_code == 0


def interrupt(process: "subprocess.Popen[str]") -> None:
    """Ctrl-C; once more when the first fell into the moment between the question and the reading."""
    for _ in range(5):
        process.send_signal(signal.SIGINT)
        try:
            process.wait(15)
            return
        except subprocess.TimeoutExpired:
            continue


def test_ctrl_c_ends_with_130_and_one_line(digest: Digest) -> None:
    digest.run("sources", "add", "https://x.example/feed", "--no-check", "--title", "X")

    with digest.ask("sources", "remove", "X") as (process, answer):
        answer("y/n", "")
        interrupt(process)
        told = answer("stopped", "")

    assert process.returncode == 130
    assert "Traceback" not in told


def test_a_pipe_that_closes_is_no_error(digest: Digest) -> None:
    digest.run("sources", "starter")
    process = digest.start("sources", "export")
    assert process.stdout is not None
    process.stdout.close()

    assert process.wait(30) in {0, 1}
    assert process.stderr is not None
    assert "Traceback" not in process.stderr.read()
    process.stderr.close()


async def test_sigterm_ends_a_command_as_ctrl_c_does(digest: Digest) -> None:
    async with open_site() as site:
        await digest.later("sources", "add", site.hang("/feed"), "--no-check")
        process = digest.start("gather")
        while not site.asked:  # noqa: ASYNC110 - the site's list is filled by another task
            await asyncio.sleep(0.01)
        process.terminate()
        _, err = await asyncio.to_thread(process.communicate, timeout=30)

    assert process.returncode == 130
    assert "Traceback" not in err
    assert "stopped" in err
