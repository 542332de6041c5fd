"""Kill -9 in the middle of a sending: the short form of benchmarks/crash.py."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

CRASH = Path(__file__).parents[1] / "benchmarks" / "crash.py"


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("store", "transport", "workers"),
    [
        ("sqlite", "smtp", 1),
        ("sqlite", "file", 3),
        pytest.param("postgres", "smtp", 3, marks=pytest.mark.postgres),
    ],
)
def test_nobody_is_missed_and_no_more_are_in_doubt_than_connections(
    request: pytest.FixtureRequest, store: str, transport: str, workers: int
) -> None:
    if store == "postgres":
        # It starts a server of its own, but never as the first of this machine beside another worker's.
        request.getfixturevalue("postgres_server")
    kind = ["--store", store, "--transport", transport, "--workers", str(workers)]
    sizes = ["--kills", "6" if workers == 1 else "3", "--readers", "120"]

    done = subprocess.run(
        [sys.executable, str(CRASH), *kind, *sizes, "--json"], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    assert figures["missed"] == figures["changed"] == 0
    assert figures["worst_uncertain"] <= figures["connections"]
    assert figures["duplicates"] <= figures["uncertain"]
