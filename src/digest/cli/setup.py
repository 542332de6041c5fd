"""`digest init`: asks or takes flags, writes the settings and makes the database."""

import re
import secrets
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from digest import config
from digest.cli.packs import Added, add_starter
from digest.cli.running import Yes, place_of, run
from digest.cli.settings_file import Answers, key_for, secret_of, settings_text, write_settings
from digest.cli.terminal import Terminal, of
from digest.clock import utc_now
from digest.config import Settings
from digest.errors import ConfigError, UsageError
from digest.house import House
from digest.store import schema

#: The questions, in order: the answer's field, the words, and whether it must be answered.
_QUESTIONS = (
    ("name", "What is the newsletter called?"),
    ("from_address", "Which address does it come from?"),
    ("editor", "Who is sent drafts?"),
    ("address", "Postal address for the foot of each issue (the law wants one):"),
    ("smtp", "Mail server, as smtps://user:password@host, or file://outbox to try:"),
    ("public_url", "Where will readers reach the pages?"),
    ("timezone", "Time zone, as Europe/Copenhagen:"),
)
_MUST = {"name": "--name", "from_address": "--from"}


def init(
    ctx: typer.Context,
    name: Annotated[str, typer.Option(help="What the newsletter is called.")] = "",
    from_address: Annotated[str, typer.Option("--from", help="The address it comes from.")] = "",
    key: Annotated[str, typer.Option(help="Its name in addresses of pages; default: made from --name.")] = "",
    smtp: Annotated[
        str, typer.Option(help="smtps://USER:PASSWORD@HOST, or file://FOLDER.")
    ] = "file://outbox",
    public_url: Annotated[str, typer.Option(help="Where readers reach the pages.")] = "http://127.0.0.1:8080",
    timezone: Annotated[str, typer.Option(help="IANA name, as Europe/Copenhagen.")] = "UTC",
    schedule: Annotated[str, typer.Option(help="Cron: minute hour day month weekday.")] = "0 7 * * mon",
    editor: Annotated[str, typer.Option(help="Who is sent drafts.")] = "",
    policy: Annotated[str, typer.Option(help='"review", "auto" or "auto-after 6h".')] = "review",
    address: Annotated[str, typer.Option(help="Postal address for the foot of each issue.")] = "",
    starter: Annotated[
        bool | None, typer.Option("--starter/--no-starter", help="Add our pack of AI sources.")
    ] = None,
    folder: Annotated[Path | None, typer.Option("--dir", help="Where to; default: here.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a settings file that is there.")] = False,
    yes: Yes = False,
) -> None:
    """Write digest.toml with every setting explained, and make the database.

    On a terminal, what the options leave open is asked. --force keeps the older file beside the new one, and
    its secret, so that links in mails already sent go on working.
    """
    terminal = of(ctx)
    file = _place(terminal, folder)
    if file.exists() and not force:
        raise UsageError(f"{file} is there already", hint="--force replaces it; digest config check reads it")
    answers = Answers(
        name=name,
        from_address=from_address,
        key=key,
        smtp=smtp,
        public_url=public_url,
        timezone=timezone,
        schedule=schedule,
        editor=editor,
        policy=policy,
        address=address,
        secret=secret_of(file) or secrets.token_urlsafe(32),
    )
    if terminal.is_interactive and not yes:
        answers = _ask(terminal, answers)
        starter = terminal.agree("Add our pack of AI sources?", yes=False) if starter is None else starter
    text = _text(answers)
    _write(terminal, file, text)
    _make(replace(terminal, config=file), starter=bool(starter), is_elsewhere=bool(terminal.config or folder))


def _place(terminal: Terminal, folder: Path | None) -> Path:
    if folder is not None and terminal.config is not None:
        raise UsageError("--config and --dir both say where to", hint="give one of them")
    return terminal.config.absolute() if terminal.config else (folder or Path()).absolute() / config.FILE_NAME


def _text(answers: Answers) -> str:
    missing = [option for field, option in _MUST.items() if not getattr(answers, field)]
    if missing:
        raise UsageError(
            f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing",
            hint='digest init --name "The Week in AI" --from news@example.org',
        )
    return settings_text(replace(answers, key=answers.key or key_for(answers.name)))


def _ask(terminal: Terminal, answers: Answers) -> Answers:
    """The answers with a person's own; a wrong one is asked again, with what is wrong about it."""
    for field, question in _QUESTIONS:
        proposed = getattr(answers, field) or (answers.from_address if field == "editor" else "")
        while True:
            tried = replace(answers, **{field: terminal.ask(question, proposed)})
            if field in _MUST and not getattr(tried, field):
                continue
            try:
                settings_text(replace(tried, **_placeholders(tried)))
            except (ConfigError, UsageError) as exc:
                terminal.error(exc)
                continue
            answers = tried
            break
    return answers


def _placeholders(answers: Answers) -> dict[str, str]:
    """Valid values for what has not been asked yet, so that one answer can be checked at a time."""
    return {
        "name": answers.name or "A newsletter",
        "from_address": answers.from_address or "news@example.org",
        "key": answers.key or key_for(answers.name),
    }


def _write(terminal: Terminal, file: Path, text: str) -> None:
    older = write_settings(file, text)
    if older:
        terminal.say("kept", f"the older file as {older}")
    terminal.say("wrote", f"{file} (0600, {len(text.splitlines())} lines, each setting explained)")


def _make(terminal: Terminal, *, starter: bool, is_elsewhere: bool) -> None:
    """Make the database and add the starter pack."""
    _reserve(config.load(terminal.config))
    place, version, added = run(terminal, lambda house: _fill(house, starter=starter), check_schema=False)
    terminal.say("made", f"{place} (schema {version})")
    if added:
        terminal.say("added", added.words())
    if not is_elsewhere:
        terminal = replace(terminal, config=None)
    terminal.then("doctor")


def _reserve(settings: Settings) -> None:
    """Make a new SQLite file readable for its owner only: it will hold addresses."""
    found = re.fullmatch(r"sqlite:///(.+)", settings.database.get_secret_value())
    if found and Path(found[1]).parent.is_dir():
        Path(found[1]).touch(0o600)


async def _fill(house: House, *, starter: bool) -> tuple[str, str, Added | None]:
    """(the database's place, its version, what of the starter pack is new)."""
    await schema.upgrade(house.store)
    version = (await schema.versions(house.store)).database
    return place_of(house), version, await add_starter(house, now=utc_now()) if starter else None
