"""The documents say what there is: every command, option, setting, error and room."""

import inspect
import re
from pathlib import Path
from typing import Any

import pytest
import typer

from digest import config, errors
from digest.cli.app import app

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted(DOCS.glob("*.md"))]


def commands(command: Any, path: str) -> list[tuple[str, Any]]:
    """Every command that does something, by its whole name."""
    inner = getattr(command, "commands", None)
    if inner is None:
        return [(path, command.load())]
    return [found for name, one in inner.items() for found in commands(one, f"{path} {name}")]


COMMANDS = commands(typer.main.get_command(app), "digest")


@pytest.mark.parametrize(("name", "command"), COMMANDS, ids=[name for name, _command in COMMANDS])
def test_every_command_and_option_is_documented(name: str, command: Any) -> None:
    sections = re.split(r"^#+ ", (DOCS / "commands.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    mine = [text for text in sections if re.match(rf"`{name}[ `]", text)]

    assert len(mine) == 1, f"docs/commands.md has no section `{name}`"
    for parameter in command.params:
        if parameter.param_type_name == "option" and parameter.name != "help":
            for option in parameter.opts:
                assert f"`{option}`" in mine[0], f"{option} of `{name}` is not documented"


@pytest.mark.parametrize("name", sorted(config.setting_names()))
def test_every_setting_is_documented(name: str) -> None:
    if name == "newsletters":
        return

    assert f"| `{name}` |" in (DOCS / "settings.md").read_text(encoding="utf-8")


def test_every_error_is_documented_and_has_an_id_of_its_own() -> None:
    text = (DOCS / "errors.md").read_text(encoding="utf-8")
    found = [
        one
        for _name, one in inspect.getmembers(errors, inspect.isclass)
        if issubclass(one, errors.DigestError)
    ]

    assert len({one.id for one in found}) == len(found)
    assert [one.id for one in found if f"{one.id} |" not in text] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_documents_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))
    local = [target for target in targets if "://" not in target]

    assert [target for target in local if not (page.parent / target).exists()] == []


def test_the_glossary_has_the_seven_nouns() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")

    for noun in ("Source", "Article", "Story", "Issue", "Message", "Delivery", "Subscriber"):
        assert f"- **{noun}**:" in text


def test_the_settings_file_of_init_explains_every_setting() -> None:
    text = (ROOT / "src/digest/cli/digest.toml.txt").read_text(encoding="utf-8")
    keys = set(re.findall(r"^#?(\w+) ?=", text, re.MULTILINE))
    tables = {"newsletters", "web", "smtp", "relays", "delivery", "gather"}

    assert {name.rpartition(".")[2] for name in config.setting_names()} - tables - keys == set()
