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
#: Questions that a worker has at the same time: one that it reads, and the next.
_AT_ONCE = 2
_TOO_LONG = "it takes longer than {:g} seconds to read"
_TOO_MUCH = "reading it took too much and was given up"
#: An answer of a thousand articles comes in few pieces.
_PIPE_BYTES = 1_000_000
_GIVEN_UP = (OSError, asyncio.IncompleteReadError, EOFError, pickle.UnpicklingError)


class _Worker:
    """One process, and who waits for its answers: they come in the order of the questions."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        #: Whose answer is next.
        self.turn = asyncio.Lock()
        self.waiting = 0
        self.asked = 0
        self.is_started = self.is_over = False

    def ask(self, question: bytes) -> int:
        """Put a question behind the others; its number, which is its answer's."""
        if self.process.stdin is None or self.process.stdin.is_closing():
            raise EOFError
        self.process.stdin.writelines((LENGTH.pack(len(question)), question))
        self.asked += 1
        return self.asked

    async def answer(self) -> bytes:
        """What it says next; EOFError or IncompleteReadError when it ended."""
        if self.process.stdout is None:
            raise EOFError
        head = await self.process.stdout.readexactly(LENGTH.size)
        return await self.process.stdout.readexactly(LENGTH.unpack(head)[0])

    async def answer_to(self, number: int) -> tuple[bool, object, bool]:
        """The answer with that number; those before belong to who was cancelled."""
        while True:
            answered, is_well, result, is_last = pickle.loads(await self.answer())  # noqa: S301  from a process of ours, over a pipe of ours
            if answered == number:
                return is_well, result, is_last


class Workers:
    """Processes started when they are first needed; made by `open_workers`."""

    def __init__(self, size: int) -> None:
        """At most `size` processes at the same time."""
        self._size = size
        self._every: list[_Worker] = []
        self._starting = asyncio.Lock()
        # Each has its next question when it is done with one, so that it never waits for a busy parent.
        self._places = asyncio.Semaphore(_AT_ONCE * size)

    async def run(self, task: str, *arguments: object, seconds: float) -> object:
        """What the task gives; ParseError when it takes longer than `seconds`, dies or says so itself.

        The seconds are the processor's; by the clock it may take five times as long, because a busy machine
        is not the source's fault. Waiting for a worker is not counted.
        """
        async with self._places:
            question, answer = pickle.dumps((seconds, task, arguments), protocol=5), None
            while answer is None:
                answer = await self._asked(await self._worker(), question, seconds)
        is_well, result = answer
        if not is_well and isinstance(result, Exception):
            raise result
        return result

    async def _worker(self) -> _Worker:
        """The one that fewest wait for, or a new one."""
        async with self._starting:
            least = min(self._every, key=lambda worker: worker.waiting, default=None)
            if least is None or (least.waiting and len(self._every) < self._size):
                least = await self._new()
            # Before anybody else looks.
            least.waiting += 1
            return least

    async def _asked(self, worker: _Worker, question: bytes, seconds: float) -> tuple[bool, object] | None:
        """Is it well, and the result; None when the worker ended with an earlier question."""
        try:
            number = worker.ask(question)
            async with worker.turn:
                await self._require_start(worker)
                return None if worker.is_over else await self._answered(worker, number, seconds)
        except EOFError:
            await self._end(worker)
            return None
        finally:
            worker.waiting -= 1

    async def _answered(self, worker: _Worker, number: int, seconds: float) -> tuple[bool, object]:
        try:
            async with asyncio.timeout(seconds * PATIENCE):
                is_well, result, is_last = await worker.answer_to(number)
        except TimeoutError as exc:
            await self._end(worker)
            raise ParseError(_TOO_LONG.format(seconds)) from exc
        except _GIVEN_UP as exc:
            await self._end(worker)
            is_long = worker.process.returncode == -signal.SIGPROF
            raise ParseError(_TOO_LONG.format(seconds) if is_long else _TOO_MUCH) from exc
        except BaseException:
            await self._end(worker)
            raise
        if is_last:
            await self._end(worker)
        return is_well, result

    async def _new(self) -> _Worker:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            "digest.gather.worker",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            limit=_PIPE_BYTES,
        )
        self._every.append(_Worker(process))
        return self._every[-1]

    async def _require_start(self, worker: _Worker) -> None:
        """Wait for the empty answer that says that it runs."""
        if worker.is_started or worker.is_over:
            return
        try:
            async with asyncio.timeout(_START_SECONDS):
                await worker.answer()
        except (TimeoutError, *_GIVEN_UP) as exc:
            await self._end(worker)
            raise ParseError("no process could be started to read it") from exc
        except BaseException:
            await self._end(worker)
            raise
        worker.is_started = True

    async def _end(self, worker: _Worker) -> None:
        worker.is_over = True
        if worker in self._every:
            self._every.remove(worker)
        with contextlib.suppress(ProcessLookupError):
            worker.process.kill()
        if worker.process.stdin:
            worker.process.stdin.close()
        await worker.process.wait()

    async def close(self) -> None:
        """End every process."""
        for worker in list(self._every):
            await self._end(worker)


@asynccontextmanager
async def open_workers() -> AsyncIterator[Workers]:
    """As many workers as there are processors, at most four; ended at the end of the block."""
    workers = Workers(min(os.cpu_count() or 1, _MOST))
    try:
        yield workers
    finally:
        await workers.close()
