"""Issues as an Atom feed (RFC 4287). Pure."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from datetime import UTC, datetime

from digest.domain import Issue
from digest.render import IssueView, Masthead

_ATOM = "http://www.w3.org/2005/Atom"
#: What XML 1.0 has no room for.
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def atom(masthead: Masthead, entries: Sequence[tuple[Issue, IssueView, str]]) -> bytes:
    """The feed's bytes; each entry is an issue, its view, and its stories as HTML."""
    ET.register_namespace("", _ATOM)
    root = ET.Element(_name("feed"), {"{http://www.w3.org/XML/1998/namespace}lang": masthead.language})
    _add(root, "id", f"{tag_domain(masthead)}:{masthead.key}")
    _add(root, "title", masthead.name)
    _add(root, "subtitle", masthead.description)
    _add(root, "updated", _time(max((_updated(one) for one, _, _ in entries), default=_NEVER)))
    _link(root, "self", f"{masthead.home}/feed.atom", "application/atom+xml")
    _link(root, "alternate", masthead.archive, "text/html")
    _add(_add(root, "author"), "name", masthead.editor_name or masthead.from_name or masthead.name)
    for issue, view, stories in entries:
        _entry(root, masthead, issue, view, stories)
    data: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return data


_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


def tag_domain(masthead: Masthead) -> str:
    """A name that stays when the pages move to another host (RFC 4151)."""
    return f"tag:{masthead.from_address.rpartition('@')[2].lower()},2026"


def _entry(root: ET.Element, masthead: Masthead, issue: Issue, view: IssueView, stories: str) -> None:
    entry = _add(root, "entry")
    _add(entry, "id", f"{tag_domain(masthead)}:{masthead.key}/{issue.id}")
    _add(entry, "title", title_of(view))
    _add(entry, "updated", _time(_updated(issue)))
    _add(entry, "published", _time(issue.started_at or issue.due_at))
    _link(entry, "alternate", f"{masthead.archive}/{issue.number}", "text/html")
    _add(entry, "content", stories, type="html")


def title_of(view: IssueView) -> str:
    """The editor's subject, or the first titles."""
    return view.subject or f"{view.number}: {'; '.join(view.titles[:3])}"


def _updated(issue: Issue) -> datetime:
    return issue.sent_at or issue.started_at or issue.due_at


def _name(name: str) -> str:
    return f"{{{_ATOM}}}{name}"


def _add(parent: ET.Element, name: str, text: str = "", **attributes: str) -> ET.Element:
    child = ET.SubElement(parent, _name(name), attributes)
    child.text = _ILLEGAL.sub("", text) or None
    return child


def _link(parent: ET.Element, rel: str, href: str, kind: str) -> None:
    ET.SubElement(parent, _name("link"), {"rel": rel, "href": href, "type": kind})


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
