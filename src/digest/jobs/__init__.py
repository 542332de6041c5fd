"""Who runs the work: this process, one job of a name at a time on one database, or workers elsewhere."""

from typing import TYPE_CHECKING

from digest.doors import load

if TYPE_CHECKING:
    from digest.jobs.hints import QUEUES, Hints, open_hints, workers
    from digest.jobs.local import JOBS, Job, Runner
    from digest.jobs.worker import Worker, queues_of

__all__ = [
    "JOBS",
    "QUEUES",
    "Hints",
    "Job",
    "Runner",
    "Worker",
    "open_hints",
    "queues_of",
    "workers",
]

#: Where each is. Loaded when asked for: who asks for the workers runs no job.
_MODULES = {
    "hints": (
        "QUEUES",
        "Hints",
        "open_hints",
        "workers",
    ),
    "local": (
        "JOBS",
        "Job",
        "Runner",
    ),
    "worker": (
        "Worker",
        "queues_of",
    ),
}


def __getattr__(name: str) -> object:
    """The public name, from its module (PEP 562)."""
    return load(__name__, _MODULES, name)
