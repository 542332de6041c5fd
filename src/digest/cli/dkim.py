"""`digest dkim new`: keys that sign the mails, and the DNS records that tell of them."""

from pathlib import Path
from typing import Annotated

import typer

from digest import config
from digest.cli.running import AsJson
from digest.cli.terminal import of
from digest.deliver import new_keys


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
    for name, value in () if as_json else made.records:
        terminal.write(f'{name}. IN TXT "{value[:250]}"' + (f' "{value[250:]}"' if value[250:] else ""))
    terminal.say(
        "made", f"{rsa_key} and {ed25519_key}; publish the records before you set this under [smtp]:"
    )
    terminal.say(
        "setting",
        f'dkim = {{ domain = "{wanted.domain}", selector = "{wanted.selector}", '
        f'rsa_key = "{rsa_key}", ed25519_key = "{ed25519_key}" }}',
    )
    terminal.then("doctor", "says whether messages are signed")
