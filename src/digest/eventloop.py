"""The event loop that commands run on: uvloop where there is one, asyncio's own elsewhere."""

import asyncio
import gc
from collections.abc import Callable, Coroutine
from functools import cache
from typing import Any, TypeVar

_T = TypeVar("_T")


def run(main: Coroutine[Any, Any, _T]) -> _T:
    """What the coroutine gives, on a loop of its own; Ctrl-C cancels it, as with `asyncio.run`."""
    _keep_what_is_imported()
    with asyncio.Runner(loop_factory=_factory()) as runner:
        return runner.run(main)


@cache
def _keep_what_is_imported() -> None:
    """Once: looking through it for garbage again and again costs what it never saves."""
    gc.freeze()


def _factory() -> Callable[[], asyncio.AbstractEventLoop]:
    try:
        from uvloop import new_event_loop
    except ImportError:  # Windows has none
        return asyncio.new_event_loop
    return new_event_loop
