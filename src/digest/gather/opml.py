"""Lists of sources, in and out: OPML 2.0 with a few attributes of ours."""

import re
import xml.etree.ElementTree as ET
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import resources

from digest.domain import DEFAULT_SECTIONS, FullText, Source, SourceKind
from digest.errors import ParseError
from digest.gather.clean import cut, one_line, title_text
from digest.gather.decode import harmless_xml, root_name, text_of
from digest.gather.urls import canonical_url, host_of, web_url

_SECTIONS = {
    name.casefold(): section.key for section in DEFAULT_SECTIONS for name in (section.key, section.label)
}
#: Folders around a source whose names are looked at.
_MAX_DEPTH = 50
_MAX_NOTE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class OpmlFile:
    """What a list of sources holds, and one line for each entry that could not be taken."""

    title: str = ""
    sources: tuple[Source, ...] = ()
    problems: tuple[str, ...] = ()


def read_opml(data: bytes) -> OpmlFile:
    """The sources of an OPML file, each canonical address once; ParseError when it is none.

    A source's section is its `section`, else the first folder or category that names one of ours.
    """
    text = text_of(data).lstrip("\ufeff \t\r\n")
    if root_name(text[:200_000]) != "opml":
        raise ParseError("this is not an OPML file: it does not begin with <opml>")
    try:
        root = ET.fromstring(harmless_xml(text))  # noqa: S314  harmless_xml leaves no DTD
    except ET.ParseError as exc:
        line, column = exc.position
        # A line of ours stands before theirs.
        raise ParseError(f"this OPML file is damaged at line {line - 1}, column {column + 1}") from exc
    sources: dict[str, Source] = {}
    problems: list[str] = []
    for values, folders in _outlines(root):
        try:
            source = _source(values, folders)
        except ValueError as exc:
            problems.append(str(exc))
            continue
        address = canonical_url(source.url)
        if address in sources:
            problems.append(f'"{source.title}" is in the file twice ({source.url})')
        sources.setdefault(address, source)
    title = title_text(root.findtext("head/title") or "")
    return OpmlFile(title=title, sources=tuple(sources.values()), problems=tuple(problems))


def _outlines(root: ET.Element) -> Iterator[tuple[dict[str, str], tuple[str, ...]]]:
    """Every outline that is a source, as attributes in lower case, with the names of its folders."""
    waiting = [(element, ()) for element in reversed(root.findall("body/outline"))]
    stack: list[tuple[ET.Element, tuple[str, ...]]] = list(waiting)
    while stack:
        element, folders = stack.pop()
        values = {re.sub(r"^\{.*\}", "", name).lower(): value.strip() for name, value in element.items()}
        name = values.get("text") or values.get("title", "")
        is_folder = len(element) > 0
        if "xmlurl" in values or (not is_folder and values.get("type", "") in {"rss", "atom", "ics"}):
            yield values, folders
        inner = (*folders, name)[-_MAX_DEPTH:]
        stack += [(child, inner) for child in reversed(element.findall("outline"))]


def _source(values: Mapping[str, str], folders: tuple[str, ...]) -> Source:
    """The source of an outline's attributes; ValueError says what is wrong with it."""
    title = title_text(values.get("title") or values.get("text", ""))
    written = one_line(values.get("xmlurl", ""))
    url = web_url(re.sub(r"(?i)^(?:webcals?|feed)://", "https://", written))
    if not url:
        raise ValueError(
            f'"{title or "an entry without a name"}" has no web address'
            + (f": {cut(written, 80)}" if written else "")
        )
    return Source(
        url=url,
        title=title or host_of(url),
        kind=_kind(values, url),
        site_url=web_url(values.get("htmlurl", "")),
        owner=title_text(values.get("owner", "")),
        section=_section(values, folders),
        newsletters=tuple(re.findall(r"[a-z0-9-]+", values.get("newsletters", ""))),
        weight=_weight(values.get("weight", "")),
        enabled=values.get("enabled", "").lower() not in {"false", "no", "0", "off"},
        note=cut(one_line(values.get("note", "")), _MAX_NOTE),
        recipe=one_line(values.get("recipe", "")),
        full_text=_full_text(values.get("fulltext", "")),
    )


def _kind(values: Mapping[str, str], url: str) -> SourceKind:
    written = (values.get("kind") or values.get("type", "")).lower()
    if written in set(SourceKind):
        return SourceKind(written)
    is_calendar = written in {"ics", "ical", "icalendar"} or url.lower().endswith(".ics")
    return SourceKind.CALENDAR if is_calendar else SourceKind.FEED


def _full_text(text: str) -> FullText:
    return FullText(text.lower()) if text.lower() in set(FullText) else FullText.SHORT


def _section(values: Mapping[str, str], folders: tuple[str, ...]) -> str | None:
    own = values.get("section", "")
    if re.fullmatch(r"[a-z0-9][a-z0-9-]{0,40}", own):
        return own
    categories = [part for part in re.split(r"[/,]", values.get("category", "")) if part.strip()]
    names = [*categories, *reversed(folders)]
    return next(
        (_SECTIONS[name.strip().casefold()] for name in names if name.strip().casefold() in _SECTIONS), None
    )


def _weight(text: str) -> float:
    """The weight, 1 unless it is a number from 0 to 10."""
    try:
        weight = float(text)
    except ValueError:
        return 1.0
    return weight if 0 <= weight <= 10 else 1.0


def write_opml(sources: Iterable[Source], title: str) -> bytes:
    """An OPML 2.0 file of the sources by section, which `read_opml` reads back as they were.

    What polling has taught us is left out.
    """
    root = ET.Element("opml", version="2.0")
    ET.SubElement(ET.SubElement(root, "head"), "title").text = one_line(title)
    body = ET.SubElement(root, "body")
    sections: defaultdict[str, list[Source]] = defaultdict(list)
    for source in sources:
        sections[source.section or ""].append(source)
    for section, members in sections.items():
        parent = ET.SubElement(body, "outline", text=section) if section else body
        for source in members:
            ET.SubElement(parent, "outline", _attributes(source))
    ET.indent(root)
    text = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'.encode()


def _attributes(source: Source) -> dict[str, str]:
    """The outline's attributes: OPML's own, then those of ours that differ from what is usual."""
    values = {
        "text": source.title,
        "title": source.title,
        "type": {SourceKind.FEED: "rss", SourceKind.CALENDAR: "ics"}.get(source.kind, "link"),
        "xmlUrl": source.url,
        "htmlUrl": source.site_url,
        "section": source.section or "",
        "owner": source.owner,
        "kind": "" if source.kind is SourceKind.FEED else str(source.kind),
        "newsletters": ",".join(source.newsletters),
        "weight": "" if source.weight == 1 else f"{source.weight:g}",
        "enabled": "" if source.enabled else "false",
        "note": source.note,
        "recipe": "; ".join(source.recipe.splitlines()),
        "fullText": "" if source.full_text is FullText.SHORT else str(source.full_text),
    }
    return {name: one_line(value) for name, value in values.items() if value}


def starter_pack() -> tuple[Source, ...]:
    """The sources about AI that come with the package; doubtful ones are switched off and say why."""
    return read_opml(resources.files("digest.gather").joinpath("starter.opml").read_bytes()).sources
