"""What an operator says of a source that its kind cannot know: `name=value; name=value`."""

import re
from collections.abc import Collection

from digest.errors import ParseError

_MAX_LENGTH = 2000


def read_recipe(text: str, names: Collection[str]) -> dict[str, str]:
    """The values by name; ParseError names what is not one of `names`."""
    if len(text) > _MAX_LENGTH:
        raise ParseError(f"the recipe of this source is longer than {_MAX_LENGTH} characters")
    values: dict[str, str] = {}
    for part in re.split(r"[;\n]", text):
        name, mark, value = (piece.strip() for piece in part.partition("="))
        if not name and not mark:
            continue
        if name not in names:
            raise ParseError(
                f'the recipe of this source has no "{name[:40]}"', hint=f"it knows {_list(names)}"
            )
        if not value:
            raise ParseError(f'"{name}" in the recipe of this source says nothing', hint=f"{name}=…")
        values[name] = value
    return values


def _list(names: Collection[str]) -> str:
    return ", ".join(names)
