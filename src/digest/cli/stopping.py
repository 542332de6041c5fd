"""Ctrl-C and SIGTERM while mail is sent: the first lets what is in flight end, the second cuts it."""

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stop_signals(tell: Callable[[], None]) -> Iterator[Callable[[], bool]]:
    """Says whether a signal came; `tell` is called for the first one. Signals are as before afterwards."""
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    if task is None or threading.current_thread() is not threading.main_thread():
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
        # What the loop listened to before is its own to set again.
        loop.add_signal_handler(signal.SIGTERM, task.cancel)
