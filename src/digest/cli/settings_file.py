"""The text of a new digest.toml: every setting explained, every value safely quoted."""

import json
import os
import re
import tomllib
import unicodedata
from dataclasses import dataclass, fields
from pathlib import Path

from pydantic import ValidationError

from digest.config import Settings
from digest.deliver import open_transport
from digest.errors import ConfigError, UsageError

_TEMPLATE = Path(__file__).with_name("digest.toml.txt")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What `digest init` was told."""

    name: str
    from_address: str
    key: str
    smtp: str
    public_url: str
    timezone: str
    schedule: str
    editor: str
    policy: str
    address: str
    secret: str


#: Where an answer stands in the settings, and the option that gives it.
_PLACES = {
    "name": "--name",
    "from_address": "--from",
    "newsletters": "--key",
    "url": "--smtp",
    "public_url": "--public-url",
    "timezone": "--timezone",
    "schedule": "--schedule",
    "editor": "--editor",
    "policy": "--policy",
    "address": "--address",
    "secret": "DIGEST_SECRET",
}


def key_for(name: str) -> str:
    """A newsletter's key from its name ("the-week-in-ai"); "newsletter" when nothing of it is left."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40].strip("-") or "newsletter"


def settings_text(answers: Answers) -> str:
    """The whole file, checked by reading it back; UsageError names the option that is wrong."""
    values = {field.name: _quoted(getattr(answers, field.name)) for field in fields(answers)}
    values["key"] = answers.key
    # In one pass, so that an answer which looks like a place of the template stays an answer.
    text = re.sub(
        f"@({'|'.join(values)})@", lambda place: values[place[1]], _TEMPLATE.read_text(encoding="utf-8")
    )
    if not answers.editor:
        text = re.sub(r"(?m)^editor = .*$", '#editor = "editor@example.org"', text)
    try:
        text.encode()
        settings = Settings.model_validate(tomllib.loads(text))
    except UnicodeEncodeError as exc:
        raise UsageError("an answer is not UTF-8 text") from exc
    except tomllib.TOMLDecodeError as exc:
        raise UsageError(
            f"--key: {answers.key!r} cannot be a newsletter's key", hint="a-z, 0-9 and -"
        ) from exc
    except ValidationError as exc:
        raise _wrong(exc) from exc
    # Only looks at the address; nothing is connected before the first message.
    open_transport(settings.smtp)
    return text


def _quoted(value: str) -> str:
    """A TOML basic string: JSON's escapes are TOML's, but for DEL."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")


def _wrong(exc: ValidationError) -> UsageError:
    """The option behind pydantic's first complaint."""
    first = exc.errors(include_url=False)[0]
    path = [str(part) for part in first["loc"] if part != "[key]"]
    option = _PLACES.get(path[-1]) or _PLACES["newsletters"]
    words = first["msg"].removeprefix("Value error, ")
    if len(path) == 2 and first["loc"][-1] != "[key]":  # a whole newsletter: its schedule is checked last
        option = _PLACES["schedule"]
    return UsageError(f"{option}: {words}", hint="digest init --help")


def secret_of(file: Path) -> str:
    """The secret of an older settings file, or "": replacing it would break every link already sent."""
    try:
        found = tomllib.loads(file.read_text(encoding="utf-8")).get("secret")
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return ""
    return found if isinstance(found, str) and len(found) >= 32 else ""


def write_settings(file: Path, text: str) -> Path | None:
    """Write the file for its owner's eyes only, whole or not at all; gives where the older one is kept."""
    fresh = file.with_name(f".{file.name}.new")
    older = file.with_name(f"{file.name}.old") if file.exists() else None
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        fresh.unlink(missing_ok=True)
        with os.fdopen(
            os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
        ) as out:
            out.write(text)
        if older:
            file.replace(older)
        fresh.replace(file)
    except OSError as exc:
        raise ConfigError(f"{file}: {exc.strerror}", hint="--dir names another folder") from exc
    return older
