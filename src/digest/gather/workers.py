"""A few worker processes for what may hang: one that takes too long is killed, the rest goes on."""

import asyncio
import contextlib
import os
import pickle
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from digest.errors import ParseError
from digest.gather.worker import LENGTH, PATIENCE

_MOST = 4
_START_SECONDS = 60
_TOO_LONG = "it takes longer than {:g} seconds to read"
_TOO_MUCH = "reading it took too much and was given up"
#: An answer of a thousand articles comes in few pieces.
_PIPE_BYTES = 1_000_000
_GIVEN_UP = (OSError, asyncio.IncompleteReadError, EOFError, pickle.UnpicklingError)


class Workers:
    """Processes started when they are first needed; made by `open_workers`."""

    def __init__(self, size: int) -> None:
        """At most `size` processes at the same time."""
        self._free: list[asyncio.subprocess.Process] = []
        self._every: set[asyncio.subprocess.Process] = set()
        self._places = asyncio.Semaphore(size)

    async def run(self, task: str, *arguments: object, seconds: float) -> object:
        """What the task gives; ParseError when it takes longer than `seconds`, dies or says so itself.

        The seconds are the processor's; by the clock it may take five times as long, because a busy machine
        is not the source's fault. Waiting for a free worker is not counted.
        """
        question = pickle.dumps((seconds, task, arguments), protocol=5)
        async with self._places:
            worker = self._free.pop() if self._free else await self._started()
            try:
                async with asyncio.timeout(seconds * PATIENCE):
                    is_well, result, is_last = await _ask(worker, question)
            except TimeoutError as exc:
                await self._end(worker)
                raise ParseError(_TOO_LONG.format(seconds)) from exc
            except _GIVEN_UP as exc:
                await self._end(worker)
                is_long = worker.returncode == -signal.SIGPROF
                raise ParseError(_TOO_LONG.format(seconds) if is_long else _TOO_MUCH) from exc
            except BaseException:
                await self._end(worker)
                raise
            if is_last:
                await self._end(worker)
            else:
                self._free.append(worker)
        if not is_well and isinstance(result, Exception):
            raise result
        return result

    async def _started(self) -> asyncio.subprocess.Process:
        worker = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            "digest.gather.worker",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            limit=_PIPE_BYTES,
        )
        self._every.add(worker)
        try:
            async with asyncio.timeout(_START_SECONDS):
                await _answer(worker)
        except (TimeoutError, *_GIVEN_UP) as exc:
            await self._end(worker)
            raise ParseError("no process could be started to read it") from exc
        return worker

    async def _end(self, worker: asyncio.subprocess.Process) -> None:
        with contextlib.suppress(ProcessLookupError):
            worker.kill()
        if worker.stdin:
            worker.stdin.close()
        await worker.wait()
        self._every.discard(worker)

    async def close(self) -> None:
        """End every process."""
        self._free.clear()
        for worker in list(self._every):
            await self._end(worker)


async def _ask(worker: asyncio.subprocess.Process, question: bytes) -> tuple[bool, object, bool]:
    if worker.stdin is None:
        raise EOFError
    worker.stdin.writelines((LENGTH.pack(len(question)), question))
    await worker.stdin.drain()
    answer = await _answer(worker)
    is_well, result, is_last = pickle.loads(answer)  # noqa: S301  from a process of ours, over a pipe of ours
    return is_well, result, is_last


async def _answer(worker: asyncio.subprocess.Process) -> bytes:
    if worker.stdout is None:
        raise EOFError
    head = await worker.stdout.readexactly(LENGTH.size)
    return await worker.stdout.readexactly(LENGTH.unpack(head)[0])


@asynccontextmanager
async def open_workers() -> AsyncIterator[Workers]:
    """As many workers as there are processors, at most four; ended at the end of the block."""
    workers = Workers(min(os.cpu_count() or 1, _MOST))
    try:
        yield workers
    finally:
        await workers.close()
