"""A query's rows as one text of JSON, on SQLite: its driver lets go of Python's lock for each row it reads.

Whoever has much to do beside it would take the lock each time, and the reader wait for it at each row.
"""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Select, func, select

from digest.store.moments import UTCDateTime, read_moment

Rows = Sequence[Sequence[Any]]


def fetch(connection: Connection, query: Select[*tuple[Any, ...]]) -> Rows:
    """All rows, in the query's order, of texts, numbers and moments."""
    if connection.dialect.name != "sqlite":
        return connection.execute(query).all()
    rows = query.subquery()
    text = connection.scalar(select(func.json_group_array(func.json_array(*rows.c))))
    moments = [at for at, column in enumerate(rows.c) if isinstance(column.type, UTCDateTime)]
    return [_with_moments(row, moments) for row in json.loads(text or "[]")]


def _with_moments(row: list[Any], moments: list[int]) -> list[Any]:
    for at in moments:
        row[at] = read_moment(row[at])
    return row
