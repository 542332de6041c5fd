"""A page with schema.org events becomes a document of those that are not over."""

from datetime import datetime, timedelta

from digest.domain import SourceKind
from digest.errors import ParseError
from digest.gather.decode import text_of
from digest.gather.document import Body, Document, Item
from digest.gather.htmltree import base_of, select, tree_of, words_in
from digest.gather.jsonld import event_item, is_event, nodes_of
from digest.gather.recipe import RECIPES, read_recipe
from digest.gather.urls import web_url

_AHEAD, _BEHIND = timedelta(days=400), timedelta(days=1)
_MAX_PAGES = 20


def read(body: Body, now: datetime) -> Document:
    """The page's events by start; ParseError when it names none.

    `link=SELECTOR` in the recipe follows a list's links to pages that each tell one event.
    """
    recipe = read_recipe(body.recipe, RECIPES[SourceKind.EVENTS])
    tree = tree_of(body)
    markup = text_of(body.data, body.charset)
    base = base_of(tree, body.url)
    found = [item for node in nodes_of(markup) if is_event(node) and (item := event_item(node, base))]
    follow = _links(tree, recipe["link"], base) if "link" in recipe else ()
    if not found and not follow and not any(is_event(node) for node in nodes_of(markup)):
        raise ParseError("this page names no event (schema.org in JSON-LD)")
    items = sorted(_once(found, now), key=_starts)
    titles = tree.xpath("//title")
    return Document(
        title=words_in(titles[0]) if titles else "",
        site_url=body.url,
        base=base,
        items=tuple(items),
        depends_on_now=bool(follow) or any(_starts(item) >= now + _AHEAD for item in found),
        follow=follow,
        how=f"the pages that link={recipe['link']} leads to: {len(follow)}" if follow else "",
    )


def _links(tree: object, selector: str, base: str) -> tuple[str, ...]:
    links = [web_url(str(element.get("href") or ""), base) for element in select(tree, selector)]
    return tuple(dict.fromkeys(link for link in links if link))[:_MAX_PAGES]


def _once(items: list[Item], now: datetime) -> list[Item]:
    """What is not over, each event once although pages repeat it for search engines."""
    kept: dict[tuple[str, object], Item] = {}
    for item in items:
        ends = (item.event.ends_at if item.event else None) or _starts(item) + timedelta(days=1)
        if ends >= now - _BEHIND and _starts(item) < now + _AHEAD:
            kept.setdefault((item.title.casefold(), _starts(item)), item)
    return list(kept.values())


def _starts(item: Item) -> datetime:
    if item.event is None:
        raise ParseError("this page names no event (schema.org in JSON-LD)")
    return item.event.starts_at
