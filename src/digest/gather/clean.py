"""Hostile markup becomes plain text: one line, NFC, no controls, cut between words."""

import html
import re
import unicodedata
from functools import lru_cache

import nh3

MAX_TITLE = 300
MAX_SUMMARY = 1500
#: Markup beyond this is not looked at for a summary: nh3 needs seconds for 50,000 nested tags.
_MAX_MARKUP = 20_000
_MAX_TAGS = 1500
_MAX_COUNTED = 400_000
_WORDS_PER_MINUTE = 230
_MIN_WORDS = 150

_SPACES = dict.fromkeys((*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029), " ")
#: Zero-width and soft hyphens, bidi embeddings and isolates, tags, surrogates and what is no character.
_DROPPED: dict[int, None] = dict.fromkeys(
    (
        *(0xAD, 0x200B, 0x2060, 0xFEFF, 0xFFFE, 0xFFFF),
        *range(0x202A, 0x202F),
        *range(0x2066, 0x2070),
        *range(0xFFF9, 0xFFFC),
        *range(0xD800, 0xE000),
        *range(0xE0000, 0xE0080),
    )
)
_TABLE: dict[int, str | None] = {**_SPACES, **_DROPPED, 0: None, **dict.fromkeys(range(1, 9))}
_BLOCKS = (
    "p|div|br|hr|li|ul|ol|dl|dt|dd|h[1-6]|t[rdh]|table|tbody|thead|blockquote|pre|section|article|figure"
    "|figcaption|header|footer|img"
)
_BLOCK = re.compile(rf"(?i)<(?=/?(?:{_BLOCKS})\b)")
#: Attributes without an angle bracket in them, so that a tag surely ends where it seems to.
_ATTRIBUTES = r"""(?:\s+[\w:.-]+(?:=(?:"[^"<>]*"|'[^'<>]*'|[^\s"'<>=]+))?){0,20}\s*/?"""
#: Tags that hide nothing, well written: most feeds hold no others, and need no parser to be read.
_INLINES = "a|abbr|b|big|cite|code|em|font|i|kbd|mark|q|s|small|span|strong|sub|sup|time|u|wbr"
_PLAIN = re.compile(rf"(?i)/?(?:(?P<block>{_BLOCKS})|{_INLINES}){_ATTRIBUTES}")
#: Tags that feeds put into titles. Others stay: "List<T>" and "<script>" are words of the title.
_INLINE = re.compile(
    r"(?i)</?(?:a|abbr|b|big|br|cite|code|div|em|font|h[1-6]|i|img|mark|p|q|s|small|span|strong|sub|sup|u|wbr)"
    r"(?:\s[^<>]{0,1000})?/?>"
)
_NO_TAGS: set[str] = set()
_HIDDEN = {"script", "style", "template", "iframe", "object", "svg", "math", "noscript", "select"}
#: What blog software appends to every excerpt.
_TAIL = re.compile(
    r"\s*(?:The post .{1,300} (?:appeared first on|first appeared on) .{1,120}"
    r"|(?:\[(?:…|\.\.\.)\]|…|\.\.\.)\s*(?:Continue reading|Read more)\b.{0,200}"
    r"|(?:Continue reading|Read more|Read the full (?:story|article|post))\s?(?:→|»|…|\.{1,3})?"
    r"|\[(?:…|\.\.\.)\])$"
)
#: Every such tail has one of these in it, and is shorter than this.
_TAIL_WORDS = re.compile(r"appeared|\.\.\.|…|Continue reading|Read ")
_LONGEST_TAIL = 500
#: Shorter tags come again and again, and are remembered.
_COMMON_TAG = 100
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_TAG = re.compile(r"<[^<>]{0,2000}>")
_LANGUAGE = re.compile(r"\s*([A-Za-z]{2,3})(?![A-Za-z])")
#: A byte of ASCII is a space, or an x of a word.
_INK = bytes(ord(" " if chr(byte).isspace() else "x") for byte in range(256))


def one_line(text: str) -> str:
    """The text in NFC on one line, without control, invisible and direction-changing characters."""
    line = _single_spaced(text)
    if line is None:
        line = " ".join(text.split())
        if not line.isprintable():
            line = " ".join(line.translate(_TABLE).split())
    return line if line.isascii() else unicodedata.normalize("NFC", line)


def _single_spaced(text: str) -> str | None:
    """The text's words with one space between them; None when it holds other white space or controls.

    Splitting makes a string of each word, which takes four times as long.
    """
    if not text.isprintable():
        return None
    while "  " in text:
        text = text.replace("  ", " ")
    return text.strip(" ")


def cut(text: str, limit: int) -> str:
    """The text in at most `limit` characters, cut between words and then ended by an ellipsis."""
    if len(text) <= limit:
        return text
    head = text[: limit - 1]
    words = head.rpartition(" ")[0]
    return (words if len(words) > limit // 2 else head).rstrip(" ,;:–—-") + "…"


def title_text(raw: str) -> str:
    """A title as plain text of at most 300 characters."""
    text = raw[: 20 * MAX_TITLE]
    if "<" in text:
        text = _INLINE.sub(_gap, text)
    return cut(one_line(html.unescape(text)), MAX_TITLE)


def _gap(tag: re.Match[str]) -> str:
    return " " if re.match(r"(?i)</?(?:br|p|div|h[1-6]|img)\b", tag[0]) else ""


def plain_text(markup: str, limit: int = MAX_SUMMARY) -> str:
    """The words that a browser would show of the markup, at most `limit` characters of them."""
    seen = 2 * limit
    text = _text_of(_whole_tags(markup[:seen]))
    if len(text) <= limit and len(markup) > seen:
        # So much of it is tags that the words begin later.
        seen = _MAX_MARKUP
        text = _text_of(markup[:seen])
    return cut(_without_tail(text) if len(markup) <= seen else text, limit)


def _whole_tags(markup: str) -> str:
    """The markup without a last tag that was cut through."""
    place = markup.rfind("<")
    return markup[:place] if place > markup.rfind(">") and len(markup) - place < 500 else markup


def _text_of(markup: str) -> str:
    markup = _first_tags(markup)
    text = _without_plain_tags(markup)
    if text is None:
        # Half of a surrogate pair, which JSON can hold, is refused by nh3.
        markup = markup.encode("utf-8", "ignore").decode()
        text = nh3.clean(_BLOCK.sub(" <", markup), tags=_NO_TAGS, clean_content_tags=_HIDDEN)
    return one_line(html.unescape(text) if "&" in text else text)


def _without_plain_tags(markup: str) -> str | None:
    """The words between the tags; None when one of them may hide something or end elsewhere."""
    first, *pieces = markup.split("<")
    parts = [first]
    for piece in pieces:
        tag, end, words = piece.partition(">")
        left = _left_by(tag) if len(tag) < _COMMON_TAG else _left_by.__wrapped__(tag)
        if left is None or not end:
            return None
        parts += (left, words)
    return "".join(parts)


@lru_cache(maxsize=1000)
def _left_by(tag: str) -> str | None:
    """What is left of a tag, given without its angle brackets: "", a space for a block, None if not plain."""
    found = _PLAIN.fullmatch(tag)
    return (" " if found["block"] else "") if found else None


def _without_tail(text: str) -> str:
    head, end = text[:-_LONGEST_TAIL], text[-_LONGEST_TAIL:]
    return head + _TAIL.sub("", end) if _TAIL_WORDS.search(end) else text


def _first_tags(markup: str) -> str:
    """The markup up to its 1,500th tag."""
    if markup.count("<") <= _MAX_TAGS:
        return markup
    return "<".join(markup.split("<", _MAX_TAGS)[:_MAX_TAGS])


def summary_of(description: str, content: str, title: str) -> str:
    """What a source says of its article: its description, or the beginning of its text; "" for the title.

    A description that is only the beginning of the text gives way to the text.
    """
    summary = plain_text(description)
    if content and content != description and len(summary) < 600:
        longer = plain_text(content)
        if longer.startswith(summary[:80].rstrip("….")):
            summary = longer
    is_title = len(summary) <= len(title) + 3 and (
        summary.casefold().rstrip(".…") == title.casefold().rstrip(".…")
    )
    return "" if is_title else summary


def minutes_of(content: str) -> int | None:
    """Whole minutes it takes to read the text, None when it is too short to be the whole article."""
    if len(content) < 2 * _MIN_WORDS:
        return None
    text = _TAG.sub(" ", content[:_MAX_COUNTED])
    words = _count_words(text) + (0 if text.isascii() else len(_CJK.findall(text)) // 2)
    return max(1, round(words / _WORDS_PER_MINUTE)) if words >= _MIN_WORDS else None


def _count_words(text: str) -> int:
    """How many words there are; of ASCII by counting beginnings, as splitting makes a string of each."""
    if not text.isascii():
        return len(text.split())
    return (b" " + text.encode().translate(_INK)).count(b" x")


def language_of(*tags: str) -> str:
    """The primary language of the first tag that names one ("en-US" gives "en"), else ""."""
    for tag in filter(None, tags):
        found = _LANGUAGE.match(tag)
        if found and found[1].lower() not in {"und", "mul", "zxx"}:
            return found[1].lower()
    return ""
