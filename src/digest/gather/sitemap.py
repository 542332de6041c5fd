"""A sitemap (sitemaps.org, with Google's news extension) becomes a document of the pages it lists."""

import xml.etree.ElementTree as ET
import zlib
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from urllib.parse import urlsplit

from digest.domain import SourceKind
from digest.errors import ParseError
from digest.gather.clean import title_text
from digest.gather.dates import day_in_path, find_moment
from digest.gather.decode import harmless_xml, root_name, text_of
from digest.gather.document import Body, Document, Item
from digest.gather.recipe import RECIPES, read_recipe
from digest.gather.urls import canonical_url, title_of, web_url

_MAX_BYTES = 50_000_000
_MAX_PARTS = 3
_NEWEST = 1000
#: When more pages than this say they changed on one day, the day is that of the site's building.
_BUILT = 20
_OLDEST = datetime(1995, 1, 1, tzinfo=UTC)


def read(body: Body, now: datetime) -> Document:
    """The newest thousand pages; of a sitemap of sitemaps the addresses of its newest parts.

    `only=/blog/` and `but=/tag/` in the recipe choose by a part of the address. A page's title is its
    news title, else the words of its address until the page itself is read.
    """
    del now
    recipe = read_recipe(body.recipe, RECIPES[SourceKind.SITEMAP])
    root = _root(body)
    name = _local(root.tag)
    if name == "sitemapindex":
        return _of_parts(root, body.url)
    if name != "urlset":
        raise ParseError(f"this is not a sitemap: its first element is <{name[:40]}>")
    items = [item for url in root if _local(url.tag) == "url" and (item := _item(url, body.url, recipe))]
    items = _with_true_dates(items)
    items.sort(key=lambda item: item.published or _OLDEST, reverse=True)
    how = f"{len(items)} of its {len(root)} addresses, the newest {_NEWEST} at most"
    return Document(base=body.url, items=tuple(items[:_NEWEST]), how=how)


def _root(body: Body) -> ET.Element:
    data = _inflated(body.data)
    text = text_of(data, body.charset).lstrip("\ufeff \t\r\n")
    if not text:
        raise ParseError("the answer is empty")
    root = root_name(text[:200_000])
    if root not in {"urlset", "sitemapindex"}:
        what = "a web page" if root in {"html", "head", "body"} else "something else"
        raise ParseError(f"this is {what}, not a sitemap")
    try:
        return ET.fromstring(harmless_xml(text))  # noqa: S314  harmless_xml leaves no DTD
    except ET.ParseError as exc:
        raise ParseError(f"this sitemap is damaged at line {exc.position[0] - 1}") from exc


def _inflated(data: bytes) -> bytes:
    """The bytes, unpacked when they are a .gz file, whatever the server called them."""
    if not data.startswith(b"\x1f\x8b"):
        return data
    unpack = zlib.decompressobj(wbits=31)
    try:
        plain = unpack.decompress(data, _MAX_BYTES)
    except zlib.error as exc:
        raise ParseError("this sitemap is packed, and the packing is damaged") from exc
    if unpack.unconsumed_tail:
        raise ParseError(f"this sitemap is larger than {_MAX_BYTES // 1_000_000} MB when unpacked")
    return plain


def _of_parts(root: ET.Element, url: str) -> Document:
    """Which parts to read: those that changed last, or those of news; without dates the last ones."""
    parts = [(_child(part, "loc"), find_moment(_child(part, "lastmod")) or _OLDEST) for part in root]
    known = [(web_url(place, url), moment) for place, moment in parts]
    ordered = sorted(enumerate(known), key=lambda one: ("news" in one[1][0], one[1][1], one[0]), reverse=True)
    follow = tuple(place for _, (place, _) in ordered if place)[:_MAX_PARTS]
    how = f"the newest {len(follow)} of its {len(root)} parts"
    return Document(base=url, follow=follow, depends_on_now=True, how=how)


def _item(url: ET.Element, base: str, recipe: dict[str, str]) -> Item | None:
    link = web_url(_child(url, "loc"), base)
    if not link or urlsplit(link).path in {"", "/"}:
        return None
    if recipe.get("only", "") not in link or ("but" in recipe and recipe["but"] in link):
        return None
    news = next((child for child in url if _local(child.tag) == "news"), None)
    title = _child(news, "title") if news is not None else ""
    told = _child(news, "publication_date") if news is not None else ""
    languages = [
        child.text or ""
        for child in (news.iter() if news is not None else ())
        if _local(child.tag) == "language"
    ]
    return Item(
        guid=canonical_url(link),
        url=link,
        title=title_text(title) or title_of(link),
        language=languages[0] if languages else "",
        published=find_moment(told) or day_in_path(link) or find_moment(_child(url, "lastmod")),
    )


def _with_true_dates(items: list[Item]) -> list[Item]:
    """The items, without the dates that the site's last building gave to all of them."""
    days = Counter(item.published.date() for item in items if item.published)
    built = {day for day, count in days.items() if count > _BUILT and count * 2 > len(items)}
    return list(_undated(items, built)) if built else items


def _undated(items: list[Item], built: set[date]) -> Iterator[Item]:
    for item in items:
        is_built = item.published is not None and item.published.date() in built
        yield (
            Item(guid=item.guid, url=item.url, title=item.title, language=item.language) if is_built else item
        )


def _child(element: ET.Element, name: str) -> str:
    return next(((child.text or "").strip() for child in element if _local(child.tag) == name), "")


def _local(tag: object) -> str:
    return str(tag).rpartition("}")[2].lower()
