"""`digest sources set`: what the operator chose for a source, chosen anew."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated

import typer

from digest.cli.running import AsJson, pick_sources, run
from digest.cli.sources import Kind, Recipe, Words, fit, know, plain, recipe_of
from digest.cli.terminal import of
from digest.domain import FullText, Source
from digest.errors import UsageError
from digest.house import House
from digest.store import sources

_EMPTY = 'give an option, as --weight 2 or --section learnings; "" empties a field'


def set_(
    ctx: typer.Context,
    words: Words,
    title: Annotated[str | None, typer.Option(help='Its name; "" takes its own at the next reading.')] = None,
    section: Annotated[str | None, typer.Option(help='Always this section; "" means by rules.')] = None,
    owner: Annotated[str | None, typer.Option(help="Who stands behind it; one owner is one voice.")] = None,
    kind: Kind = None,
    recipe: Recipe = None,
    weight: Annotated[float | None, typer.Option(min=0, max=10, help="1 is usual, 2 counts double.")] = None,
    newsletter: Annotated[
        list[str] | None,
        typer.Option("--newsletter", "-n", metavar="KEY", help='Only for these newsletters; "" for all.'),
    ] = None,
    full_text: Annotated[
        FullText | None, typer.Option("--full-text", help="When the pages of its articles are read.")
    ] = None,
    note: Annotated[str | None, typer.Option(help="A word to yourself about it.")] = None,
    as_json: AsJson = False,
) -> None:
    """Change sources: only what is given changes. With another kind or recipe they are read anew."""
    terminal = of(ctx)
    given = {
        "title": title,
        "section": section,
        "owner": owner,
        "kind": kind,
        "recipe": recipe_of(recipe) if recipe is not None else None,
        "weight": weight,
        "newsletters": tuple(key for key in newsletter if key) if newsletter is not None else None,
        "full_text": full_text,
        "note": note,
    }
    changes = {name: value for name, value in given.items() if value is not None}
    if not changes:
        raise UsageError("nothing to change", hint=_EMPTY)

    async def work(house: House) -> list[tuple[Source, Source]]:
        know(house.settings, section or None, [key for key in newsletter or () if key])
        chosen = await pick_sources(house, words)
        if title is not None and len(chosen) > 1:
            raise UsageError(f"{len(chosen)} sources match, and a title is one source's", hint="give its id")
        pairs = [(source, changed(source, changes)) for source in chosen]
        for _, after in pairs if {"kind", "recipe"} & changes.keys() else ():
            fit(after)
        async with house.store.begin() as session:
            for before, after in pairs:
                await sources.change(session, before, after)
        return pairs

    pairs = run(terminal, work)
    for before, after in pairs:
        terminal.say("same" if before == after else "changed", f"{after.id}  {after.title or after.url}")
    if as_json:
        count = sum(before != after for before, after in pairs)
        terminal.json({"changed": count, "sources": [plain(after) for _, after in pairs]})
    terminal.then("sources check WORDS", "reads one now and shows what it says")


def changed(source: Source, changes: Mapping[str, object]) -> Source:
    """The source with the changes; one that is read otherwise forgets that its answer is known."""
    if changes.get("section") == "":
        changes = {**changes, "section": None}
    after = replace(source, **changes)  # type: ignore[arg-type]  # the names are those of the options
    if (after.kind, after.recipe) == (source.kind, source.recipe):
        return after
    forgotten = {"etag": "", "last_modified": "", "body_hash": "", "last_error": ""}
    return replace(after, **forgotten, failures=0, next_check_at=None)  # type: ignore[arg-type]
