"""One week end to end on this machine only: sample sites, sample readers, a mailbox that takes everything."""

from digest.demo.options import DemoOptions
from digest.demo.telling import DemoResult, Teller
from digest.demo.week import run_demo

__all__ = ["DemoOptions", "DemoResult", "Teller", "run_demo"]
