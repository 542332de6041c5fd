"""What an operator says of a source that its kind cannot know: `name=value; name=value`."""

import re
from collections.abc import Collection

from digest.domain import SourceKind
from digest.errors import ParseError

#: What a recipe may say, by kind; other kinds take none.
RECIPES: dict[SourceKind, tuple[str, ...]] = {
    SourceKind.PAGE: ("item", "title", "link", "date", "summary", "author"),
    SourceKind.EVENTS: ("link",),
    SourceKind.SITEMAP: ("only", "but"),
    SourceKind.JSON: (
        *("title", "url", "guid", "summary", "author", "published", "starts", "ends", "deadline"),
        *("deadline_url", "place", "online", "language", "items", "only", "least"),
    ),
}
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


def check_recipe(kind: SourceKind, text: str) -> None:
    """Nothing when a source of that kind can follow the recipe; else ParseError says what it cannot."""
    if not text.strip():
        return
    if kind not in RECIPES:
        kinds = ", ".join(RECIPES)
        hint = f'--recipe "" empties it; a recipe is for --kind {kinds}'
        raise ParseError(f"a source of kind {kind} takes no recipe", hint=hint)
    read_recipe(text, RECIPES[kind])


def _list(names: Collection[str]) -> str:
    return ", ".join(names)
