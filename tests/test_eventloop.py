"""What is put off until the loop has nothing else to do."""

import asyncio
import time
import weakref
from functools import partial

from digest.eventloop import when_idle


async def test_what_waits_for_an_idle_loop_comes_after_all_other_work() -> None:
    did: list[str] = []
    work = iter(range(5))

    def busy() -> None:
        if next(work, None) is not None:
            until = time.perf_counter() + 0.0005
            while time.perf_counter() < until:
                pass
            did.append("work")
            asyncio.get_running_loop().call_soon(busy)

    done = asyncio.Event()

    def idle() -> None:
        did.append("idle")
        done.set()

    busy()
    when_idle(idle, lambda: True)
    await done.wait()

    assert did == ["work"] * 5 + ["idle"]


async def test_a_loop_that_is_never_idle_does_not_put_it_off_for_ever() -> None:
    done = asyncio.Event()

    def busy() -> None:
        until = time.perf_counter() + 0.0005
        while time.perf_counter() < until:
            pass
        if not done.is_set():
            asyncio.get_running_loop().call_soon(busy)

    busy()
    when_idle(done.set, lambda: True)

    await asyncio.wait_for(done.wait(), 10)


async def test_what_nobody_wants_any_more_is_not_done() -> None:
    did: list[str] = []
    when_idle(lambda: did.append("done"), lambda: False)
    done = asyncio.Event()
    when_idle(done.set, lambda: True)
    await done.wait()

    assert did == []


async def test_what_it_asks_is_let_go_of_at_once() -> None:
    asked = asyncio.Event()
    there = weakref.ref(asked)
    done = asyncio.Event()
    when_idle(done.set, partial(lambda _asked: True, asked))
    del asked
    await done.wait()

    assert there() is None
