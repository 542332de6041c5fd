"""Precision and recall of "the same event" over conference lists.

    python benchmarks/events.py DIR [--json]

DIR holds folders of years with one JSON list a topic, as tech-conferences/conference-data has them; each
topic is a source. Two listings are the same event when name, first day and city are equal but for case and
marks. `as_listed` asks about the lists as they are. `as_written` adds for each event the listings of four
made-up sources that write it their own way: with the year, without the place, as a count ("3rd ..."), in
capitals, at addresses of their own. The peer joins equal titles and equal addresses only. Not measured: wrong
dates, and translated names.
"""

import argparse
import itertools
import json
import random
import re
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from digest.compose import Plan
from digest.compose.story import cluster
from digest.domain import DEFAULT_SECTIONS, Article, Event, Source

NOW = datetime(2024, 12, 1, tzinfo=UTC)
#: An article and its true event.
Listing = tuple[Article, str]


def read(folder: Path) -> tuple[list[Listing], list[Source]]:
    """The listings of all lists, and a source for each list."""
    listings: list[Listing] = []
    sources: list[Source] = []
    for number, file in enumerate(sorted(folder.rglob("*.json")), 1):
        sources.append(
            Source(id=number, url=f"https://lists.example/{number}", title=f"{file.parent.name} {file.stem}")
        )
        for row in json.loads(file.read_text(encoding="utf-8")):
            listings.append(_listing(row, number, len(listings) + 1))
    return listings, sources


def _listing(row: dict[str, str], source: int, number: int) -> Listing:
    place = ", ".join(row[key] for key in ("city", "country") if row.get(key))
    starts = datetime.fromisoformat(row["startDate"]).replace(tzinfo=UTC)
    article = Article(
        id=number,
        source_id=source,
        guid=f"{source}-{number}",
        url=row["url"],
        canonical_url=re.sub(r"^https?://(?:www\.)?", "https://", row["url"].split("#")[0])
        .rstrip("/")
        .lower(),
        title=row["name"],
        seen_at=NOW,
        event=Event(starts_at=starts, all_day=True, place=place, online=bool(row.get("online"))),
    )
    name = re.sub(r"[\W_]+", " ", row["name"].casefold()).strip()
    return article, f"{name}|{row['startDate']}|{row.get('city', '').casefold()}"


def rewritten(listings: Iterable[Listing], first_source: int) -> list[Listing]:
    """Each event as four more sources would write it."""
    chance = random.Random(3)
    once = {truth: article for article, truth in reversed(list(listings))}
    found: list[Listing] = []
    for truth, article in sorted(once.items()):
        assert article.event is not None
        city = article.event.place.partition(",")[0]
        year = article.event.starts_at.year
        name = re.sub(r"\s*\b20\d\d\b", "", article.title).strip()
        ways = [
            (f"{name} {year}", city),
            (f"{name.upper()} '{year % 100} – {city}" if city else f"{name.upper()} (online)", ""),
            (f"{chance.randint(3, 20)}th {name}", article.event.place),
            (f"The {name}, {city}" if city else f"{name} | Online", city),
        ]
        for at, (title, place) in enumerate(ways):
            found.append(
                (
                    replace(
                        article,
                        id=100_000 + len(found),
                        source_id=first_source + at,
                        guid=f"w{len(found)}",
                        title=title,
                        canonical_url=f"https://list{at}.example/{len(found)}",
                        event=replace(article.event, place=place),
                    ),
                    truth,
                )
            )
    return found


def ours(articles: Sequence[Article], sources: Sequence[Source]) -> list[list[Article]]:
    """The clusters that composing makes."""
    plan = Plan(
        newsletter="n",
        number=1,
        since=NOW,
        until=NOW + timedelta(days=7),
        sections=DEFAULT_SECTIONS,
        sources={source.id: source for source in sources},
        zone="UTC",
        max_stories=24,
        max_events=8,
        max_per_source=4,
        event_days=1000,
    )
    return [list(each.articles) for each in cluster(articles, plan)[0]]


def plain(articles: Sequence[Article], sources: Sequence[Source]) -> list[list[Article]]:
    """The peer: equal titles on one day, or equal addresses."""
    groups: dict[str, list[Article]] = defaultdict(list)
    by_address: dict[str, str] = {}
    for article in articles:
        assert article.event is not None
        key = f"{article.title.casefold()}|{article.event.starts_at}"
        key = by_address.setdefault(f"{article.canonical_url}|{article.event.starts_at}", key)
        groups[key].append(article)
    return list(groups.values())


def pairs(groups: Iterable[Iterable[int]]) -> set[tuple[int, int]]:
    """All pairs inside the groups."""
    return {pair for group in groups for pair in itertools.combinations(sorted(group), 2)}


def measure(
    listings: Sequence[Listing],
    sources: Sequence[Source],
    find: Callable[[Sequence[Article], Sequence[Source]], list[list[Article]]],
) -> dict[str, float]:
    """Precision and recall over pairs of listings."""
    truth: dict[str, list[int]] = defaultdict(list)
    for article, event in listings:
        truth[event].append(article.id)
    taken = []
    for _ in range(3):
        start = time.perf_counter()
        groups = find([article for article, _ in listings], sources)
        taken.append(time.perf_counter() - start)
    wanted, found = pairs(truth.values()), pairs([each.id for each in group] for group in groups)
    right = len(wanted & found)
    return {
        "listings": len(listings),
        "events": len(truth),
        "found": len(groups),
        "precision": round(right / max(len(found), 1), 4),
        "recall": round(right / max(len(wanted), 1), 4),
        "seconds": round(statistics.median(taken), 3),
    }


def main() -> None:
    """Print the figures, with --json as one object in the last line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    listed, sources = read(args.folder)
    count = len(sources)
    more = [Source(id=count + at, url=f"https://list{at}.example/", title=f"List {at}") for at in range(1, 5)]
    written = listed + rewritten(listed, count + 1)
    every = [*sources, *more]
    as_listed, as_written = measure(listed, sources, ours), measure(written, every, ours)
    result = {
        "precision": as_listed["precision"],
        "recall": as_listed["recall"],
        "as_listed": as_listed,
        "as_written": as_written,
        "peer_as_listed": measure(listed, sources, plain),
        "peer_as_written": measure(written, every, plain),
    }
    for name, value in result.items():
        print(f"{name}: {value}")
    if args.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
