"""What a caller gives, as a table of a statement: thousands of values go over as one text of JSON.

Both databases take it apart themselves. So no value costs work of its own, there is no limit on how many a
statement may have, and on SQLite Python's lock is free meanwhile.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    ColumnElement,
    Select,
    Text,
    cast,
    column,
    func,
    literal,
    select,
)
from sqlalchemy.ext.asyncio import AsyncSession


def given_words(session: AsyncSession, words: Sequence[str]) -> Select[str]:
    """A query that gives these words, for `in_`."""
    return select(_values(session, words, Text()))


def given_ids(session: AsyncSession, ids: Sequence[int]) -> ColumnElement[int]:
    """A column of these whole numbers; its table comes with it."""
    return cast(_values(session, ids, Text()), BigInteger)


def given_rows(session: AsyncSession, rows: Sequence[Sequence[str]], width: int) -> list[ColumnElement[str]]:
    """The columns of rows of that many words; their table comes with them."""
    values = _values(session, rows, JSON())
    return [values[at].as_string() for at in range(width)]


def _values(session: AsyncSession, values: Sequence[Any], kind: Any) -> Any:
    each = func.json_array_elements_text if isinstance(kind, Text) else func.json_array_elements
    if session.get_bind().dialect.name == "sqlite":
        each = func.json_each
    return each(literal(list(values), JSON())).table_valued(column("value", kind)).c.value
