"""The process that signs beside the one that sends, asked over standard input.

It answers over standard output. It is told its keys, and answers with nothing once it is ready; then it is
told messages, many at a time, and answers with what `Signer.sign` gives for them. Each is a pickle behind its
length. When standard input ends it ends. Only the process that started it is at the other end.
"""

import gc
import os
import pickle
import struct
import sys
from collections.abc import Sequence
from typing import Any, BinaryIO

from digest.deliver.dkim import Signer

LENGTH = struct.Struct(">Q")
#: Blocks of that many bytes are the same for many readers: they are said once, and then by their number.
_LONG = 2048
#: Of so many both sides know the numbers; then they begin anew.
_MOST_KNOWN = 256
_NICE = 10


class Shorthand:
    """Writes messages for the one at the other end, who has read all that was written before."""

    def __init__(self) -> None:
        """Nothing is known yet."""
        self._numbers: dict[bytes, int] = {}

    def write(self, messages: Sequence[Sequence[bytes]]) -> list[list[bytes | int]]:
        """The messages with a number for each block that is known."""
        return [[block if len(block) < _LONG else self._known(block) for block in one] for one in messages]

    def _known(self, block: bytes) -> bytes | int:
        number = self._numbers.get(block)
        if number is not None:
            return number
        if len(self._numbers) == _MOST_KNOWN:
            self._numbers.clear()
        self._numbers[block] = len(self._numbers)
        return block


class Longhand:
    """Reads what a `Shorthand` wrote, all of it and in its order."""

    def __init__(self) -> None:
        """Nothing is known yet."""
        self._blocks: list[bytes] = []

    def read(self, messages: Sequence[Sequence[bytes | int]]) -> list[list[bytes]]:
        """The messages as they were."""
        return [[self._block(one) for one in blocks] for blocks in messages]

    def _block(self, said: bytes | int) -> bytes:
        if isinstance(said, int):
            return self._blocks[said]
        if len(said) >= _LONG:
            if len(self._blocks) == _MOST_KNOWN:
                self._blocks.clear()
            self._blocks.append(said)
        return said


def main() -> None:
    """Sign until standard input ends."""
    # What it does in advance, whoever sends waits for least.
    os.nice(_NICE)
    questions, answers = sys.stdin.buffer, _answers()
    keyring = _next(questions)
    if keyring is None:
        return
    signer, longhand = Signer(keyring), Longhand()
    # Nothing that it makes holds a ring.
    gc.disable()
    _write(answers, None)
    while (messages := _next(questions)) is not None:
        _write(answers, signer.sign(longhand.read(messages)))


def _next(questions: BinaryIO) -> Any:
    """What is said next; None at the end, also in the middle of something."""
    head = questions.read(LENGTH.size)
    size = LENGTH.unpack(head)[0] if len(head) == LENGTH.size else 0
    said = questions.read(size)
    return pickle.loads(said) if size and len(said) == size else None  # noqa: S301  from our parent


def _answers() -> BinaryIO:
    """The real standard output; what libraries print goes where errors go."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return answers


def _write(answers: BinaryIO, answer: list[bytes | str] | None) -> None:
    said = pickle.dumps(answer, protocol=5)
    try:
        answers.write(LENGTH.pack(len(said)) + said)
        answers.flush()
    except ConnectionError:
        # The next question will not come either.
        return


if __name__ == "__main__":
    main()
