"""Who runs the work: this process, one job of a name at a time on one database, or workers elsewhere."""

from digest.jobs.hints import QUEUES, Hints, open_hints, workers
from digest.jobs.local import JOBS, Job, Runner
from digest.jobs.worker import Worker, queues_of

__all__ = ["JOBS", "QUEUES", "Hints", "Job", "Runner", "Worker", "open_hints", "queues_of", "workers"]
