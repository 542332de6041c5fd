"""This process by a name that no other has, and whether another of this machine is dead."""

import hashlib
import os
import socket
from functools import lru_cache
from pathlib import Path

#: Stands for a place of which nothing can be known.
_UNKNOWN = "-"


def me() -> str:
    """Host, process number, when it started, and where such numbers are counted; at most 64 characters."""
    number = os.getpid()
    return f"{_host()} {number} {_started(number) or _UNKNOWN} {_place()}"


def shown(name: str) -> str:
    """A process as a person knows it: "pid 812 on mail1"."""
    host, number, *_ = [*name.split(), "?", "?"]
    return f"pid {number} on {host}"


def is_dead(name: str) -> bool:
    """True only when it is certain: the process ran on this machine since its start, and is no more.

    False for any other machine or container, and where the system does not tell (no /proc).
    """
    parts = name.split()
    if len(parts) != 4 or not parts[1].isdecimal():
        return False
    number, started, place = int(parts[1]), parts[2], parts[3]
    if _UNKNOWN in (started, place) or place != _place():
        return False
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    found = _started(number)
    return found is not None and found != started


def _host() -> str:
    return "".join(char for char in socket.gethostname() if char.isprintable() and char != " ")[:30] or "host"


@lru_cache(maxsize=1)
def _place() -> str:
    """This run of this machine's kernel, and the container: process numbers mean nothing elsewhere."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text()
        space = Path("/proc/self/ns/pid").readlink()
    except OSError:
        return _UNKNOWN
    return hashlib.sha256(f"{boot} {space}".encode()).hexdigest()[:12]


def _started(number: int) -> str | None:
    """When a process started, in the kernel's own count; "" for one that has ended; None when not told."""
    try:
        text = Path(f"/proc/{number}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    state, *fields = text.rpartition(")")[2].split()
    # Field 22 of proc_pid_stat(5); a zombie runs no more.
    return "" if state in "ZX" else fields[18]
