"""Values of the domain as plain ones that JSON can hold, and back."""

from typing import Any, TypeVar

from pydantic import TypeAdapter

_T = TypeVar("_T")
_MADE: dict[type[Any], TypeAdapter[Any]] = {}


def converter(kind: type[_T]) -> TypeAdapter[_T]:
    """What turns values of that type into plain ones and back; made once, and not before it is needed."""
    if kind not in _MADE:
        _MADE[kind] = TypeAdapter(kind)
    return _MADE[kind]
