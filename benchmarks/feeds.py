"""Every feed of a folder: how many are read, how fast, and whether anything is lost that others find.

Each file of DIR (feeds as they were fetched, any name) is read by us, by fastfeedparser and by feedparser.
`read` is how many give articles, `lost` how many a peer reads and we do not, or with fewer entries;
`exceptions` is what is not one clear line. Speed is for parsing, cleaning and identifying together, the
median of five passes. Not measured: fetching and storing.
"""

import argparse
import gzip
import io
import json
import statistics
import time
import warnings
from datetime import UTC, datetime
from pathlib import Path

import fastfeedparser
import feedparser

from digest.domain import Source, SourceKind
from digest.errors import ParseError
from digest.gather.document import Body
from digest.gather.kinds import KINDS
from digest.gather.reading import read_body

NOW = datetime(2026, 8, 22, 18, 0, tzinfo=UTC)
SOURCE = Source(id=1, url="https://feed.example/feed.xml", title="")
PASSES = 5


def entries_of(data: bytes) -> int:
    """How many entries we find, repetitions counted; -1 for one clear line, -2 for anything else."""
    try:
        return len(KINDS[SourceKind.FEED](Body(data=data, url=SOURCE.url), NOW).items)
    except ParseError:
        return -1
    except Exception:
        return -2


def by_fastfeedparser(data: bytes) -> int:
    """How many entries fastfeedparser finds, 0 when it raises."""
    try:
        return len(fastfeedparser.parse(data).entries)
    except Exception:
        return 0


def by_feedparser(data: bytes) -> int:
    """How many entries feedparser finds, 0 when it raises."""
    try:
        return len(
            feedparser.parse(io.BytesIO(data), sanitize_html=False, resolve_relative_uris=False).entries
        )
    except Exception:
        return 0


def articles_of(data: bytes) -> int:
    """How many articles come of it."""
    try:
        return len(read_body(SOURCE, Body(data=data, url=SOURCE.url), NOW).articles)
    except ParseError:
        return 0


def rate(files: dict[str, bytes]) -> float:
    """Articles a second over all files."""
    speeds = []
    for _ in range(PASSES):
        start = time.perf_counter()
        count = sum(articles_of(data) for data in files.values())
        speeds.append(count / (time.perf_counter() - start))
    return statistics.median(speeds)


def peer_rates(files: dict[str, bytes]) -> dict[str, float]:
    """Entries a second that the peers parse; they neither clean nor identify them."""
    found = {}
    for name, parse in (("fastfeedparser", by_fastfeedparser), ("feedparser", by_feedparser)):
        start = time.perf_counter()
        count = sum(parse(data) for data in files.values())
        found[name] = round(count / (time.perf_counter() - start), 1)
    return found


def read_folder(folder: Path) -> dict[str, bytes]:
    """The files' bytes by name, unpacked where they end in .gz."""
    paths = sorted(path for path in folder.iterdir() if path.is_file())
    return {
        path.name: gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        for path in paths
    }


def measure(folder: Path) -> tuple[dict[str, object], list[str]]:
    """The figures, and a line for each file that is lost or raised."""
    files = read_folder(folder)
    ours = {name: entries_of(data) for name, data in files.items()}
    peers = {name: max(by_fastfeedparser(data), by_feedparser(data)) for name, data in files.items()}
    lost = [name for name, count in peers.items() if ours[name] < count]
    lines = [f"lost  {name}: {ours[name]} of {peers[name]} entries" for name in lost]
    lines += [f"raised  {name}" for name, count in ours.items() if count == -2]
    result: dict[str, object] = {
        "files": len(files),
        "read": sum(count > 0 for count in ours.values()),
        "articles": sum(articles_of(data) for data in files.values()),
        "articles_per_s": round(rate(files), 1),
        "exceptions": sum(count == -2 for count in ours.values()),
        "lost": len(lost),
        "peers_entries_per_s": peer_rates(files),
    }
    return result, lines


def main() -> None:
    """Measure and print; the last line is one JSON object with --json."""
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    result, lines = measure(options.folder)
    print("\n".join([*lines, ", ".join(f"{name} {value}" for name, value in result.items())]))
    if options.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
