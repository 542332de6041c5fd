"""A page that lists articles and has no feed becomes a document, by selectors or by itself."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from digest.domain import SourceKind
from digest.errors import ParseError
from digest.gather.clean import title_text
from digest.gather.dates import day_in_path, find_moment
from digest.gather.decode import text_of
from digest.gather.document import Body, Document, Item
from digest.gather.htmltree import base_of, select, tree_of, words_in
from digest.gather.jsonld import article_item, is_article, nodes_of
from digest.gather.recipe import RECIPES, read_recipe
from digest.gather.urls import canonical_url, host_of, web_url

_MAX_ITEMS = 200
_MAX_LINKS = 3000
_FEWEST = 3
#: What stands around the articles of a page and not among them.
_AROUND = frozenset({"nav", "header", "footer", "aside", "form", "menu"})
_AROUND_NAMES = re.compile(
    r"(?i)(?:^|[\s_-])(?:nav|navbar|menu|footer|sidebar|breadcrumbs?|related|share|social|tags?|pagination|"
    r"pager|cookie|newsletter|login|comments?)(?:$|[\s_-])"
)
_HEADINGS = "self::h1 or self::h2 or self::h3 or self::h4 or self::h5"
_NO_TITLE = re.compile(
    r"(?i)^(?:read|learn|see|view|show|load)\b.{0,12}$|^(?:more|continue|next|previous|home)\b.{0,10}$"
)
_SHORTEST_TITLE = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class _Link:
    """A link that may be an article's, and how it stands in the page."""

    element: Any
    url: str
    words: str
    #: Tags and classes of the link and what holds it: alike for the entries of one list.
    shape: str


def read(body: Body, now: datetime) -> Document:
    """The page's articles from its top; ParseError when none can be told.

    The recipe's `item=` is a selector of each entry; `title`, `link`, `date`, `summary` and `author` are
    looked for within it. Without one the page's own list of articles (JSON-LD) or its most telling group of
    like links is taken.
    """
    del now
    recipe = read_recipe(body.recipe, RECIPES[SourceKind.PAGE])
    tree = tree_of(body)
    base = base_of(tree, body.url)
    if recipe:
        items, how = _by_recipe(tree, recipe, base), _used(recipe)
    elif items := _told(text_of(body.data, body.charset), base):
        how = "by the page's own list (JSON-LD)"
    else:
        items, selector = _found(tree, base)
        how = f'by itself: the entries "{selector}"'
    titles, languages = tree.xpath("//title"), tree.xpath("/html/@lang")
    return Document(
        title=words_in(titles[0]) if titles else "",
        site_url=body.url,
        language=str(languages[0]) if languages else "",
        base=base,
        items=tuple(items[:_MAX_ITEMS]),
        how=how,
    )


def _used(recipe: Mapping[str, str]) -> str:
    """The recipe's selectors with those that stand for what it does not name."""
    usual = {"item": "article", "title": "its heading", "link": "a[href]", "date": "its <time> or words"}
    return "by selectors: " + "; ".join(f"{name}={value}" for name, value in (usual | dict(recipe)).items())


def _told(markup: str, base: str) -> list[Item]:
    """The articles that the page lists in JSON-LD; one alone is the page itself."""
    items = [item for node in nodes_of(markup) if is_article(node) and (item := article_item(node, base))]
    once = list({canonical_url(item.url): item for item in items}.values())
    return once if len(once) >= _FEWEST else []


def _by_recipe(tree: Any, recipe: Mapping[str, str], base: str) -> list[Item]:
    entries = select(tree, recipe.get("item", "article"))
    if not entries:
        hint = _suggestion(tree, base)
        raise ParseError(f'nothing on this page is "{recipe.get("item", "article")}"', hint=hint)
    items = [item for entry in entries if (item := _chosen(entry, recipe, base))]
    if not items:
        raise ParseError(
            "the entries of this page have no link with words", hint="look at its title=… and link=…"
        )
    return _once(items)


def _chosen(entry: Any, recipe: Mapping[str, str], base: str) -> Item | None:
    """The item that the recipe's selectors find in an entry, which may itself be the link."""
    links = (
        [entry, *select(entry, recipe.get("link", "a[href]"))]
        if entry.get("href")
        else select(entry, recipe.get("link", "a[href]"))
    )
    url = next((web for link in links if (web := web_url(str(link.get("href") or ""), base))), "")
    heading = _first(entry, recipe.get("title")) if "title" in recipe else _heading(entry)
    title = (
        title_text(words_in(heading))
        if heading is not None
        else next((words for link in links if (words := title_text(words_in(link)))), "")
    )
    if not url or not title:
        return None
    summary, author = _first(entry, recipe.get("summary")), _first(entry, recipe.get("author"))
    return Item(
        guid=canonical_url(url),
        url=url,
        title=title,
        description=words_in(summary) if summary is not None else "",
        author=words_in(author) if author is not None else "",
        published=_date(entry, url, recipe.get("date")),
    )


def _first(entry: Any, selector: str | None) -> Any:
    found = select(entry, selector) if selector else []
    return found[0] if found else None


def _heading(entry: Any) -> Any:
    found = entry.xpath(f".//*[{_HEADINGS}]")
    return found[0] if found else None


def _date(entry: Any, url: str, selector: str | None = None) -> datetime | None:
    """What the entry, or else its address, says of its day."""
    chosen = select(entry, selector) if selector else entry.xpath(".//time")
    for element in chosen[:3]:
        if moment := find_moment(element.get("datetime") or "") or find_moment(words_in(element)):
            return moment
    near = "" if selector else words_in(entry)[:1500]
    return (find_moment(near) if near else None) or day_in_path(url)


def _found(tree: Any, base: str) -> tuple[list[Item], str]:
    """The entries of the group of links that looks most like a list of articles, and a selector of them."""
    groups: defaultdict[str, list[_Link]] = defaultdict(list)
    for link in _links(tree, base):
        groups[link.shape].append(link)
    best = max((group for group in groups.values()), key=_likeness, default=[])
    if len({link.url for link in best}) < _FEWEST:
        raise ParseError(
            "no list of articles can be told on this page", hint="say in its recipe where: item=…; title=…"
        )
    entries = [_entry_of(link, {other.element for other in best}) for link in best]
    items = _once(_item(link, entry) for link, entry in zip(best, entries, strict=True))
    return items, _selector(entries)


def _suggestion(tree: Any, base: str) -> str:
    """What a recipe could say instead of what is not there."""
    try:
        return f"it has item={_found(tree, base)[1]}"
    except ParseError:
        return "look at its item=…"


def _selector(entries: Iterable[Any]) -> str:
    """What most of the entries are, as item= of a recipe could say it."""
    names = Counter(
        " > ".join(_name(element) for element in (entry.getparent(), entry) if element is not None)
        for entry in entries
    )
    return names.most_common(1)[0][0]


def _name(element: Any) -> str:
    classes = (element.get("class") or "").split()
    return ".".join([element.tag, *(name for name in classes if re.fullmatch(r"[\w-]+", name))][:3])


def _links(tree: Any, base: str) -> Iterable[_Link]:
    home = canonical_url(base)
    host = host_of(base).removeprefix("www.")
    for element in tree.xpath("//a[@href]")[:_MAX_LINKS]:
        url = web_url(str(element.get("href")), base)
        address = canonical_url(url) if url else ""
        if not url or address == home or not host_of(url).endswith(host) or _is_around(element):
            continue
        heading = _heading(element)
        words = title_text(words_in(heading if heading is not None else element))
        if len(words) >= _SHORTEST_TITLE and not _NO_TITLE.match(words):
            yield _Link(element=element, url=url, words=words, shape=_shape(element, url))


def _is_around(element: Any) -> bool:
    for above in (element, *element.iterancestors()):
        if above.tag in _AROUND and not (above.tag == "header" and _is_within_entry(above)):
            return True
        if above.tag not in {"body", "html", "main", "article"} and _AROUND_NAMES.search(
            f"{above.get('class') or ''} {above.get('id') or ''}"
        ):
            return True
    return False


def _is_within_entry(header: Any) -> bool:
    return any(above.tag in {"article", "li", "section"} for above in header.iterancestors())


def _shape(element: Any, url: str) -> str:
    """The tags and first classes from the link three steps up, and how deep its address is."""
    steps = [element, *list(element.iterancestors())[:3]]
    names = [f"{step.tag}.{re.sub(r'[0-9]+', '', (step.get('class') or '').split(' ')[0])}" for step in steps]
    return " ".join(names) + f" {min(url.partition('://')[2].strip('/').count('/'), 3)}"


def _likeness(group: list[_Link]) -> float:
    """How much like headlines a group of links reads: many, with words, under headings, with dates."""
    once = {link.url: link for link in group}
    if len(once) < _FEWEST:
        return 0
    some = list(once.values())[:40]
    words = sum(min(len(link.words), 80) for link in some) / 40
    headed = sum(_is_headed(link.element) for link in some) / len(some)
    dated = sum(_date(_entry(link.element, set()), link.url) is not None for link in some[:8]) / min(
        len(some), 8
    )
    return words * (1 + 2 * headed + 2 * dated)


def _is_headed(element: Any) -> bool:
    return _heading(element) is not None or bool(element.xpath(f"ancestor::*[{_HEADINGS}]"))


def _entry(element: Any, others: set[Any]) -> Any:
    """What holds this link and no other of its group: the entry, as far up as that is true."""
    entry = element
    for above in list(element.iterancestors())[:6]:
        if above.tag in {"body", "html", "main"}:
            break
        links = above.xpath(".//a[@href]")
        if len(links) > 12 or any(link in others and link is not element for link in links):
            break
        entry = above
    return entry


def _entry_of(link: _Link, group: set[Any]) -> Any:
    """The entry that a link of this group stands in; others to the same address are its own."""
    return _entry(link.element, {one for one in group if one.get("href") != link.element.get("href")})


def _item(link: _Link, entry: Any) -> Item:
    paragraphs = [words_in(paragraph) for paragraph in entry.xpath(".//p")[:10]]
    longest = max(paragraphs, key=len, default="")
    return Item(
        guid=canonical_url(link.url),
        url=link.url,
        title=link.words,
        description=longest if len(longest) > 40 and longest != link.words else "",
        published=_date(entry, link.url),
    )


def _once(items: Iterable[Item]) -> list[Item]:
    """Each address once, in the page's order, under the longest of its titles."""
    kept: dict[str, Item] = {}
    for item in items:
        known = kept.get(item.guid)
        if known is None or len(item.title) > len(known.title):
            kept[item.guid] = item
    return list(kept.values())
