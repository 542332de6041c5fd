"""Several things done at once, each result given as soon as it is there."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from typing import TypeVar

_Thing = TypeVar("_Thing")
_Result = TypeVar("_Result")


async def in_parallel(
    things: Iterable[_Thing], do: Callable[[_Thing], Awaitable[_Result]], *, count: int, at_once: int
) -> AsyncGenerator[_Result, None]:
    """What `do` gives for each of `count` things, in the order of finishing, `at_once` of them at a time."""
    waiting = iter(things)
    # Bounded, so that a slow caller slows the work instead of filling the memory.
    done: asyncio.Queue[_Result] = asyncio.Queue(maxsize=2 * at_once)

    async def work() -> None:
        for thing in waiting:
            await done.put(await do(thing))

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(work()) for _ in range(min(at_once, count))]
        try:
            for _ in range(count):
                yield await done.get()
        except GeneratorExit:
            # The caller stopped listening; a task group would report this as an error of its own.
            for task in tasks:
                task.cancel()
