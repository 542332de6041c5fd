"""Seconds, memory and growth of composing one issue out of many articles.

    python benchmarks/compose.py [--articles 5000] [--largest 50000] [--json]

The week is invented: stories of one to twelve articles in words drawn from a vocabulary in which few words
are common and most are rare (Zipf), by 300 sources, over seven days, with events among them.
Seconds are the median of three runs of `compose`, as a draft calls it; the exponent is the slope of log
processor seconds over log articles from `--articles` to `--largest`. Not measured: gathering, the database.
"""

import argparse
import json
import math
import random
import resource
import statistics
import time
from datetime import UTC, datetime, timedelta

from digest.compose import Plan, compose
from digest.domain import DEFAULT_SECTIONS, Article, Event, Source

SINCE = datetime(2026, 11, 16, tzinfo=UTC)
UNTIL = SINCE + timedelta(days=7)
SOURCES = 300
VOCABULARY = 60_000


def words() -> tuple[list[str], list[float]]:
    """An invented vocabulary and how often each word comes."""
    chance = random.Random(7)
    parts = ["ka", "lo", "mi", "ren", "tas", "vu", "dor", "pel", "shi", "gan", "ber", "no", "qui", "zar"]
    vocabulary = sorted(
        {"".join(chance.choices(parts, k=chance.randint(2, 5))) for _ in range(VOCABULARY * 2)}
    )
    chance.shuffle(vocabulary)
    vocabulary = vocabulary[:VOCABULARY]
    return vocabulary, [1 / (rank + 3) for rank in range(len(vocabulary))]


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
    plain = chance.choices(every[0], every[1], k=45)
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


def seconds(articles: list[Article], runs: int) -> tuple[float, float]:
    """The median of so many runs, by the clock and by the processor."""
    taken = []
    busy = []
    for _ in range(runs):
        start, begun = time.perf_counter(), time.process_time()
        content = compose(articles, plan(), now=UNTIL)
        taken.append(time.perf_counter() - start)
        busy.append(time.process_time() - begun)
        assert not content.is_empty
    return statistics.median(taken), statistics.median(busy)


def main() -> None:
    """Print the figures, with --json as one object in the last line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--articles", type=int, default=5000)
    parser.add_argument("--largest", type=int, default=50_000)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    taken = {args.articles: seconds(week(args.articles), 3)}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    size = args.articles
    while size * 2 <= args.largest:
        size = min(size * 3, args.largest)
        taken[size] = seconds(week(size), 1)
    at = [(math.log(count), math.log(busy)) for count, (_, busy) in taken.items()]
    result: dict[str, object] = {
        "articles": args.articles,
        "seconds": round(taken[args.articles][0], 3),
        "cpu_seconds": round(taken[args.articles][1], 3),
        "peak_mb": round(peak, 1),
        "exponent": round(_slope(at), 3) if len(at) > 1 else None,
        "n_log_n_exponent": round(_slope([(x, x + math.log(x)) for x, _ in at]), 3) if len(at) > 1 else None,
        "by_size": {str(count): [round(each, 2) for each in both] for count, both in taken.items()},
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
