"""What is wrong with the settings, as one line: the place, the rule, and the nearest right name."""

import difflib
import re
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from digest.config.settings import setting_names
from digest.errors import ConfigError, UnknownSettingError

#: Variables of the environment that are settings begin so.
PREFIX = "DIGEST_"
ALL = "all settings: docs/settings.md"
#: What a setting with a pattern looks like, by the last part of its name.
_LOOKS = {
    "policy": 'it is "review", "auto" or "auto-after 6h"',
    "quiet_hours": 'it looks like "22:00-07:00"; "" is none',
    "language": 'it looks like "en" or "pt-BR"',
    "domain": 'it looks like "example.org"',
    "selector": "it has letters, digits and hyphens",
}
_KEY_LOOKS = "a key has small letters, digits and hyphens, and is not long"
#: Settings that have another name now.
_RENAMED = {
    "smtp.uncertain": "delivery.uncertain",
    "smtp.retry_for_hours": "delivery.retry_for_hours",
}


def explain(exc: ValidationError, file: Path, text: str, variables: Mapping[str, str]) -> ConfigError:
    """Our own error for pydantic's first one: place, rule and the nearest right name."""
    first = exc.errors(include_url=False)[0]
    path = [str(part) for part in first["loc"] if part != "[key]"]
    dotted = ".".join(path)
    # A variable that names no setting is met at the first part of its name that is none.
    by = next((name for name in variables if name == dotted or name.startswith(f"{dotted}.")), "")
    where = f"${variables[by]}" if by else f"{file}{_place(path, text)}"
    if first["type"] == "extra_forbidden":
        near = _nearest(by or dotted) or ([] if by else _nearest(path[-1]))
        right = PREFIX + near[0].upper().replace(".", "__") if by and near else near[0] if near else ""
        hint = f'did you mean "{right}"?' if right else ALL
        if dotted in _RENAMED or by in _RENAMED:
            hint = f'its name is "{_RENAMED[by or dotted]}" now'
        return UnknownSettingError(f'{where}  unknown setting "{by or dotted}"', hint=hint)
    if first["type"] == "missing":
        return ConfigError(f'{where}  "{dotted}" is missing', hint="docs/settings.md explains each setting")
    named = f'"{dotted}": ' if dotted else ""
    return ConfigError(
        f"{where}  {named}{_message(first, path)}", hint="docs/settings.md explains each setting"
    )


def _message(error: ErrorDetails, path: list[str]) -> str:
    """The rule that is broken, in plain words where pydantic's own are a programmer's."""
    if error["type"] == "string_pattern_mismatch":
        return _KEY_LOOKS if "[key]" in error["loc"] else _LOOKS.get(path[-1], error["msg"])
    if path == ["secret"] and error["type"] == "too_short":
        return "it has at least 32 characters"
    return error["msg"].removeprefix("Value error, ")


def _nearest(name: str) -> list[str]:
    """The setting whose name is most like it, if any is."""
    return difflib.get_close_matches(name, list(setting_names()), 1, 0.6)


def _place(path: list[str], text: str) -> str:
    """ ":line:column" of the last key of `path` in the file, or "" when it is not there."""
    if not path:
        return ""
    table, lines = ".".join(path[:-1]), text.splitlines()
    inside = not table
    for number, line in enumerate(lines, 1):
        if header := re.match(r"\s*\[+\s*([^\]]+?)\s*\]+", line):
            inside = header[1].replace('"', "") == table
        key = re.match(rf'\s*"?{re.escape(path[-1])}"?\s*=', line)
        if inside and key:
            return f":{number}:{len(line) - len(line.lstrip()) + 1}"
    return ""
