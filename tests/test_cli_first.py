"""The first minutes: help, init, config, db."""

import stat
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from commands import Digest, digest, make
from digest import __version__
from digest.cli import app
from digest.cli.commands import with_options
from digest.config import load, setting_names

__all__ = ["digest"]


def call(*args: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, list(args))
    return result.exit_code, result.stdout, result.stderr


def test_a_draft_without_sources_says_how_to_get_some(digest: Digest) -> None:
    said = digest.run("draft").stderr

    assert "there are no sources to draft from" in said
    assert "sources starter, or" in said


def test_help_teaches_the_exit_codes() -> None:
    code, out, _ = call("--help")

    assert code == 0
    assert "75 try again later" in " ".join(out.split())


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_a_first_look_imports_nothing_heavy(option: str) -> None:
    heavy = ("sqlalchemy", "aiohttp", "fastapi", "pydantic", "alembic", "lxml")
    program = (
        f"import sys\nfrom digest.cli import app\ntry:\n    app(['{option}'])\nexcept SystemExit:\n"
        f"    sys.exit(str([name for name in {heavy} if name in sys.modules]))"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)

    assert done.stderr == "[]\n"
    assert "digest" in done.stdout


def commands_of(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every command and group there is."""
    for name, inner in group.commands.items():
        yield (*path, name)
        if hasattr(inner, "commands"):
            yield from commands_of(inner, (*path, name))


@pytest.mark.parametrize("path", list(commands_of(get_command(app))), ids=" ".join)
def test_every_command_explains_itself(path: tuple[str, ...]) -> None:
    code, out, err = call(*path, "--help")

    assert (code, err) == (0, "")
    assert len(out.split(" ".join(path), 1)[1].split("╭")[0].split()) > 3


def test_names_in_brackets_are_shown_in_help() -> None:
    _, run_help, _ = call("run", "--help")
    _, demo_help, _ = call("demo", "--help")

    assert "Default: [web] host." in run_help
    assert "[default: now]" in demo_help


def test_no_command_is_missing() -> None:
    single = "demo init doctor run worker gather draft preview approve send pause resume retry who cancel"
    single += " explain reconcile receive status relays"
    single += " questions answer edit move drop take diff replay"

    groups = "sources subscribers issues corrections decisions config db dkim"

    assert {*single.split(), *groups.split()} == {
        name for name, *inner in commands_of(get_command(app)) if not inner
    }


def test_the_version_is_data() -> None:
    assert call("--version") == (0, f"digest {__version__}\n", "")


def test_an_unknown_command_names_the_nearest() -> None:
    code, out, err = call("sources", "lst")

    assert (code, out) == (2, "")
    assert "error[U001]" in err
    assert "Did you mean 'list'" in err
    assert "digest sources --help" in err


def test_without_settings_the_next_command_is_named(tmp_path: Path) -> None:
    err = Digest(tmp_path).run("status", code=2).stderr

    assert "error[C002]" in err
    assert " init writes one" in err


def test_init_writes_settings_that_explain_every_setting(tmp_path: Path) -> None:
    text = make(tmp_path).settings.read_text()

    written = {line.lstrip("#").partition(" = ")[0] for line in text.splitlines()}
    assert {name.rpartition(".")[2] for name in setting_names()} <= written


def test_init_says_what_it_wrote_and_what_comes_next(tmp_path: Path) -> None:
    result = Digest(tmp_path).run("init", "--name", "A", "--from", "a@example.org", "--starter")

    assert result.stdout == ""
    assert "0600" in result.stderr
    assert "sources from the starter pack (News" in result.stderr
    assert result.stderr.rstrip().endswith(f"digest --config {tmp_path}/digest.toml doctor")


def test_what_init_makes_is_for_its_owner_only(digest: Digest) -> None:
    modes = [stat.S_IMODE((digest.folder / name).stat().st_mode) for name in ("digest.toml", "digest.db")]

    assert modes == [0o600, 0o600]


def test_init_without_a_terminal_names_the_missing_options(tmp_path: Path) -> None:
    err = Digest(tmp_path).run("init", code=2).stderr

    assert "--name and --from are missing" in err
    assert list(tmp_path.iterdir()) == []


def test_init_does_not_overwrite_and_force_keeps_the_older_file_and_its_secret(digest: Digest) -> None:
    secret = tomllib.loads(digest.settings.read_text())["secret"]
    again = ("init", "--name", "Another", "--from", "b@example.org")

    assert "is there already" in digest.run(*again, code=2).stderr
    digest.run(*again, "--force")

    assert tomllib.loads(digest.settings.read_text())["secret"] == secret
    assert "The Week in AI" in (digest.folder / "digest.toml.old").read_text()


@pytest.mark.parametrize(
    "name", ['A "quoted" \\ name', "]]\nx = 1", "週刊AI", "del\x7f", "${HOME}", "@secret@", "🦊 'x' #"]
)
def test_a_name_is_quoted_or_refused_and_never_breaks_the_file(name: str, tmp_path: Path) -> None:
    is_fine = name.isprintable()
    made = CliRunner().invoke(
        app, ["init", "--dir", str(tmp_path), "--name", name, "--from", "a@example.org"]
    )

    assert made.exit_code == (0 if is_fine else 2), made.output
    if is_fine and "$" not in name:
        assert next(iter(load(tmp_path / "digest.toml").newsletters.values())).name == name


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--from", "nobody", "an address looks like"),
        ("--timezone", "Europe/Copenhagn", "did you mean Europe/Copenhagen?"),
        ("--schedule", "every monday", "not a cron expression"),
        ("--policy", "maybe", "--policy"),
        ("--public-url", "ftp://x", "must start with http"),
        ("--smtp", "carrier-pigeon://x", "no such transport"),
        ("--key", "Not A Key", "--key"),
        ("--editor", "two words", "--editor"),
    ],
)
def test_a_wrong_answer_names_its_option_and_writes_nothing(
    option: str, value: str, words: str, tmp_path: Path
) -> None:
    right = ("--name", "A", "--from", "a@example.org")

    err = Digest(tmp_path).run("init", *right, option, value, code=2).stderr

    assert words in err
    assert list(tmp_path.iterdir()) == []


def test_a_setting_that_does_not_exist_is_one_clear_line(digest: Digest) -> None:
    digest.change("[smtp]", '[smtp]\npasword = "x"')

    err = digest.run("config", "check", code=2).stderr

    assert "error[C003]" in err
    assert "smtp.pasword" in err


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("[smtp]", '[smtp]\npassword_file = "nowhere.txt"', "nowhere.txt"),
        ("[smtp]", '[smtp]\ndkim = { domain = "example.org", rsa_key = "nowhere.pem" }', "nowhere.pem"),
        ("[smtp]", '[smtp]\ndkim = { domain = "example.org" }', "has no key"),
        ('url = "file://outbox"', 'url = "pigeon://roof"', "no such transport"),
    ],
)
def test_config_check_opens_what_the_settings_name(digest: Digest, old: str, new: str, words: str) -> None:
    if "password_file" in new:
        digest.change('url = "file://outbox"', 'url = "smtps://me@mx.example.org"')
    digest.change(old, new)

    assert words in digest.run("config", "check", code=2).stderr


def test_config_check_renders_templates_of_ones_own(digest: Digest) -> None:
    folder = digest.folder / "mails" / "welcome"
    folder.mkdir(parents=True)
    (folder / "subject.txt").write_text("Hello {{ nobody.knows }}")
    digest.change("[web]", 'templates = "mails"\n\n[web]')

    assert "welcome" in digest.run("config", "check", code=1).stderr


def test_config_show_hides_what_is_secret(digest: Digest) -> None:
    secret = tomllib.loads(digest.settings.read_text())["secret"]
    digest.change('url = "file://outbox"', 'url = "smtps://me:hunter2@mx.example.org"')

    shown = digest.run("config", "show", "--all").stdout

    assert secret not in shown
    assert "hunter2" not in shown
    assert "smtps://********@mx.example.org" in shown
    assert "smtp.connections = 4" in shown
    assert digest.json("config", "show")["settings"]["secret"] == "********"


def test_db_check_compares_and_upgrade_is_safe_twice(digest: Digest) -> None:
    assert digest.json("db", "check")["is_current"] is True

    assert "already" in digest.run("db", "upgrade").stderr


def test_db_check_makes_no_database(digest: Digest) -> None:
    (digest.folder / "digest.db").unlink()

    assert " db upgrade" in digest.run("db", "check", code=1).stderr
    assert not (digest.folder / "digest.db").exists()
    assert "upgraded" in digest.run("db", "upgrade").stderr


def test_every_command_that_is_named_has_the_settings_file(digest: Digest) -> None:
    place = f"digest --config {digest.settings} "

    assert f"{place}doctor" in digest.run("db", "upgrade").stderr + digest.run("status").stderr
    assert f"; {place}run starts it" in digest.run("status").stdout
    assert f"  {place}draft makes one" in digest.run("issues", "show", code=1).stderr
    assert with_options("a fault of digest itself; digest db check", "-q") == (
        "a fault of digest itself; digest -q db check"
    )


def test_quiet_leaves_data_and_errors_only(digest: Digest) -> None:
    assert digest.run("--quiet", "db", "check").output == ""
    assert "error[" in digest.run("--quiet", "issues", "show", "9", code=1).stderr


def test_where_the_shell_finds_no_digest_hints_name_its_path(tmp_path: Path) -> None:
    program = Path(sys.executable).parent / "digest"
    variables = {"PATH": "/nowhere"}

    alone = subprocess.run(
        [program, "status"], cwd=tmp_path, env=variables, capture_output=True, text=True, timeout=60
    )
    variables["PATH"] = str(program.parent)
    found = subprocess.run(
        [program, "status"], cwd=tmp_path, env=variables, capture_output=True, text=True, timeout=60
    )

    assert f"  {program} init writes one" in alone.stderr
    assert "  digest init writes one" in found.stderr


@pytest.mark.parametrize(
    ("command", "rooms"),
    [
        (("status",), ("digest.compose", "digest.publish", "aiosmtplib", "css_inline")),
        (("decisions", "list"), ()),
    ],
)
def test_who_only_looks_imports_nothing_heavy(
    digest: Digest, command: tuple[str, ...], rooms: tuple[str, ...]
) -> None:
    digest.run("db", "upgrade")
    heavy = ["aiohttp", "alembic", "fastapi", "feedparser", "icalendar", "lxml", *rooms]
    heavy += ["psycopg", "trafilatura", "uvicorn"]
    program = (
        "import sys\nfrom digest.cli import app\ntry:\n    app(sys.argv[1:])\nexcept SystemExit:\n"
        f"    sys.stderr.write(str([name for name in {heavy} if name in sys.modules]))"
    )

    done = subprocess.run(
        [sys.executable, "-c", program, "--config", str(digest.settings), "-q", *command],
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.stderr == "[]"
