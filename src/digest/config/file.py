"""The settings read once: from a TOML file, then the environment; paths counted from the file's folder."""

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import SecretStr, ValidationError

from digest.config.explaining import ALL, PREFIX, explain
from digest.config.settings import RelaySettings, Settings, SmtpSettings
from digest.errors import ConfigError, ConfigMissingError, UnknownSettingError

FILE_NAME = "digest.toml"
PATH_VARIABLE = "DIGEST_CONFIG"


def find(path: Path | None, environ: Mapping[str, str] = os.environ) -> Path:
    """The settings file: the given one, $DIGEST_CONFIG, or digest.toml here; ConfigMissingError else."""
    chosen = path or Path(environ.get(PATH_VARIABLE) or FILE_NAME)
    if not chosen.is_file():
        raise ConfigMissingError(
            f"no settings file at {chosen.absolute()}",
            hint="digest init writes one; --config or $DIGEST_CONFIG names another place",
        )
    return chosen.absolute()


def load(path: Path | None = None, environ: Mapping[str, str] = os.environ) -> Settings:
    """The checked settings; every error names file, line and column, and what would be right."""
    file = find(path, environ)
    text = _read(file)
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        raise ConfigError(f"{file}: {exc}") from exc
    variables = _override(values, environ)
    try:
        settings = Settings.model_validate(_expand(values, environ))
    except ValidationError as exc:
        raise explain(exc, file, text, variables) from exc
    return _anchor(settings, file.parent)


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as exc:
        raise ConfigError(f"{file} is not UTF-8 (byte {exc.start})") from exc
    except OSError as exc:
        raise ConfigError(f"{file}: {exc.strerror}") from exc


def _override(values: dict[str, Any], environ: Mapping[str, str]) -> dict[str, str]:
    """Put DIGEST_SMTP__URL and its like in place; the variable of each dotted name that one has set.

    UnknownSettingError for one that goes below a setting that has nothing below.
    """
    variables: dict[str, str] = {}
    for name, value in environ.items():
        if not name.startswith(PREFIX) or name == PATH_VARIABLE:
            continue
        *parents, last = name.removeprefix(PREFIX).lower().split("__")
        if parents[:1] == ["newsletters"] and len(parents) > 1:
            parents[1] = parents[1].replace("_", "-")
        place = values
        for parent in parents:
            place = place.setdefault(parent, {})
            if not isinstance(place, dict):
                raise UnknownSettingError(f'${name}: "{parent}" has no settings of its own', hint=ALL)
        place[last] = value
        variables[".".join([*parents, last])] = name
    return variables


def _expand(value: Any, environ: Mapping[str, str]) -> Any:
    """Replace ${NAME} in every text by the environment's value; a missing one is an error."""
    if isinstance(value, dict):
        return {key: _expand(item, environ) for key, item in value.items()}
    if isinstance(value, list):
        return [_expand(item, environ) for item in value]
    if not isinstance(value, str):
        return value

    def fill(found: re.Match[str]) -> str:
        if found[1] not in environ:
            raise ConfigError(f"${{{found[1]}}} stands in the settings but not in the environment")
        return environ[found[1]]

    return re.sub(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}", fill, value)


def _anchor(settings: Settings, folder: Path) -> Settings:
    """The settings with relative paths counted from the file's own folder."""
    changes: dict[str, Any] = {}
    database = settings.database.get_secret_value()
    if match := re.fullmatch(r"sqlite:///(?!/)(.+)", database):
        changes["database"] = SecretStr(f"sqlite:///{folder / match[1]}")
    if settings.templates is not None:
        changes["templates"] = folder / settings.templates
    if settings.summaries.key_file is not None:
        file = folder / settings.summaries.key_file
        changes["summaries"] = settings.summaries.model_copy(update={"key_file": file})
    smtp = _anchored_way(settings.smtp, folder)
    if settings.relays:
        changes["relays"] = {
            name: one.model_copy(update=_anchored_way(one, folder)) for name, one in settings.relays.items()
        }
    if (dkim := settings.smtp.dkim) is not None:
        keys = {"rsa_key": dkim.rsa_key, "ed25519_key": dkim.ed25519_key}
        there = {name: folder / file for name, file in keys.items() if file is not None}
        smtp["dkim"] = dkim.model_copy(update=there)
    if smtp:
        changes["smtp"] = settings.smtp.model_copy(update=smtp)
    return settings.model_copy(update=changes)


def _anchored_way(way: SmtpSettings | RelaySettings, folder: Path) -> dict[str, Any]:
    """The paths of a way out that are to be changed."""
    changes: dict[str, Any] = {}
    if match := re.fullmatch(r"file://(?!/)(.+)", way.url.get_secret_value()):
        changes["url"] = SecretStr(f"file://{folder / match[1]}")
    if way.password_file is not None:
        changes["password_file"] = folder / way.password_file
    return changes
