"""The tree of a web page, and the simple CSS selectors by which an operator points into it."""

import re
from collections.abc import Iterable
from typing import Any

from lxml import etree, html

from digest.errors import ParseError
from digest.gather.clean import one_line
from digest.gather.decode import root_name, text_of
from digest.gather.document import Body
from digest.gather.urls import web_url

#: Pages beyond this are cut: what lists articles stands before.
_MAX_PAGE = 3_000_000
_PAGES = frozenset(
    {"html", "head", "body", "div", "main", "section", "article", "script", "meta", "ul", "table"}
)
_STEP = re.compile(
    r"""\s*(?P<join>[>+~]|\s)?\s*
    (?P<tag>[a-zA-Z][\w-]*|\*)?
    (?P<rest>(?:\#[\w-]+|\.[\w-]+|\[[\w:-]+\s*(?:[*^$~|]?=\s*(?:"[^"]*"|'[^']*'|[\w./:-]+))?\s*\]
       |:(?:first-child|last-child|nth-child\(\d{1,3}\)))*)""",
    re.VERBOSE,
)
_PART = re.compile(
    r"""\#(?P<id>[\w-]+)|\.(?P<name>[\w-]+)|:(?P<place>[a-z-]+)(?:\((?P<number>\d+)\))?
    |\[(?P<attribute>[\w:-]+)\s*(?:(?P<how>[*^$~|]?=)\s*(?P<value>"[^"]*"|'[^']*'|[\w./:-]+))?\s*\]""",
    re.VERBOSE,
)


def tree_of(body: Body) -> Any:
    """The page's root element; ParseError when the body is no page."""
    text = text_of(body.data, body.charset).lstrip("\ufeff \t\r\n")
    if not text:
        raise ParseError("the answer is empty")
    root = root_name(text[:200_000])
    if root not in _PAGES:
        raise ParseError("this is not a web page" + (f": its first element is <{root[:40]}>" if root else ""))
    return parse(text)


def parse(text: str) -> Any:
    """The root element of a page's text; libxml2 itself bounds its depth."""
    markup = re.sub(r"^\s*<\?xml[^>]{0,200}\?>", "", text[:_MAX_PAGE].replace("\0", ""))
    parser = html.HTMLParser(encoding="utf-8", huge_tree=False)
    try:
        return html.document_fromstring(markup.encode("utf-8", "replace"), parser=parser)
    except (etree.LxmlError, ValueError, AssertionError) as exc:
        raise ParseError("this page has nothing in it that can be read") from exc


def base_of(tree: Any, url: str) -> str:
    """What the page's relative links are relative to."""
    return next((web_url(href, url) for href in tree.xpath("//base/@href")), "") or url


def words_in(element: Any) -> str:
    """The visible words below an element on one line, blocks kept apart."""
    parts = element.xpath(".//text()[not(parent::script or parent::style or parent::noscript)]")
    return one_line(" ".join(part for part in parts if part.strip()))


def select(element: Any, selector: str) -> list[Any]:
    """The elements below `element` that a CSS selector names, in the page's order.

    Tags, .classes, #ids, [attributes], :first-child, :last-child, :nth-child(n), descendants, children,
    siblings and comma lists; ParseError for what is beyond that.
    """
    try:
        found: list[Any] = element.xpath(_xpath(selector))
    except etree.XPathError as exc:
        # Names of XML are fewer than words: "A¹" is none.
        raise _unreadable(selector) from exc
    return found


def _unreadable(selector: str) -> ParseError:
    return ParseError(f'"{selector[:80]}" is not a selector that can be read', hint="such as article h2 a")


def _xpath(selector: str) -> str:
    return " | ".join(_one(part.strip(), selector) for part in _alternatives(selector))


def _alternatives(selector: str) -> Iterable[str]:
    """The parts between commas that stand in no brackets."""
    return re.split(r",(?![^\[]*\])", selector)


def _one(part: str, selector: str) -> str:
    path, place = "", 0
    while place < len(part):
        step = _STEP.match(part, place)
        if not step or step.end() == place or not (step["tag"] or step["rest"]):
            raise _unreadable(selector)
        path += _axis(step["join"], is_first=not path) + _step(step["tag"] or "*", step["rest"])
        place = step.end()
    if not path:
        raise ParseError("a selector in the recipe of this source is empty")
    return path


def _axis(join: str | None, *, is_first: bool) -> str:
    match (join or "").strip():
        case ">":
            return "./" if is_first else "/"
        case "+":
            return "/following-sibling::*[1]/self::"
        case "~":
            return "/following-sibling::"
    return ".//" if is_first else "//"


def _step(tag: str, rest: str) -> str:
    return tag.lower() + "".join(f"[{_condition(part)}]" for part in _PART.finditer(rest))


def _condition(part: re.Match[str]) -> str:
    if part["id"]:
        return f"@id={_quoted(part['id'])}"
    if part["name"]:
        return f"contains(concat(' ', normalize-space(@class), ' '), {_quoted(' ' + part['name'] + ' ')})"
    if part["place"]:
        number = part["number"]
        return {
            "first-child": "not(preceding-sibling::*)",
            "last-child": "not(following-sibling::*)",
        }.get(part["place"], f"count(preceding-sibling::*)={int(number or 1) - 1}")
    return _attribute(part["attribute"].lower(), part["how"], (part["value"] or "").strip("\"'"))


def _attribute(name: str, how: str | None, value: str) -> str:
    at, words = f"@*[name()={_quoted(name)}]", _quoted(value)
    match how:
        case None:
            return at
        case "*=":
            return f"contains({at}, {words})"
        case "^=":
            return f"starts-with({at}, {words})"
        case "$=":
            return f"substring({at}, string-length({at}) - {len(value) - 1})={words}"
        case "~=":
            return f"contains(concat(' ', normalize-space({at}), ' '), {_quoted(f' {value} ')})"
    return f"{at}={words}"


def _quoted(text: str) -> str:
    """An XPath literal; a text with both quotes in it cannot be one, and none such comes out of _PART."""
    return f'"{text}"' if '"' not in text else f"'{text}'"
