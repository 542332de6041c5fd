"""The page of an article becomes its words and what it says of itself: author, day, picture, language."""

import copy
import logging
import re
from collections.abc import Iterable
from typing import Any

import trafilatura
from lxml import etree

from digest.errors import ParseError
from digest.gather.clean import cut, language_of, one_line, title_text
from digest.gather.dates import find_moment
from digest.gather.decode import text_of
from digest.gather.document import Body
from digest.gather.htmltree import base_of, tree_of
from digest.gather.jsonld import is_article, nodes_of, words
from digest.gather.pace import domain_of
from digest.gather.pagetext import PageText
from digest.gather.urls import canonical_url, host_of, web_url

MAX_TEXT = 20_000
#: trafilatura needs more than 25 seconds for a page of 30 MB.
_MAX_MARKUP = 3_000_000
#: A heading after which nothing of the article comes any more.
_END = re.compile(
    r"(?i)^(?:on key|related(?: (?:posts?|articles?|stories|reading|content|topics|links))?"
    r"|read (?:next|also|this next)|you (?:may|might) also (?:like|enjoy)"
    r"|more (?:from|on|stories|articles)\b.{0,40}|recommended(?: for you)?"
    r"|(?:most (?:read|popular)|popular|latest|recent) (?:posts?|articles?|stories)|share this(?: .{1,20})?"
    r"|stay in the loop|(?:subscribe|sign up)\b.{0,60}|(?:join )?our newsletter|get the latest\b.{0,80}"
    r"|leave a (?:reply|comment)|comments?|about the authors?|further reading|tags?|filed under)\W*$"
)
#: Lines that ask for a click and say nothing.
_CLICK = re.compile(
    r"(?i)^(?:read more|continue reading|learn more|share|tweet|print|e-?mail|advertisement|loading)\W*$"
)
#: Short <article>s beside others are cards that lead to other pages.
_CARDS = ["//article[count(//article) > 1 and string-length(normalize-space(.)) < 300]"]
#: Tables that hold an article, not data.
_LAYOUT = "//table[.//td//h1 or count(.//td//p[string-length(normalize-space(.)) > 100]) > 2]"
_TABLE_PARTS = "self::table or self::tbody or self::tr or self::td"
#: What leads to the page: "Home » News » ".
_PATH = re.compile(r"^(?:[^»›>/|]{1,40}[»›>/|]\s*){1,5}(?=\S)")
#: A last paragraph that leads elsewhere on the site.
_LEADS_ON = re.compile(
    r"(?i)^(?:for more (?:insights?|information|news|stories|details)\b|(?:also )?read(?: more)?:|see also:|"
    r"related:|don['’]t miss\b|follow us\b|click here\b|subscribe\b|sign up\b)"
)
#: At most this much of the text may stand behind such a heading: else it is one of the article's own.
_TAIL = 0.3


def read_page(body: Body) -> PageText:
    """The page's article; ParseError when the body is no page or has no article in it."""
    tree = tree_of(body)
    markup = text_of(body.data, body.charset)[:_MAX_MARKUP]
    about = next((node for node in nodes_of(markup) if is_article(node)), {})
    meta = _metas(tree)
    title = _title(tree, meta, words(about.get("headline")))
    text = _words(_extracted(_laid_out(tree) or markup), title)
    if not text:
        raise ParseError("there is no article on this page")
    base = base_of(tree, body.url)
    languages = tree.xpath("/html/@lang")
    day = words(about.get("datePublished")) or meta.get("article:published_time", "") or meta.get("date", "")
    return PageText(
        title=title,
        text=text,
        author=_author(words(about.get("author")) or meta.get("author", "")),
        language=language_of(*(str(language) for language in languages), meta.get("og:locale", "")),
        image=web_url(meta.get("og:image", "") or meta.get("twitter:image", ""), base) if meta else "",
        published=find_moment(day),
        canonical=_canonical(tree, base, body.url),
    )


def _laid_out(tree: Any) -> str:
    """The page's markup with the tables that only lay it out made plain blocks; "" when it has none.

    A page from before style sheets is one table, whose cells would be read as data. Reads the tree anew,
    so that what the page says of itself is found where it was.
    """
    tables = tree.xpath(_LAYOUT)
    if not tables:
        return ""
    tree = copy.deepcopy(tree)
    for element in tree.xpath(f"{_LAYOUT}/descendant-or-self::*[{_TABLE_PARTS}]"):
        element.tag = "div"
    return str(etree.tostring(tree, encoding="unicode", method="html"))


def _extracted(markup: str) -> str:
    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)
    found = trafilatura.extract(
        markup, favor_precision=True, include_comments=False, include_tables=True, prune_xpath=_CARDS
    )
    return found or ""


def _metas(tree: Any) -> dict[str, str]:
    """The first value of each <meta>, by its name or property in lower case."""
    found: dict[str, str] = {}
    for element in tree.xpath("//meta[@content]")[:300]:
        name = (element.get("property") or element.get("name") or "").lower()
        if name:
            found.setdefault(name, one_line(element.get("content"))[:2000])
    return found


def _title(tree: Any, meta: dict[str, str], told: str) -> str:
    """What the page calls itself: its own data, else its only <h1>, else <title> without the site's name."""
    given = told or meta.get("og:title", "")
    if given:
        return title_text(given)
    headings = [one_line(" ".join(heading.itertext())) for heading in tree.xpath("//h1")[:20]]
    if len(set(headings)) == 1 and headings[0]:
        return title_text(headings[0])
    whole = one_line(tree.findtext(".//title") or "")
    return title_text(re.split(r"\s+[|–—·-]\s+", whole)[0])


def _author(written: str) -> str:
    name = re.sub(r"(?i)^by\s+", "", title_text(written))
    return "" if name.startswith(("http://", "https://", "@")) else cut(name, 100)


def _canonical(tree: Any, base: str, url: str) -> str:
    """The page's rel=canonical when it stays on the domain and does not call an article the front page."""
    hrefs = tree.xpath("//link[contains(concat(' ', normalize-space(@rel), ' '), ' canonical ')]/@href")
    own = web_url(str(hrefs[0]), base) if hrefs else ""
    if not own or domain_of(host_of(own)) != domain_of(host_of(url)):
        return ""
    is_front = canonical_url(own) == canonical_url(web_url("/", own))
    return "" if is_front and canonical_url(url) != canonical_url(own) else canonical_url(own)


def _words(text: str, title: str) -> str:
    """The paragraphs of the article alone: its title, what follows it and repetitions left out."""
    paragraphs = [one_line(line) for line in text.splitlines()]
    told = (paragraph for paragraph in paragraphs if paragraph and not _CLICK.match(paragraph))
    paragraphs = _without_tail(list(_once(line for line in told if not _is_title(line, title))))
    return cut("\n".join(paragraphs), MAX_TEXT)


def _once(paragraphs: Iterable[str]) -> Iterable[str]:
    """Each long paragraph once; short ones (a refrain, "Yes.") may come again."""
    seen: set[str] = set()
    for paragraph in paragraphs:
        if len(paragraph) < 40 or paragraph not in seen:
            yield paragraph
        seen.add(paragraph)


def _is_title(paragraph: str, title: str) -> bool:
    def bare(text: str) -> str:
        return re.sub(r"\W+", " ", text).strip().casefold()

    return bool(title) and bare(title) in {bare(paragraph), bare(_PATH.sub("", paragraph))}


def _without_tail(paragraphs: list[str]) -> list[str]:
    """The paragraphs up to the heading of what is no longer the article, without a last that leads on."""
    whole = sum(len(paragraph) for paragraph in paragraphs)
    before = 0
    for place, paragraph in enumerate(paragraphs):
        if place and _END.match(paragraph.lstrip("#-–• ")) and whole - before <= whole * _TAIL:
            paragraphs = paragraphs[:place]
            break
        before += len(paragraph)
    while len(paragraphs) > 1 and len(paragraphs[-1]) < 300 and _LEADS_ON.match(paragraphs[-1]):
        paragraphs = paragraphs[:-1]
    return paragraphs
