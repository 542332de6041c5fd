"""`digest config check|show`: the settings as they are understood, secrets hidden."""

import re
from collections.abc import Iterator
from enum import Enum
from typing import Annotated, Any

import typer
from pydantic import BaseModel, SecretStr

from digest import config, eventloop
from digest.cli.running import AsJson
from digest.cli.terminal import of
from digest.deliver import open_relays
from digest.render import check as check_templates
from digest.render import open_templates

#: Settings that never show, not even in part.
_HIDDEN = "********"


def check(ctx: typer.Context) -> None:
    """Read the settings and the files that they name: templates, keys, passwords.

    Exit 2 when they cannot be used, 1 when a mail cannot be rendered. Nothing is connected to: doctor does
    that.
    """
    terminal = of(ctx)
    settings = config.load(terminal.config)
    check_templates(open_templates(settings.templates))
    eventloop.run(_open_ways(settings))
    terminal.say("ok", f"{config.find(terminal.config)}, newsletters: {', '.join(settings.newsletters)}")
    terminal.then("doctor", "also looks at the database, the mail server and the sources")


async def _open_ways(settings: config.Settings) -> None:
    """ConfigError when a way out cannot be used as it is written, with its key and its password's file."""
    async with open_relays(settings):
        pass


def show(
    ctx: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Also what is at its default.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show the settings as they are understood, with the environment's; secrets are hidden."""
    terminal = of(ctx)
    found = dict(_flat(config.load(terminal.config), everything=everything))
    if as_json:
        terminal.json({"file": str(config.find(terminal.config)), "settings": found})
        return
    for name, value in found.items():
        terminal.write(f"{name} = {value}")
    terminal.then(
        "config check" if everything else "config show --all", "" if everything else "shows defaults too"
    )


def _flat(part: BaseModel, head: str = "", *, everything: bool) -> Iterator[tuple[str, Any]]:
    """(dotted name, value to show) for each setting."""
    for name in type(part).model_fields:
        if not everything and name not in part.model_fields_set:
            continue
        value = getattr(part, name)
        if isinstance(value, BaseModel):
            yield from _flat(value, f"{head}{name}.", everything=everything)
        elif name == "newsletters":
            for key, newsletter in value.items():
                yield from _flat(newsletter, f"{name}.{key}.", everything=everything)
        else:
            yield f"{head}{name}", _shown(value)


def _shown(value: object) -> object:
    if isinstance(value, SecretStr):
        return hide(value.get_secret_value())
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple):
        return [getattr(one, "key", one) for one in value]
    return value if value is None or isinstance(value, bool | int | float) else str(value)


def hide(secret: str) -> str:
    """A URL without its password, and nothing at all of any other secret."""
    if not re.match(r"[a-z0-9+]+://", secret):
        return _HIDDEN
    return re.sub(r"://[^/]*@", f"://{_HIDDEN}@", secret)
