"""The process that sends an issue beside the one that started it, until nothing is due or that one is gone.

It is told (settings, id of the issue) over standard input and tells its outcomes, or what went wrong, over
standard output, each a pickle behind its length. When standard input ends it stops: what is in flight ends,
claims go back.
"""

import asyncio
import os
import pickle
import signal
import sys
import threading
from typing import BinaryIO

from digest import eventloop
from digest.config import Settings
from digest.domain import Outcome
from digest.errors import DigestError
from digest.house import open_house
from digest.log import Log
from digest.publish.crew import LENGTH

_TELL_SECONDS = 0.2


def main() -> None:
    """Do as told; nothing when whoever started this is gone already."""
    is_over = threading.Event()
    # Who stops a service tells each of its processes: what is in flight is to end here too.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: is_over.set())
    orders, answers = sys.stdin.buffer, _answers()
    if (order := _order(orders)) is None:
        return
    threading.Thread(target=_wait_for_end, args=(orders.fileno(), is_over), daemon=True).start()
    try:
        eventloop.run(_send(*order, answers, is_over))
    except DigestError as exc:
        _tell(exc.what, answers)
        sys.exit(1)


def _order(orders: BinaryIO) -> tuple[Settings, int] | None:
    """Settings and issue; None when standard input ended before all of it was said."""
    head = orders.read(LENGTH.size)
    size = LENGTH.unpack(head)[0] if len(head) == LENGTH.size else 0
    said = orders.read(size)
    if not size or len(said) < size:
        return None
    order: tuple[Settings, int] = pickle.loads(said)  # noqa: S301  from our parent
    return order


def _answers() -> BinaryIO:
    """Standard output, which from now on leads elsewhere for all else."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return answers


def _wait_for_end(orders: int, is_over: threading.Event) -> None:
    # Not the buffered file: its lock would be held when the process ends first, which Python ends by SIGABRT.
    while os.read(orders, 4096):
        pass
    is_over.set()


async def _send(settings: Settings, issue_id: int, answers: BinaryIO, is_over: threading.Event) -> None:
    # Only a process that sends needs all that sending imports.
    from digest.publish.release import continue_sending

    log = Log(sys.stderr)
    log.quiet = True
    outcomes: list[Outcome] = []
    async with open_house(settings, log=log) as house:
        telling = asyncio.create_task(_tell_now_and_then(outcomes, answers))
        try:
            await continue_sending(house, issue_id, watch=outcomes.append, should_stop=is_over.is_set)
        finally:
            telling.cancel()
            _tell_new(outcomes, answers)


async def _tell_now_and_then(outcomes: list[Outcome], answers: BinaryIO) -> None:
    while True:
        await asyncio.sleep(_TELL_SECONDS)
        _tell_new(outcomes, answers)


def _tell_new(outcomes: list[Outcome], answers: BinaryIO) -> None:
    """Tell what there is, also nothing: so it is known that this process is at it."""
    told, outcomes[:] = outcomes[:], []
    _tell(told, answers)


def _tell(told: list[Outcome] | str, answers: BinaryIO) -> None:
    """Tell outcomes, or what went wrong; nobody may listen any more."""
    data = pickle.dumps(told, protocol=5)
    try:
        answers.write(LENGTH.pack(len(data)) + data)
        answers.flush()
    except BrokenPipeError:
        return


if __name__ == "__main__":
    main()
