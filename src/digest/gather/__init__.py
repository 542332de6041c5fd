"""SOURCES → ARTICLES: fetched politely and safely, read whatever they are, cleaned to plain text."""

from digest.gather.client import Client, open_client
from digest.gather.discover import Found, discover
from digest.gather.gathering import gather
from digest.gather.opml import OpmlFile, read_opml, starter_pack, write_opml
from digest.gather.polling import is_due
from digest.gather.urls import canonical_url

__all__ = [
    "Client",
    "Found",
    "OpmlFile",
    "canonical_url",
    "discover",
    "gather",
    "is_due",
    "open_client",
    "read_opml",
    "starter_pack",
    "write_opml",
]
