"""Every sub-command in its place, and the options that stand before them."""

import sys
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from digest import __version__
from digest.cli.failures import Root
from digest.cli.later import Group, Later, group
from digest.cli.terminal import Terminal

_EPILOG = (
    "Exit codes: 0 done, 1 failed, 2 wrong use or settings, 3 nothing to do (with --exit-code), 4 partly, "
    "75 try again later, 130 interrupted."
)
_FIRST, _WEEK, _DESK, _KEEP, _LOOK = (
    "First",
    "The week, by hand or by itself",
    "The editor's desk",
    "Sources and readers",
    "Looking after it",
)


#: Every command: where --help lists it, its name, and its function, in this room unless it says otherwise.
#: Nothing of it is imported before it runs.
_COMMANDS: tuple[tuple[str, str, str], ...] = (
    (_FIRST, "demo", "digest.demo.command:demo"),
    (_FIRST, "init", "setup:init"),
    (_FIRST, "doctor", "doctor:doctor"),
    (_WEEK, "run", "serving:run"),
    (_WEEK, "worker", "serving:worker"),
    (_WEEK, "gather", "drafting:gather"),
    (_WEEK, "draft", "drafting:draft"),
    (_WEEK, "preview", "digest.preview.command:preview"),
    (_WEEK, "approve", "releasing:approve"),
    (_WEEK, "send", "sending:send"),
    (_WEEK, "pause", "releasing:pause"),
    (_WEEK, "resume", "releasing:resume"),
    (_WEEK, "retry", "sending:retry"),
    (_WEEK, "who", "who:who"),
    (_WEEK, "cancel", "releasing:cancel"),
    (_DESK, "questions", "deciding:questions"),
    (_DESK, "answer", "deciding:answer"),
    (_DESK, "edit", "editing:edit"),
    (_DESK, "move", "editing:move"),
    (_DESK, "drop", "editing:drop"),
    (_DESK, "take", "editing:take"),
    (_DESK, "explain", "explaining:explain"),
    (_DESK, "diff", "comparing:diff"),
    (_DESK, "replay", "comparing:replay"),
    (_DESK, "decisions list", "deciding:list_"),
    (_DESK, "decisions remove", "deciding:remove"),
    (_KEEP, "sources add", "sources:add"),
    (_KEEP, "sources list", "sources:list_"),
    (_KEEP, "sources check", "probing:check"),
    (_KEEP, "sources set", "changing:set_"),
    (_KEEP, "sources remove", "sources:remove"),
    (_KEEP, "sources enable", "sources:enable"),
    (_KEEP, "sources disable", "sources:disable"),
    (_KEEP, "sources import", "packs:import_"),
    (_KEEP, "sources export", "packs:export"),
    (_KEEP, "sources starter", "packs:starter"),
    (_KEEP, "subscribers add", "readers:add"),
    (_KEEP, "subscribers list", "readers:list_"),
    (_KEEP, "subscribers show", "readers:show"),
    (_KEEP, "subscribers import", "lists:import_"),
    (_KEEP, "subscribers export", "lists:export"),
    (_KEEP, "subscribers remove", "readers:remove"),
    (_KEEP, "subscribers undo", "readers:undo"),
    (_KEEP, "subscribers erase", "readers:erase"),
    (_KEEP, "issues list", "browsing:list_"),
    (_KEEP, "issues show", "browsing:show"),
    (_KEEP, "receive", "receiving:receive"),
    (_LOOK, "reconcile", "reconciling:reconcile"),
    (_LOOK, "status", "status:status"),
    (_LOOK, "relays", "relays:relays"),
    (_LOOK, "config check", "settings:check"),
    (_LOOK, "config show", "settings:show"),
    (_LOOK, "db upgrade", "database:upgrade"),
    (_LOOK, "db check", "database:check"),
    (_LOOK, "dkim new", "dkim:new"),
    (_LOOK, "dkim show", "dkim:show"),
)
_GROUPS = {
    "sources": "What the newsletter is made from.",
    "subscribers": "Who reads it.",
    "issues": "The issues there are.",
    "decisions": "What editors decided for ever.",
    "config": "Check and show the settings.",
    "db": "Bring the database up to date, or compare it with the code.",
    "dkim": "Keys that sign the mails.",
}


class Digest(Root):
    """The command `digest` with every command of the table."""

    def __init__(self, **attrs: Any) -> None:
        super().__init__(**attrs)
        for panel, name, place in _COMMANDS:
            *outer, last = name.split()
            command = Later(
                last, place if "." in place else f"digest.cli.{place}", panel=None if outer else panel
            )
            if outer and outer[0] not in self.commands:
                self.add_command(group(outer[0], _GROUPS[outer[0]], panel=panel))
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
