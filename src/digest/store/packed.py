"""A query's columns as one text of JSON each, on SQLite: its driver lets go of Python's lock for each row.

Whoever has much to do beside it would take the lock each time, and the reader wait for it at each row.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, cached_property
from typing import Any

from sqlalchemy import Connection, Select, func, select

from digest.store.moments import UTCDateTime, read_moment
from digest.store.prepared import Prepared

#: Each with its texts, numbers and moments.
Rows = Iterable[Sequence[Any]]


class Packed:
    """Rows that are taken apart when somebody goes through them: that may be when the transaction is over."""

    def __init__(self, columns: Sequence[str], moments: Sequence[int]) -> None:
        """Each of `columns` is an array of JSON; `moments` are the places of those that hold moments."""
        self.columns = columns
        self._moments = moments

    def __iter__(self) -> Iterator[Sequence[Any]]:
        columns = [json.loads(text) for text in self.columns]
        read = _Moments()
        for at in self._moments:
            columns[at] = [read[text] for text in columns[at]]
        return zip(*columns, strict=True)


class _Moments(dict[str | None, Any]):
    """Moments by their texts: a few are in most of the rows."""

    def __missing__(self, text: str | None) -> Any:
        self[text] = moment = read_moment(text)
        return moment


class Query:
    """A query of texts, numbers and moments, put into words once (see `prepared`)."""

    def __init__(self, write: Callable[[str], Select[*tuple[Any, ...]]]) -> None:
        """`write` gives the query for a database of that name ("sqlite", "postgresql")."""
        self._write = cache(write)
        self._prepared = Prepared(self._query)

    def rows(self, connection: Connection, **bound: Any) -> Rows:
        """All rows, in the query's order; what is bound are texts, numbers and moments, by name."""
        if connection.dialect.name == "sqlite":
            return self.packed(connection, **bound)
        return self._prepared.run(connection, **bound).fetchall()

    def packed(self, connection: Connection, **bound: Any) -> Packed:
        """The same, of SQLite."""
        (columns,) = self._prepared.run(connection, **bound).fetchall()
        return Packed(columns, self._moments)

    def _query(self, name: str) -> Select[*tuple[Any, ...]]:
        query = self._write(name)
        if name != "sqlite":
            return query
        columns = query.subquery().c
        return select(*(func.json_group_array(column) for column in columns))

    @cached_property
    def _moments(self) -> tuple[int, ...]:
        columns = self._write("sqlite").selected_columns
        return tuple(at for at, column in enumerate(columns) if isinstance(column.type, UTCDateTime))
