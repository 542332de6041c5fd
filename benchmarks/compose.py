"""Seconds, memory and growth of composing one issue out of many articles.

    python benchmarks/compose.py [--articles 5000] [--largest 50000] [--json]

The week is invented: stories of one to twelve articles in words drawn from a vocabulary in which few words
are common and most are rare (Zipf), by 300 sources, over seven days, with events among them.
Each size is composed in processes of its own, one composing in each, as many processes for a size as for any
other; the medians count. Before its clock starts a process composes a week of 200 articles, so that what is
loaded once (word lists, a model) is in no size's figures and flatters no exponent: `loading_seconds` tells it
apart, and a draft by the command line waits for both. The exponent is the slope of log processor seconds over
log articles from `--articles` to `--largest`. Not measured: gathering, the database.
"""

import argparse
import json
import math
import random
import resource
import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from multiprocessing import get_context

from digest.compose import Plan, compose
from digest.domain import DEFAULT_SECTIONS, Article, Event, Source

SINCE = datetime(2026, 11, 16, tzinfo=UTC)
UNTIL = SINCE + timedelta(days=7)
SOURCES = 300
VOCABULARY = 60_000
#: Articles of the week that a process composes first.
WARM = 200


def words() -> tuple[list[str], list[float]]:
    """An invented vocabulary and how often each word comes, summed up."""
    chance = random.Random(7)
    parts = ["ka", "lo", "mi", "ren", "tas", "vu", "dor", "pel", "shi", "gan", "ber", "no", "qui", "zar"]
    vocabulary = sorted(
        {"".join(chance.choices(parts, k=chance.randint(2, 5))) for _ in range(VOCABULARY * 2)}
    )
    chance.shuffle(vocabulary)
    vocabulary = vocabulary[:VOCABULARY]
    return vocabulary, list(accumulate(1 / (rank + 3) for rank in range(len(vocabulary))))


def week(count: int) -> list[Article]:
    """So many articles of one week."""
    chance = random.Random(count)
    vocabulary, often = words()
    articles: list[Article] = []
    while len(articles) < count:
        names = [word.capitalize() for word in chance.choices(vocabulary[200:], k=5)]
        own = chance.choices(vocabulary[50:], k=14)
        day = chance.uniform(0, 6.5)
        for _ in range(min(chance.choice((1, 1, 1, 1, 2, 2, 3, 5, 12)), count - len(articles))):
            articles.append(_article(len(articles) + 1, chance, names, own, (vocabulary, often), day))
    return articles


def _article(
    number: int,
    chance: random.Random,
    names: list[str],
    own: list[str],
    every: tuple[list[str], list[float]],
    day: float,
) -> Article:
    source = chance.randrange(1, SOURCES + 1)
    plain = chance.choices(every[0], cum_weights=every[1], k=45)
    text = plain + chance.sample(own, 9) + names[:4] + [chance.choice(names) for _ in range(3)]
    chance.shuffle(text)
    seen = SINCE + timedelta(days=day + chance.uniform(0, 0.4))
    return Article(
        id=number,
        source_id=source,
        guid=f"g{number}",
        url=f"https://s{source}.example/{number}",
        canonical_url=f"https://s{source}.example/{number}",
        title=" ".join([*chance.sample(names, 3), *chance.sample(own, 3), *plain[:3]]).capitalize(),
        summary=" ".join(text).capitalize() + ".",
        language="en",
        published_at=seen - timedelta(hours=chance.uniform(0, 5)),
        seen_at=seen,
        event=Event(starts_at=UNTIL + timedelta(days=chance.uniform(0, 30))) if number % 50 == 0 else None,
    )


def plan() -> Plan:
    """A newsletter that reads all sources."""
    sources = {
        number: Source(
            id=number,
            url=f"https://s{number}.example/feed",
            title=f"Source {number}",
            section=None if number % 3 else "news",
            checked_at=UNTIL,
        )
        for number in range(1, SOURCES + 1)
    }
    return Plan(
        newsletter="weekly",
        number=1,
        since=SINCE,
        until=UNTIL,
        sections=DEFAULT_SECTIONS,
        sources=sources,
        zone="Europe/Copenhagen",
        max_stories=24,
        max_events=8,
        max_per_source=4,
        event_days=35,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one process measured; `busy` is its processor."""

    seconds: float
    busy: float
    loading: float
    peak_mb: float


def run(count: int) -> Run:
    """One composing of so many articles, by a process that composed a small week before."""
    articles, small = week(count), week(WARM)
    begun = time.perf_counter()
    compose(small, plan(), now=UNTIL)
    start, busy = time.perf_counter(), time.process_time()
    content = compose(articles, plan(), now=UNTIL)
    end, busy = time.perf_counter(), time.process_time() - busy
    assert not content.is_empty
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Run(seconds=end - start, busy=busy, loading=start - begun, peak_mb=peak)


def median(count: int, runs: int) -> Run:
    """The medians of so many runs, each in a process of its own."""
    found = []
    for _ in range(runs):
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            found.append(pool.submit(run, count).result())
    return Run(
        **{each.name: statistics.median(getattr(one, each.name) for one in found) for each in fields(Run)}
    )


def main() -> None:
    """Print the figures, with --json as one object in the last line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--articles", type=int, default=5000)
    parser.add_argument("--largest", type=int, default=50_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    sizes = [args.articles]
    while sizes[-1] * 2 <= args.largest:
        sizes.append(min(sizes[-1] * 3, args.largest))
    taken = {size: median(size, args.runs) for size in sizes}
    at = [(math.log(size), math.log(each.busy)) for size, each in taken.items()]
    first = taken[args.articles]
    result: dict[str, object] = {
        "articles": args.articles,
        "seconds": round(first.seconds, 3),
        "cpu_seconds": round(first.busy, 3),
        "loading_seconds": round(first.loading, 3),
        "peak_mb": round(first.peak_mb, 1),
        "exponent": round(_slope(at), 3) if len(at) > 1 else None,
        "n_log_n_exponent": round(_slope([(x, x + math.log(x)) for x, _ in at]), 3) if len(at) > 1 else None,
        "by_size": {str(size): [round(each.seconds, 2), round(each.busy, 2)] for size, each in taken.items()},
    }
    for name, value in result.items():
        print(f"{name}: {value}")
    if args.json:
        print(json.dumps(result))


def _slope(points: list[tuple[float, float]]) -> float:
    """The slope of the line of least squares."""
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / sum((x - mean_x) ** 2 for x, _ in points)


if __name__ == "__main__":
    main()
