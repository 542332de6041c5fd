"""Python's collector of cycles, held while many values are made at once."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_collecting() -> Iterator[None]:
    """Nothing; meanwhile no cycles are looked for, and afterwards as before.

    Making so many values that stay, Python would look through all of them again and again; composing makes no
    cycles, so there is nothing to find. Whoever found the collector on turns it on again, in every thread.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
