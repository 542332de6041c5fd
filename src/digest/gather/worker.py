"""The process that reads what may hang: asked over standard input, it answers over standard output.

Each question is (seconds, task, arguments), each answer (the question's number from 1 on, is it well, result
or error, is it the last), as a pickle behind its length. A question may come before the last answer went.
Only the process that started it is at the other end.
"""

import gc
import math
import os
import pickle
import signal
import struct
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO

from digest.errors import DigestError, ParseError

LENGTH = struct.Struct(">Q")
#: An answer may take so many times longer than the processor time that it is allowed.
PATIENCE = 5
#: A worker larger than this ends after its answer, and a new one takes its place.
_LARGE_KB = 350_000
_MAX_ADDRESS_SPACE = 2_000_000_000
#: What can be asked for, by name; a module is loaded when it is first needed.
_TASKS = {
    "read": ("digest.gather.reading", "read_body"),
    "text": ("digest.gather.extract", "read_page"),
}


def main() -> None:
    """Answer until standard input ends."""
    questions, answers = _streams()
    _bound()
    # The parent's clock for an answer runs from here, not from the start of Python.
    _write(answers, b"")
    number = 0
    while head := questions.read(LENGTH.size):
        number += 1
        seconds, task, arguments = pickle.loads(questions.read(LENGTH.unpack(head)[0]))  # noqa: S301  from our parent
        # What hangs is known by the processor time it takes: on a busy machine everything takes long.
        signal.setitimer(signal.ITIMER_PROF, seconds)
        # The alarm ends the process by itself when the parent is gone and cannot.
        signal.alarm(math.ceil(seconds * PATIENCE) + 2)
        is_well, result = _done(_task(task), arguments)
        signal.alarm(0)
        signal.setitimer(signal.ITIMER_PROF, 0)
        is_last = _size_kb() > _LARGE_KB
        answer = pickle.dumps((number, is_well, result, is_last), protocol=5)
        _write(answers, answer)
        if is_last:
            return


def _write(answers: BinaryIO, answer: bytes) -> None:
    answers.write(LENGTH.pack(len(answer)) + answer)
    answers.flush()


def _streams() -> tuple[BinaryIO, BinaryIO]:
    """Standard input, and the real standard output; what libraries print goes where errors go."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return os.fdopen(0, "rb"), answers


def _bound() -> None:
    """Ctrl-C is the parent's to answer; memory is bounded where the system can."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # What is read is given away at once and holds no rings; looking for them takes a tenth of the time.
    gc.set_threshold(100_000, 20, 20)
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (_MAX_ADDRESS_SPACE, _MAX_ADDRESS_SPACE))


def _size_kb() -> int:
    """The memory that this process has now, 0 where the system does not tell.

    Its peak would not do: Linux counts what the parent had when it made this process.
    """
    try:
        pages = int(Path("/proc/self/statm").read_bytes().split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * 4


def _task(name: str) -> Callable[..., object]:
    module, function = _TASKS[name]
    task: Callable[..., object] = getattr(import_module(module), function)
    return task


def _done(task: Callable[..., object], arguments: tuple[Any, ...]) -> tuple[bool, object]:
    try:
        return True, task(*arguments)
    except DigestError as exc:
        return False, exc
    except Exception as exc:
        return False, ParseError(f"reading failed in an unforeseen way ({type(exc).__name__})")


if __name__ == "__main__":
    main()
