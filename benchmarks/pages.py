"""How well the text of articles is told from their pages: F1 of 4-gram shingles, and pages a second.

DIR holds pages as ID.html.gz (or ID.html) and ground-truth.json: {ID: {"articleBody": …, "url": …}}. The peer
is trafilatura with its own defaults, on the same pages in the same run. Not measured: fetching, and languages
without spaces between words.
"""

import argparse
import gzip
import json
import re
import statistics
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import trafilatura

from digest.errors import ParseError
from digest.gather.document import Body
from digest.gather.extract import read_page


def shingles(text: str) -> Counter[tuple[str, ...]]:
    """How often each four words stand in a row; a shorter text is one shingle."""
    words = re.findall(r"\w+", text)
    return (
        Counter(tuple(words[place : place + 4]) for place in range(max(1, len(words) - 3)))
        if words
        else Counter()
    )


def score(gold: str, told: str) -> tuple[float, float, float]:
    """Shares of what is right, too much and missing on one page; they add up to 1."""
    wanted, given = shingles(gold), shingles(told)
    parts = ((wanted & given).total(), (given - wanted).total(), (wanted - given).total())
    whole = sum(parts) or 1
    return parts[0] / whole, parts[1] / whole, parts[2] / whole


def measured(
    pages: dict[str, tuple[bytes, str, str]], extract: Callable[[bytes, str], str]
) -> dict[str, float]:
    """F1, precision and recall over all pages, and the median speed of three passes over them."""
    sums, speeds = [0.0, 0.0, 0.0], []
    for attempt in range(3):
        start = time.perf_counter()
        texts = {name: extract(data, url) for name, (data, url, _) in pages.items()}
        speeds.append(len(pages) / (time.perf_counter() - start))
        if attempt == 0:
            for name, (_, _, gold) in pages.items():
                sums = [one + other for one, other in zip(sums, score(gold, texts[name]), strict=True)]
    precision, recall = sums[0] / (sums[0] + sums[1]), sums[0] / (sums[0] + sums[2])
    f1 = 2 * precision * recall / (precision + recall)
    named = {"f1": f1, "precision": precision, "recall": recall, "pages_per_s": statistics.median(speeds)}
    return {name: round(value, 4 if value < 1 else 1) for name, value in named.items()}


def ours(data: bytes, url: str) -> str:
    """The text as we store it."""
    try:
        return read_page(Body(data=data, url=url)).text
    except ParseError:
        return ""


def theirs(data: bytes, url: str) -> str:
    """The text as trafilatura gives it when nothing is asked of it."""
    return trafilatura.extract(data.decode("utf-8", "replace"), url=url) or ""


def read_folder(folder: Path) -> dict[str, tuple[bytes, str, str]]:
    """Each page's bytes, address and true text."""
    pages = {}
    for name, gold in json.loads((folder / "ground-truth.json").read_bytes()).items():
        packed, plain = folder / f"{name}.html.gz", folder / f"{name}.html"
        data = gzip.decompress(packed.read_bytes()) if packed.exists() else plain.read_bytes()
        pages[name] = (data, gold.get("url", "https://page.example/"), gold["articleBody"])
    return pages


def main() -> None:
    """Measure and print; the last line is one JSON object with --json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    pages = read_folder(options.folder)
    result = {"pages": len(pages), **measured(pages, ours), "peers": {"trafilatura": measured(pages, theirs)}}
    print(f"{len(pages)} pages: F1 {result['f1']}, {result['pages_per_s']} pages/s; peers {result['peers']}")
    if options.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
