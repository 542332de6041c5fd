"""Who runs the work. Here: this process, one job of a name at a time over all processes of a database."""

from digest.jobs.local import JOBS, Job, Runner

__all__ = ["JOBS", "Job", "Runner"]
