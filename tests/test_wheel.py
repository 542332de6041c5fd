"""The wheel: built, unpacked away from the checkout, and run there."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of the wheel, in a folder of their own."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True, timeout=100)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_the_wheel_carries_templates_migrations_and_data(unpacked: Path) -> None:
    names = {str(file.relative_to(unpacked)) for file in unpacked.rglob("*") if file.is_file()}

    assert "digest/_data/email_templates/issue/body.html" in names
    assert "digest/_data/alembic/env.py" in names
    assert "digest/gather/starter.opml" in names
    assert any(name.startswith("digest/web/static/") for name in names)
    assert not [name for name in names if name.startswith("tests/")]


def test_the_demo_runs_from_the_wheel_outside_the_checkout(unpacked: Path, tmp_path: Path) -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("DIGEST_")}
    environ |= {"PYTHONPATH": str(unpacked)}
    where = [sys.executable, "-c", "import digest; print(digest.__file__)"]
    demo = [sys.executable, "-m", "digest", "demo", "--json", "--out", "results"]

    place = subprocess.run(
        where, env=environ, cwd=tmp_path, check=True, capture_output=True, text=True, timeout=60
    )
    run = subprocess.run(demo, env=environ, cwd=tmp_path, capture_output=True, text=True, timeout=100)

    assert place.stdout.startswith(str(unpacked))
    assert run.returncode == 0, run.stderr
    sums = json.loads(run.stdout.splitlines()[-1])
    assert (sums["missing"], sums["twice"]) == (0, 0)
    assert (tmp_path / "results" / "issue.eml").is_file()
