"""SOURCES → ARTICLES: fetched politely and safely, read whatever they are, cleaned to plain text."""

from typing import TYPE_CHECKING

from digest.doors import load

if TYPE_CHECKING:
    from digest.gather.client import Client, open_client
    from digest.gather.discovery import Discovery, Found, discover
    from digest.gather.gathering import gather
    from digest.gather.opml import OpmlFile, read_opml, starter_pack, write_opml
    from digest.gather.pages import SHORT_SUMMARY, PageRead, read_pages
    from digest.gather.polling import is_due
    from digest.gather.presence import ToldPage, ask_pages, is_page_due
    from digest.gather.recipe import check_recipe
    from digest.gather.urls import canonical_url

__all__ = [
    "SHORT_SUMMARY",
    "Client",
    "Discovery",
    "Found",
    "OpmlFile",
    "PageRead",
    "ToldPage",
    "ask_pages",
    "canonical_url",
    "check_recipe",
    "discover",
    "gather",
    "is_due",
    "is_page_due",
    "open_client",
    "read_opml",
    "read_pages",
    "starter_pack",
    "write_opml",
]

#: Where each is. Loaded when asked for: a worker process needs none of them, and starts twice as fast.
_MODULES = {
    "client": ("Client", "open_client"),
    "discovery": ("Discovery", "Found", "discover"),
    "gathering": ("gather",),
    "opml": ("OpmlFile", "read_opml", "starter_pack", "write_opml"),
    "pages": ("SHORT_SUMMARY", "PageRead", "read_pages"),
    "polling": ("is_due",),
    "presence": ("ToldPage", "ask_pages", "is_page_due"),
    "recipe": ("check_recipe",),
    "urls": ("canonical_url",),
}


def __getattr__(name: str) -> object:
    """The public name, from its module (PEP 562)."""
    return load(__name__, _MODULES, name)
