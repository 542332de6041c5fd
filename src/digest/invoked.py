"""How `digest` was called, so that what it tells people to type next works where they are."""

import shutil
import sys
from pathlib import Path


def program() -> str:
    """The word `digest` where the shell finds this one by it, else the path that it was called by."""
    called = Path(sys.argv[0])
    if called.name != "digest":
        return "digest"
    found = shutil.which("digest")
    return "digest" if found and Path(found).resolve() == called.resolve() else str(called)
