"""Every sub-command in its place, and the options that stand before them."""

import sys
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from digest import __version__
from digest.cli.commands import COMMANDS, GROUPS
from digest.cli.failures import Root
from digest.cli.later import Group, Later, group
from digest.cli.terminal import Terminal

_EPILOG = (
    "Exit codes: 0 done, 1 failed, 2 wrong use or settings, 3 nothing to do (with --exit-code), 4 partly, "
    "75 try again later, 130 interrupted."
)


class Digest(Root):
    """The command `digest` with every command of the table."""

    def __init__(self, **attrs: Any) -> None:
        super().__init__(**attrs)
        for panel, name, place in COMMANDS:
            *outer, last = name.split()
            command = Later(
                last, place if "." in place else f"digest.cli.{place}", panel=None if outer else panel
            )
            if outer and outer[0] not in self.commands:
                self.add_command(group(outer[0], GROUPS[outer[0]], panel=panel))
            holder = cast(Group, self.commands[outer[0]]) if outer else self
            holder.add_command(command)


app = typer.Typer(
    name="digest",
    cls=Digest,
    help="A newsletter that writes itself: gathers, composes, renders and delivers, exactly once.",
    epilog=_EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"digest {__version__}\n")
        raise typer.Exit


@app.callback()
def options(
    ctx: typer.Context,
    config: Annotated[
        Path | None, typer.Option(help="The settings file. Default: $DIGEST_CONFIG, else digest.toml here.")
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks and events.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only data, warnings and errors.")] = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="As $NO_COLOR does.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Take the options that stand before the command."""
    ctx.obj = Terminal.open(config=config, quiet=quiet, color=not no_color, debug=debug)


def main() -> None:
    """Run `digest` and exit; a stream that cannot show a letter shows its code instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    app(prog_name="digest")
