"""Every sub-command in its place, and the options that stand before them."""

import sys
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated

import typer

from digest import __version__
from digest.cli import (
    browsing,
    database,
    dkim,
    doctor,
    drafting,
    lists,
    packs,
    probing,
    readers,
    receiving,
    relays,
    releasing,
    sending,
    serving,
    settings,
    setup,
    sources,
    status,
    who,
)
from digest.cli.failures import Root
from digest.cli.terminal import Terminal
from digest.demo.command import demo
from digest.preview.command import preview

_EPILOG = (
    "Exit codes: 0 done, 1 failed, 2 wrong use or settings, 3 nothing to do (with --exit-code), 4 partly, "
    "75 try again later, 130 interrupted."
)
_FIRST, _WEEK, _KEEP, _LOOK = (
    "First",
    "The week, by hand or by itself",
    "Sources and readers",
    "Looking after it",
)


def _group(help_text: str) -> typer.Typer:
    return typer.Typer(help=help_text, no_args_is_help=True)


app = typer.Typer(
    name="digest",
    cls=Root,
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


_db = _group("Bring the database up to date, or compare it with the code.")
_db.command("upgrade")(database.upgrade)
_db.command("check")(database.check)

_config = _group("Check and show the settings.")
_config.command("check")(settings.check)
_config.command("show")(settings.show)

_dkim = _group("Keys that sign the mails.")
_dkim.command("new")(dkim.new)

_sources = _group("What the newsletter is made from.")
_sources.command("add")(sources.add)
_sources.command("list")(sources.list_)
_sources.command("check")(probing.check)
_sources.command("remove")(sources.remove)
_sources.command("enable")(sources.enable)
_sources.command("disable")(sources.disable)
_sources.command("import")(packs.import_)
_sources.command("export")(packs.export)
_sources.command("starter")(packs.starter)

_issues = _group("The issues there are.")
_issues.command("list")(browsing.list_)
_issues.command("show")(browsing.show)

_subscribers = _group("Who reads it.")
_subscribers.command("add")(readers.add)
_subscribers.command("list")(readers.list_)
_subscribers.command("show")(readers.show)
_subscribers.command("import")(lists.import_)
_subscribers.command("export")(lists.export)
_subscribers.command("remove")(readers.remove)
_subscribers.command("undo")(readers.undo)
_subscribers.command("erase")(readers.erase)

app.command("demo", rich_help_panel=_FIRST)(demo)
app.command("init", rich_help_panel=_FIRST)(setup.init)
app.command("doctor", rich_help_panel=_FIRST)(doctor.doctor)

app.command("run", rich_help_panel=_WEEK)(serving.run)
app.command("gather", rich_help_panel=_WEEK)(drafting.gather)
app.command("draft", rich_help_panel=_WEEK)(drafting.draft)
app.command("preview", rich_help_panel=_WEEK)(preview)
app.command("approve", rich_help_panel=_WEEK)(releasing.approve)
app.command("send", rich_help_panel=_WEEK)(sending.send)
app.command("pause", rich_help_panel=_WEEK)(releasing.pause)
app.command("resume", rich_help_panel=_WEEK)(releasing.resume)
app.command("retry", rich_help_panel=_WEEK)(sending.retry)
app.command("who", rich_help_panel=_WEEK)(who.who)
app.command("cancel", rich_help_panel=_WEEK)(releasing.cancel)
app.command("explain", rich_help_panel=_WEEK)(browsing.explain)

app.add_typer(_sources, name="sources", rich_help_panel=_KEEP)
app.add_typer(_subscribers, name="subscribers", rich_help_panel=_KEEP)
app.add_typer(_issues, name="issues", rich_help_panel=_KEEP)
app.command("receive", rich_help_panel=_KEEP)(receiving.receive)

app.command("status", rich_help_panel=_LOOK)(status.status)
app.command("relays", rich_help_panel=_LOOK)(relays.relays)
app.add_typer(_config, name="config", rich_help_panel=_LOOK)
app.add_typer(_db, name="db", rich_help_panel=_LOOK)
app.add_typer(_dkim, name="dkim", rich_help_panel=_LOOK)


def main() -> None:
    """Run `digest` and exit; a stream that cannot show a letter shows its code instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    app(prog_name="digest")
