"""`digest dkim new|show`: keys that sign the mails, and the DNS records that tell of them."""

from pathlib import Path
from typing import Annotated

import typer

from digest import config
from digest.cli.running import AsJson
from digest.cli.terminal import Terminal, of
from digest.deliver import dkim_records, new_keys


def new(
    ctx: typer.Context,
    domain: Annotated[str, typer.Argument(help="The domain of the From address.")],
    folder: Annotated[Path, typer.Option(help="Where the keys are put.")] = Path(),
    selector: Annotated[str, typer.Option(help="The name of the keys in DNS; another for each change.")] = (
        "digest"
    ),
    as_json: AsJson = False,
) -> None:
    """Make an RSA and an Ed25519 key, and print the two DNS records. Keys that are there stay as they are."""
    terminal = of(ctx)
    wanted = config.dkim(domain=domain, selector=selector)
    made = new_keys(folder, domain=wanted.domain, selector=wanted.selector)
    rsa_key, ed25519_key = made.files
    if as_json:
        terminal.json({"files": [str(file) for file in made.files], "records": dict(made.records)})
    else:
        _write(terminal, made.records)
    terminal.say(
        "made", f"{rsa_key} and {ed25519_key}; publish the records before you set this under [smtp]:"
    )
    terminal.say(
        "setting",
        f'dkim = {{ domain = "{wanted.domain}", selector = "{wanted.selector}", '
        f'rsa_key = "{rsa_key}", ed25519_key = "{ed25519_key}" }}',
    )
    terminal.then("doctor", "says whether messages are signed")


def show(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Print the DNS records of the keys that sign at present, for what is published to be compared with."""
    terminal = of(ctx)
    settings = config.load(terminal.config).smtp.dkim
    records = dkim_records(settings) if settings else ()
    if as_json:
        terminal.json({"signs": settings is not None, "records": dict(records)})
    else:
        _write(terminal, records)
    if settings is None:
        terminal.say("unsigned", "smtp.dkim is not set: mails are signed by your relay, or not at all")
        terminal.then("dkim new DOMAIN", "makes keys")
    else:
        terminal.then("doctor", "says whether messages are signed")


def _write(terminal: Terminal, records: tuple[tuple[str, str], ...]) -> None:
    """Lines of a zone file; a string in DNS has at most 255 bytes."""
    for name, value in records:
        terminal.write(f'{name}. IN TXT "{value[:250]}"' + (f' "{value[250:]}"' if value[250:] else ""))
