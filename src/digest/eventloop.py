"""The event loop that commands run on: uvloop where there is one, asyncio's own elsewhere."""

import asyncio
import gc
import sys
import time
from collections.abc import Callable, Coroutine
from functools import cache
from typing import Any, TypeVar

_T = TypeVar("_T")
#: A turn of the loop that takes no longer had nothing to do, in seconds.
_IDLE = 0.00005
#: What is put off until the loop is idle waits no longer than that, in seconds.
_PATIENCE = 0.03
#: A thread that only calculates, as one that reads what was claimed, lets the loop wait no longer than that.
_TURN_SECONDS = 0.001
#: So many values are made between two searches of memory for rings.
_MADE_BETWEEN_LOOKS = 50_000


def run(main: Coroutine[Any, Any, _T]) -> _T:
    """What the coroutine gives, on a loop of its own; Ctrl-C cancels it, as with `asyncio.run`."""
    _look_seldom_for_rings()
    sys.setswitchinterval(_TURN_SECONDS)
    with asyncio.Runner(loop_factory=_factory()) as runner:
        return runner.run(main)


def when_idle(call: Callable[[], None], is_wanted: Callable[[], bool]) -> None:
    """Call it once the running loop found nothing else to do for a turn, or soon, if it is wanted until then.

    What is put off so costs hardly a wait, and is done with more of its kind at a time, which is faster.
    """
    latest = time.perf_counter() + _PATIENCE
    asyncio.get_running_loop().call_soon(_look, call, is_wanted, latest, 0.0)


# Not within `when_idle`: a function that names itself there is a ring, and keeps all that it knows.
def _look(call: Callable[[], None], is_wanted: Callable[[], bool], latest: float, since: float) -> None:
    """Call it if the loop has been round since without work, or it is late; else look again."""
    if not is_wanted():
        return
    now = time.perf_counter()
    if now - since > _IDLE and now < latest:
        asyncio.get_running_loop().call_soon(_look, call, is_wanted, latest, now)
    else:
        call()


@cache
def _look_seldom_for_rings() -> None:
    """Once: what is imported is never looked through again, and what is made seldom: it hardly has any."""
    gc.freeze()
    gc.set_threshold(_MADE_BETWEEN_LOOKS)


def _factory() -> Callable[[], asyncio.AbstractEventLoop]:
    try:
        from uvloop import new_event_loop
    except ImportError:  # Windows has none
        return asyncio.new_event_loop
    return new_event_loop
