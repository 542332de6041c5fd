"""A process that signs beside this one, as this one sees it: asked and answered over a pair of sockets."""

import asyncio
import pickle
import signal
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Sequence
from typing import Generic, TypeVar

from digest.deliver.keys import Keyring
from digest.deliver.signer import LENGTH, Shorthand

T = TypeVar("T")

#: It signs what it is asked in 20 ms at worst; one that is silent for so long hangs.
_SILENCE_SECONDS = 30.0
#: It closes what leads to us just before it is gone.
_END_SECONDS = 1.0
_PIPE_BYTES = 1_000_000


class Beside(Generic[T]):
    """The process, and what it was asked, as whoever asks names it: it answers in that order."""

    @classmethod
    def start(cls) -> "Beside[T]":
        """A new one; OSError when the system gives none."""
        return cls(*_started())

    def __init__(self, process: "subprocess.Popen[bytes]", ours: socket.socket) -> None:
        """`ours` leads to its standard input and output."""
        self.asked: deque[T] = deque()
        self._is_given_up = False
        self._process = process
        self._socket = ours
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._shorthand = Shorthand()
        self._timers: deque[asyncio.TimerHandle] = deque()

    async def open(self, keyring: Keyring) -> None:
        """Tell it its keys, and wait until it is ready; an error when it ends before."""
        self._reader, self._writer = await asyncio.open_connection(sock=self._socket, limit=_PIPE_BYTES)
        self._tell(keyring)
        await self._heard()

    def ask(self, name: T, messages: Sequence[Sequence[bytes]]) -> None:
        """Have the messages signed."""
        self.asked.append(name)
        self._tell(self._shorthand.write(messages))

    async def answer(self) -> list[bytes | str]:
        """What it says to the first of what it was asked, which stays there; an error when it has ended."""
        said: list[bytes | str] = pickle.loads(await self._heard())  # noqa: S301  from a process of ours
        return said

    def _tell(self, said: object) -> None:
        """Say what is owed an answer within some seconds."""
        self._timers.append(asyncio.get_running_loop().call_later(_SILENCE_SECONDS, self._give_up))
        data = pickle.dumps(said, protocol=5)
        if self._writer is not None:
            self._writer.writelines((LENGTH.pack(len(data)), data))

    async def _heard(self) -> bytes:
        if self._reader is None:
            raise EOFError
        head = await self._reader.readexactly(LENGTH.size)
        said = await self._reader.readexactly(LENGTH.unpack(head)[0])
        self._timers.popleft().cancel()
        return said

    def _give_up(self) -> None:
        self._is_given_up = True
        self._process.kill()

    async def ending(self) -> str:
        """How it ended, in words, once it says no more."""
        try:
            code = await asyncio.to_thread(self._process.wait, _END_SECONDS)
        except subprocess.TimeoutExpired:
            return "it stopped answering"
        if self._is_given_up:
            return "it hung"
        return f"it was killed by {signal.Signals(-code).name}" if code < 0 else f"it ended with code {code}"

    def end(self) -> None:
        """End it at once: it holds nothing that anybody else has not."""
        for timer in self._timers:
            timer.cancel()
        self._process.kill()
        self._process.wait()
        if self._writer is not None:
            self._writer.transport.abort()
        else:
            self._socket.close()


def _started() -> "tuple[subprocess.Popen[bytes], socket.socket]":
    """The process, and what leads to it; OSError when the system gives none."""
    command = (sys.executable, "-P", "-m", "digest.deliver.signer")
    ours, theirs = socket.socketpair()
    end = theirs.fileno()
    # Who stops a service or a command tells all of its processes. This one's end is ours: it keeps what is
    # held back here, from its first moment on.
    held = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        # Not in a session of its own: the system would share the cores between sessions.
        process = subprocess.Popen(command, stdin=end, stdout=end, process_group=0)  # noqa: S603 - our own
    except OSError:
        ours.close()
        raise
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, held)
        theirs.close()
    return process, ours
