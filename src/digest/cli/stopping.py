"""Ctrl-C and SIGTERM: a command is cut off, and undone where it was not finished; sending is stopped first.

While mail is sent the first signal lets what is in flight end, and the second cuts it.
"""

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def cut_by_sigterm() -> None:
    """From now on SIGTERM does to this task what Ctrl-C does; only the main thread hears signals."""
    if (task := _hearing()) is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)


def _hearing() -> asyncio.Task[Any] | None:
    """The task that signals may reach; None beside the main thread."""
    is_main = threading.current_thread() is threading.main_thread()
    return asyncio.current_task() if is_main else None


@contextmanager
def stop_signals(tell: Callable[[], None]) -> Iterator[Callable[[], bool]]:
    """Says whether a signal came; `tell` is called for the first one. Afterwards SIGTERM cuts again."""
    task, loop = _hearing(), asyncio.get_running_loop()
    if task is None:
        yield lambda: False
        return
    has_come = False

    def hear() -> None:
        nonlocal has_come
        if has_come:
            task.cancel()
        else:
            has_come = True
            tell()

    before = {number: signal.getsignal(number) for number in _SIGNALS}
    for number in _SIGNALS:
        loop.add_signal_handler(number, hear)
    try:
        yield lambda: has_come
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)
            signal.signal(number, before[number])
        cut_by_sigterm()
