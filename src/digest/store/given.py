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
    Connection,
    Select,
    Text,
    bindparam,
    cast,
    column,
    func,
    literal,
    literal_column,
    select,
)
from sqlalchemy.ext.asyncio import AsyncSession


def given_words(session: AsyncSession, words: Sequence[str]) -> Select[str]:
    """A query that gives these words, for `in_`."""
    return select(_values(session, words, Text()))


def given_ids(session: AsyncSession | Connection, ids: Sequence[int]) -> ColumnElement[int]:
    """A column of these whole numbers; its table comes with it."""
    return cast(_values(session, ids, Text()), BigInteger)


def given_rows(session: AsyncSession, rows: Sequence[Sequence[str]], width: int) -> list[ColumnElement[str]]:
    """The columns of rows of that many words; their table comes with them."""
    values = _values(session, rows, JSON())
    return [values[at].as_string() for at in range(width)]


def ids_given(parameter: str, name: str) -> ColumnElement[int]:
    """A column of whole numbers, bound later as a text of JSON, for a database of that name."""
    return cast(_each(_bound(parameter, name), name, Text()), BigInteger)


def row_given(parameter: str, name: str, *, width: int) -> list[ColumnElement[str]]:
    """The columns of rows that wide, bound later as a text of JSON, for a database of that name."""
    each = _each(_bound(parameter, name), name, JSON())
    if name != "sqlite":
        return [each[at].as_string() for at in range(width)]
    # In words, so that nothing but the text is bound.
    return [func.json_extract(each, literal_column(f"'$[{at}]'"), type_=Text()) for at in range(width)]


def _bound(parameter: str, name: str) -> ColumnElement[Any]:
    text = bindparam(parameter, type_=Text)
    return text if name == "sqlite" else cast(text, JSON)


def _values(session: AsyncSession | Connection, values: Sequence[Any], kind: Any) -> Any:
    bind = session if isinstance(session, Connection) else session.get_bind()
    return _each(literal(list(values), JSON()), bind.dialect.name, kind)


def _each(array: ColumnElement[Any], name: str, kind: Any) -> Any:
    each = func.json_array_elements_text if isinstance(kind, Text) else func.json_array_elements
    return (func.json_each if name == "sqlite" else each)(array).table_valued(column("value", kind)).c.value
