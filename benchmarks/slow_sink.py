"""A mail server that takes everything and answers one round trip later, for `benchmarks/send.py`."""

import argparse
import asyncio

_EHLO = b"250-slow.example\r\n250-PIPELINING\r\n250-SIZE 100000000\r\n250 8BITMIME\r\n"
_REPLIES = {b"EHLO": _EHLO, b"DATA": b"354 go on\r\n", b"QUIT": b"221 bye\r\n"}
_END = b"\r\n.\r\n"


class Talk(asyncio.Protocol):
    """One connection; each reply leaves `seconds` after what it answers came."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._is_data = False
        self._buffer = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._say(b"220 slow.example ESMTP\r\n")

    def _say(self, reply: bytes) -> None:
        asyncio.get_running_loop().call_later(self._seconds, self._transport.write, reply)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        replies = []
        while self._buffer:
            mark = _END if self._is_data else b"\r\n"
            # A body comes in large pieces; only the end of each can hold the mark.
            at = self._buffer.find(mark, max(0, len(self._buffer) - len(data) - len(mark)))
            if at < 0:
                break
            line = bytes(self._buffer[:4]).upper()
            del self._buffer[: at + len(mark)]
            if self._is_data:
                self._is_data = False
                replies.append(b"250 2.0.0 taken\r\n")
            else:
                self._is_data = line == b"DATA"
                replies.append(_REPLIES.get(line, b"250 ok\r\n"))
        if replies:
            self._say(b"".join(replies))


async def serve(port: int, seconds: float) -> None:
    """Take mail until killed."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Talk(seconds), "127.0.0.1", port, backlog=500)
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("milliseconds", type=float)
    options = parser.parse_args()
    asyncio.run(serve(options.port, options.milliseconds / 1000))


if __name__ == "__main__":
    main()
