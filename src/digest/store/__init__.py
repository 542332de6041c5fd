"""The only room with SQL. Functions take a session first and give domain values; the caller commits.

async with store.begin() as session:
    issue = await issues.by_number(session, "week-in-ai", 12)
"""

from digest.store import (
    articles,
    audience,
    audit,
    bounces,
    checks,
    cutting,
    decisions,
    deliveries,
    edits,
    hints,
    intake,
    issues,
    items,
    leases,
    listings,
    notices,
    pace,
    page_checks,
    quiet,
    renderings,
    returns,
    revisions,
    schema,
    sources,
    subscribers,
    suggestions,
)
from digest.store.engine import Session, Store
from digest.store.writer import Writer

__all__ = [
    "Session",
    "Store",
    "Writer",
    "articles",
    "audience",
    "audit",
    "bounces",
    "checks",
    "cutting",
    "decisions",
    "deliveries",
    "edits",
    "hints",
    "intake",
    "issues",
    "items",
    "leases",
    "listings",
    "notices",
    "pace",
    "page_checks",
    "quiet",
    "renderings",
    "returns",
    "revisions",
    "schema",
    "sources",
    "subscribers",
    "suggestions",
]
