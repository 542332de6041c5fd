"""What a demo is asked for."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from digest.errors import UsageError

_EARLIEST, _LATEST = 1996, 2900
_MOST_READERS = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOptions:
    """What a demo is asked for; `now` is the time that it plays at, in UTC."""

    now: datetime
    #: Where its results stay.
    out: Path = Path("demo")
    #: A folder of feed files instead of the sample sites.
    feeds: Path | None = None
    readers: int = 40
    #: Keep the readers' pages and the mailbox up until Ctrl-C.
    serve: bool = False
    #: Of the readers' pages; 0 takes a free one.
    port: int = 0

    def check(self) -> None:
        """UsageError for what cannot be played."""
        if not _EARLIEST <= self.now.year <= _LATEST:
            raise UsageError(f"--now {self.now.year}: a year from {_EARLIEST} to {_LATEST}")
        if not 1 <= self.readers <= _MOST_READERS:
            raise UsageError(f"--readers {self.readers}: between 1 and {_MOST_READERS}")
        if self.port and not self.serve:
            raise UsageError("--port goes with --serve")
