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
    return select(_each(_array(words), _name(session), Text()))


def given_ids(session: AsyncSession, ids: Sequence[int]) -> ColumnElement[int]:
    """A column of these whole numbers; its table comes with it."""
    return _ids(_array(ids), _name(session))


def given_rows(session: AsyncSession, rows: Sequence[Sequence[str]], width: int) -> list[ColumnElement[str]]:
    """The columns of rows of that many words; their table comes with them."""
    return _fields(_array(rows), _name(session), width)


def bound_ids(parameter: str, name: str) -> ColumnElement[int]:
    """What `given_ids` gives of a text of JSON that is bound later, for a database of that name."""
    return _ids(_bound(parameter, name), name)


def bound_rows(parameter: str, name: str, width: int) -> list[ColumnElement[str]]:
    """What `given_rows` gives of a text of JSON that is bound later, for a database of that name."""
    return _fields(_bound(parameter, name), name, width)


def _array(values: Sequence[Any]) -> ColumnElement[Any]:
    return literal(list(values), JSON())


def _bound(parameter: str, name: str) -> ColumnElement[Any]:
    text = bindparam(parameter, type_=Text)
    return text if name == "sqlite" else cast(text, JSON)


def _name(session: AsyncSession) -> str:
    return session.get_bind().dialect.name


def _ids(array: ColumnElement[Any], name: str) -> ColumnElement[int]:
    return cast(_each(array, name, Text()), BigInteger)


def _fields(array: ColumnElement[Any], name: str, width: int) -> list[ColumnElement[str]]:
    each = _each(array, name, JSON())
    if name != "sqlite":
        return [each[at].as_string() for at in range(width)]
    # The places in words, so that nothing but the array is bound.
    return [func.json_extract(each, literal_column(f"'$[{at}]'"), type_=Text()) for at in range(width)]


def _each(array: ColumnElement[Any], name: str, kind: Any) -> Any:
    each = func.json_array_elements_text if isinstance(kind, Text) else func.json_array_elements
    return (func.json_each if name == "sqlite" else each)(array).table_valued(column("value", kind)).c.value
