"""SOURCES → ARTICLES: fetched politely and safely, read whatever they are, cleaned to plain text."""

from digest.gather.client import Client, open_client
from digest.gather.discover import Found, discover
from digest.gather.gathering import gather
from digest.gather.opml import OpmlFile, read_opml, starter_pack, write_opml
from digest.gather.pages import SHORT_SUMMARY, PageRead, read_pages
from digest.gather.polling import is_due
from digest.gather.urls import canonical_url

__all__ = [
    "SHORT_SUMMARY",
    "Client",
    "Found",
    "OpmlFile",
    "PageRead",
    "canonical_url",
    "discover",
    "gather",
    "is_due",
    "open_client",
    "read_opml",
    "read_pages",
    "starter_pack",
    "write_opml",
]
