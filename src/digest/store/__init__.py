"""The only room with SQL. Functions take a session first and give domain values; the caller commits.

async with store.begin() as session:
    issue = await issues.by_number(session, "week-in-ai", 12)
"""

from digest.store import (
    articles,
    audit,
    deliveries,
    hints,
    issues,
    leases,
    notices,
    pace,
    schema,
    sources,
    subscribers,
)
from digest.store.engine import Session, Store
from digest.store.writer import Writer

__all__ = [
    "Session",
    "Store",
    "Writer",
    "articles",
    "audit",
    "deliveries",
    "hints",
    "issues",
    "leases",
    "notices",
    "pace",
    "schema",
    "sources",
    "subscribers",
]
