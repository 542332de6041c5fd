"""The process that sends an issue beside the one that started it, until nothing is due or that one is gone.

It is told (settings, id of the issue) over standard input and tells its outcomes over standard output, each a
pickle behind its length. When standard input ends it stops: what is in flight ends, claims go back.
"""

import asyncio
import os
import pickle
import signal
import struct
import sys
import threading
from typing import BinaryIO

from digest import eventloop
from digest.config import Settings
from digest.domain import Outcome
from digest.errors import DigestError
from digest.house import open_house
from digest.log import Log

LENGTH = struct.Struct(">Q")
_TELL_SECONDS = 0.2


def main() -> None:
    """Do as told."""
    # Ctrl-C reaches every process of a terminal; ours ends when the one that started it says so.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    orders, answers = sys.stdin.buffer, _answers()
    settings, issue_id = pickle.loads(orders.read(LENGTH.unpack(orders.read(LENGTH.size))[0]))  # noqa: S301  from our parent
    is_over = threading.Event()
    threading.Thread(target=_wait_for_end, args=(orders, is_over), daemon=True).start()
    try:
        eventloop.run(_send(settings, issue_id, answers, is_over))
    except DigestError as exc:
        Log(sys.stderr).warning("deliver.mate_failed", why=exc.what)
        sys.exit(1)


def _answers() -> BinaryIO:
    """Standard output, which from now on leads elsewhere for all else."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return answers


def _wait_for_end(orders: BinaryIO, is_over: threading.Event) -> None:
    orders.read()
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
            _tell(outcomes, answers)


async def _tell_now_and_then(outcomes: list[Outcome], answers: BinaryIO) -> None:
    while True:
        await asyncio.sleep(_TELL_SECONDS)
        _tell(outcomes, answers)


def _tell(outcomes: list[Outcome], answers: BinaryIO) -> None:
    """Tell what there is; nobody may listen any more."""
    told, outcomes[:] = outcomes[:], []
    data = pickle.dumps(told, protocol=5)
    try:
        answers.write(LENGTH.pack(len(data)) + data)
        answers.flush()
    except BrokenPipeError:
        return


if __name__ == "__main__":
    main()
