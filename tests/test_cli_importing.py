"""An import of readers that is killed between its transactions, or within one, and is run again."""

import contextlib
import sqlite3
from collections import Counter
from pathlib import Path

import pytest

from commands import Digest, make
from digest.cli.failures import PARTLY

#: So many rows are a set, and each set a transaction; the file has three and a half.
SET = 4
COMMAND = ("subscribers", "import", "readers.csv", "--confirmed", "--basis", "a test")
ROWS = """email,name,state,barred
ada@example.org,Ada,confirmed,
bo@example.org,Bo,pending,
cy@example.org,Cy,left,
di@example.org,Di,,complaint
eve@example.org,Eve,confirmed,
ada@example.org,Ada again,confirmed,
flo@example.org,Flo,pending,
gus@example.org,Gus,confirmed,
no address,,,
bo@example.org,Bo again,confirmed,
hal@example.org,Hal,,
eve@example.org,Eve,,unsubscribed
ivy@example.org,Ivy,pending,
jo@example.org,Jo,,
"""
#: What is asked of the finished import: no ids and no times, which two imports do not share.
ASKED = (
    "SELECT email, name FROM subscriber",
    "SELECT email, state, newsletter FROM subscription JOIN subscriber ON subscriber.id = subscriber_id",
    "SELECT email, action, form, wording FROM consent JOIN subscriber ON subscriber.id = subscriber_id",
    "SELECT email, reason FROM suppression LEFT JOIN subscriber USING (email_hash)",
    "SELECT recipient, name FROM notice",
)
SMALL = f"import digest.subscribe.importing as m; m._FIRST = m._MOST = {SET}"
KILL = """
import os, signal
from sqlalchemy import Engine, event
def count(*_):
    global left
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
def watch(connection, *_):
    if connection.get_execution_options().get("digest_writes"):
        count()
left = {at}
event.listen(Engine, "{what}", watch)
"""


def importing(folder: Path) -> Digest:
    """A new database, and the file beside it."""
    folder.mkdir()
    (folder / "readers.csv").write_text(ROWS)
    return make(folder)


def run(digest: Digest, first: str) -> int:
    """How the import ends, as a process that does the Python lines `first` before."""
    with digest.start(*COMMAND, first=f"exec({first!r})", cwd=digest.folder) as process:
        process.communicate(timeout=60)
    return process.returncode


def found(digest: Digest) -> list[Counter[tuple[object, ...]]]:
    """All that the import stored."""
    with contextlib.closing(sqlite3.connect(digest.folder / "digest.db")) as database:
        return [Counter(database.execute(query)) for query in ASKED]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> list[Counter[tuple[object, ...]]]:
    """What an import stores that nobody kills."""
    digest = importing(tmp_path_factory.mktemp("whole") / "digest")
    assert run(digest, SMALL) == PARTLY
    return found(digest)


@pytest.mark.parametrize(
    ("what", "at"),
    [
        # Before the first row of the first, second and third set: what came before is stored.
        ("begin", 1),
        ("begin", 2),
        ("begin", 3),
        # When all of a set is there but its end.
        ("commit", 2),
        ("commit", 4),
        # Somewhere within a set.
        ("before_cursor_execute", 9),
        ("before_cursor_execute", 14),
        ("before_cursor_execute", 20),
    ],
)
def test_an_import_that_was_killed_is_completed_by_running_it_again(
    tmp_path: Path, whole: list[Counter[tuple[object, ...]]], what: str, at: int
) -> None:
    digest = importing(tmp_path / "digest")

    code = run(digest, SMALL + KILL.format(at=at, what=what))
    half = found(digest)
    again = run(digest, SMALL)

    assert (code, again) == (-9, PARTLY)
    assert half != whole
    assert found(digest) == whole
