"""One line an event: `event key=value` on a terminal, JSON otherwise. Ids, never addresses or tokens."""

import json
import sys
from datetime import UTC, datetime
from typing import TextIO

Value = str | int | float | bool | None


class Log:
    """Writes events to a stream; `quiet` drops everything but warnings and errors."""

    def __init__(self, stream: TextIO | None = None, *, as_json: bool | None = None) -> None:
        """`stream` defaults to standard error; JSON is the default when it is no terminal."""
        self._stream = stream or sys.stderr
        self._json = not self._stream.isatty() if as_json is None else as_json
        self.quiet = False

    def event(self, name: str, **facts: Value) -> None:
        """Write one line for something that happened as it should."""
        if not self.quiet:
            self._write("info", name, facts)

    def warning(self, name: str, **facts: Value) -> None:
        """Write one line for something that a person should look at."""
        self._write("warning", name, facts)

    def _write(self, level: str, name: str, facts: dict[str, Value]) -> None:
        now = datetime.now(UTC)
        if self._json:
            head: dict[str, Value] = {"time": now.isoformat(timespec="milliseconds")}
            line = json.dumps(head | {"level": level, "event": name} | facts, ensure_ascii=False)
        else:
            pairs = " ".join(f"{key}={_plain(value)}" for key, value in facts.items())
            mark = "" if level == "info" else f"{level}: "
            line = f"{now.astimezone():%H:%M:%S} {mark}{name} {pairs}".rstrip()
        print(line, file=self._stream, flush=True)


def _plain(value: Value) -> str:
    """The value on one line, quoted when it holds a space."""
    text = "".join(char if char.isprintable() else " " for char in str(value))
    return json.dumps(text, ensure_ascii=False) if " " in text or not text else text
