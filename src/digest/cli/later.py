"""Commands that are imported when they run: their names and first words are enough for `--help`."""

import ast
from functools import cache
from importlib import import_module
from importlib.resources import files
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup


class Later(TyperCommand):
    """A command by the place of its function, as "digest.cli.sources:add"."""

    def __init__(self, name: str, place: str, *, panel: str | None = None) -> None:
        """Nothing is imported yet."""
        super().__init__(name=name, callback=None, params=[], rich_help_panel=panel)
        self._place = place

    def load(self) -> Any:
        """The command itself, with its options."""
        module, _, function = self._place.partition(":")
        holder = typer.Typer(add_completion=False, rich_markup_mode="rich")
        holder.command(self.name)(getattr(import_module(module), function))
        command = typer.main.get_command(holder)
        calm(command)
        return command

    def words(self) -> str:
        """What the function's docstring says, read from its file."""
        module, _, function = self._place.partition(":")
        return _docstrings(module).get(function, "")

    def make_context(self, info_name: Any, args: Any, parent: Any = None, **extra: Any) -> Any:
        """The context of the command itself, which from here on is run."""
        return self.load().make_context(info_name, args, parent, **extra)


class Group(TyperGroup):
    """Commands under one name."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """List the commands with their first words."""
        for command in self.commands.values():
            if isinstance(command, Later):
                command.help = command.words()
        super().format_help(ctx, formatter)


def group(name: str, words: str, *, panel: str) -> Group:
    """`digest NAME`, without commands as yet."""
    return Group(name=name, help=words, no_args_is_help=True, rich_markup_mode="rich", rich_help_panel=panel)


def calm(command: Any) -> None:
    """Flags without the word "bool" in --help: they take no value."""
    for param in command.params:
        if getattr(param, "is_flag", False) and param.metavar is None:
            param.metavar = ""


@cache
def _docstrings(module: str) -> dict[str, str]:
    """The docstrings of a module's functions by name."""
    # Not find_spec: it would import the packages around the module.
    package, *path = module.split(".")
    tree = ast.parse(files(package).joinpath(*path[:-1], f"{path[-1]}.py").read_text(encoding="utf-8"))
    return {one.name: ast.get_docstring(one) or "" for one in tree.body if isinstance(one, ast.FunctionDef)}
