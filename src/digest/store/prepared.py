"""Statements put into words once: for SQLite the core takes longer over them than they take to run."""

import sqlite3
from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, CursorResult, Select, Update
from sqlalchemy.dialects import sqlite

from digest.store.moments import sqlite_moment

Statement = Select[*tuple[Any, ...]] | Update


class Prepared:
    """A statement of each database's own; what is bound are texts, numbers and moments, by name."""

    def __init__(self, write: Callable[[str], Statement]) -> None:
        """`write` gives the statement for a database of that name ("sqlite", "postgresql")."""
        self._write = cache(write)

    def run(self, connection: Connection, **bound: Any) -> CursorResult[Any] | sqlite3.Cursor:
        """Execute it in the connection's transaction; errors may be the driver's own."""
        name = connection.dialect.name
        if name != "sqlite":
            return connection.execute(self._write(name), bound)
        sql, names, fixed = _in_words(self._write(name))
        values = fixed | {key: _kept(value) for key, value in bound.items()}
        places = tuple([values[name] for name in names])
        driver = connection.connection.driver_connection
        # SQLAlchemy's way to the driver takes as long as a short statement does.
        if isinstance(driver, sqlite3.Connection):
            return driver.execute(sql, places)
        return connection.exec_driver_sql(sql, places)


@cache
def _in_words(statement: Statement) -> tuple[str, tuple[str, ...], dict[str, Any]]:
    """The statement's text, the names of its places in order, and the values that never change."""
    compiled = statement.compile(dialect=sqlite.dialect())
    return str(compiled), tuple(compiled.positiontup or ()), dict(compiled.params)


def _kept(value: Any) -> Any:
    """The value as SQLite keeps it."""
    return sqlite_moment(value) if isinstance(value, datetime) else value
