"""Bytes become text, and XML is made harmless: no DTD, no entities of its own, one known encoding."""

import codecs
import html
import re
import zlib

#: As much as a settings file allows for a body by default.
_MAX_UNPACKED = 20_000_000
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_DECLARED = re.compile(rb"<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9._:-]{1,40})")
_XML_ENTITY = re.compile(
    r"&(?!(?:amp|lt|gt|quot|apos|#[0-9]{1,7}|#x[0-9A-Fa-f]{1,6});)([A-Za-z][A-Za-z0-9]{0,30};)?"
)
_HALF = r"&#(?:5[5-7][0-9]{3}|[xX][dD][89A-Fa-f][0-9A-Fa-f]{2});"
#: Not `(half)+`, whose first letters the search does not know: it takes 18 times as long.
_HALVES = re.compile(f"{_HALF}(?:{_HALF})*")
_NAME = re.compile(r"<(?:[A-Za-z_][\w.-]{0,40}:)?([A-Za-z_][\w.-]{0,40})")


def text_of(data: bytes, charset: str = "") -> str:
    """The text of the bytes: by byte order mark, then as UTF-8, then as declared, then as Windows-1252.

    UTF-8 comes before what is declared because text of another encoding is hardly ever valid UTF-8, and
    wrong declarations are common. Never raises.
    """
    data = _unpacked(data)
    for mark, name in _BOMS:
        if data.startswith(mark):
            return data[len(mark) :].decode(name, "replace")
    if data[:4].count(0) == 3:
        return data.decode("utf-32-le" if data[0] else "utf-32-be", "replace")
    if data[:4].count(0) == 2:
        return data.decode("utf-16-le" if data[1:2] == b"\x00" else "utf-16-be", "replace")
    declared = _DECLARED.search(data[:400])
    names = ["utf-8", charset, declared[1].decode() if declared else "", "cp1252"]
    # Escape sequences are ASCII too, so ISO-2022 would pass for UTF-8.
    if declared and declared[1].lower().startswith(b"iso-2022"):
        names.insert(0, declared[1].decode())
    for name in names:
        text = _decoded(data, name)
        if text is not None:
            return text
    return data.decode("utf-8", "replace")


def _unpacked(data: bytes) -> bytes:
    """What is in a file of gzip, also in one packed twice; cut where it is too large or damaged."""
    for _ in range(2):
        if not data.startswith(b"\x1f\x8b"):
            break
        try:
            data = zlib.decompressobj(31).decompress(data, _MAX_UNPACKED)
        except zlib.error:
            break
    return data


def _decoded(data: bytes, name: str) -> str | None:
    if name.lower() in {"", "iso-8859-1", "latin-1", "us-ascii", "ascii"}:
        return None
    try:
        return data.decode(name)
    except (LookupError, ValueError):
        # One bad byte in a long UTF-8 text is a broken byte, not another encoding.
        if name == "utf-8" and _is_mostly_utf8(data):
            return data.decode("utf-8", "replace")
        return None


def _is_mostly_utf8(data: bytes) -> bool:
    bad = data.decode("utf-8", "replace").count("\ufffd")
    good = sum(byte >= 0xC2 for byte in data[:200_000])
    return bad * 10 < good


def root_name(text: str) -> str:
    """The name of the document's first element in lower case, without prefix; "" when there is none."""
    start = _root_start(text)
    found = _NAME.match(text, start) if start >= 0 else None
    return found[1].lower() if found else ""


def harmless_xml(text: str) -> str:
    """The document from its root element on, under a declaration of ours.

    What stands before the root is dropped, so no DTD is left and no entity can grow (the "billion
    laughs"). Entities of HTML become their characters, and a bare & becomes &amp;.
    """
    start = max(_root_start(text), 0)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + _known_entities(text[start:])


def _root_start(text: str) -> int:
    """Where the first element begins after declarations, comments and a DTD; -1 when nowhere."""
    place = 0
    while (place := text.find("<", place)) >= 0:
        if text.startswith("<!--", place):
            place = _after(text, "-->", place)
        elif text.startswith("<?", place):
            place = _after(text, "?>", place)
        elif text[place : place + 9].upper() == "<!DOCTYPE":
            place = _after_doctype(text, place)
        elif _NAME.match(text, place):
            return place
        else:
            place += 1
    return -1


def _after(text: str, mark: str, place: int) -> int:
    end = text.find(mark, place)
    return end + len(mark) if end >= 0 else len(text)


def _after_doctype(text: str, place: int) -> int:
    """Behind the DTD, whose internal subset in [ ] may hold > of its own."""
    end = _after(text, ">", place)
    subset = text.find("[", place, end)
    return _after(text, ">", _after(text, "]", subset)) if subset >= 0 else end


def _known_entities(text: str) -> str:
    """The text with only the five entities of XML left outside its CDATA sections."""
    if "&" not in text:
        return text
    first, *sections = text.split("<![CDATA[")
    parts = [_of_xml(first)]
    for section in sections:
        end = section.find("]]>")
        if end < 0 or section.find("&", end) < 0:
            parts.append(section)
        else:
            parts.append(section[:end] + _of_xml(section[end:]))
    return "<![CDATA[".join(parts)


def _of_xml(markup: str) -> str:
    return _XML_ENTITY.sub(_character, _HALVES.sub(_whole, markup)) if "&" in markup else markup


def _whole(found: re.Match[str]) -> str:
    """The characters of surrogate pairs, each half of which was written as a number."""
    numbers = re.findall(r"&#(?:[xX]([0-9A-Fa-f]+)|([0-9]+));", found[0])
    halves = "".join(
        chr(int(hexadecimal, 16) if hexadecimal else int(decimal)) for hexadecimal, decimal in numbers
    )
    return halves.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _character(found: re.Match[str]) -> str:
    """The character of an HTML entity, or the text as it stood with its & escaped."""
    known = html.unescape(found[0]) if found[1] else found[0]
    return "&amp;" + found[0][1:] if known == found[0] else html.escape(known)
