"""B³ of stories on labelled texts, against single-pass TF-IDF and shingle Jaccard in the same run.

    python benchmarks/stories.py FILE.jsonl [--words 60] [--json]

Rows are {"id", "story", "text"}. Each text is an article of a source of its own, without title, on one day;
`digest.compose`'s own story clustering groups them with the weights that it has in production. Not measured:
titles, owners and days, which news has and these rows have not.
"""

import argparse
import json
import statistics
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from digest.compose.corpus import Corpus, Text, dot
from digest.compose.plan import Plan
from digest.compose.story import cluster
from digest.compose.terms import shingles
from digest.domain import DEFAULT_SECTIONS, Article, Source

DAY = datetime(2026, 11, 20, tzinfo=UTC)
ROUNDS = 3


def ours(texts: Sequence[str]) -> tuple[list[int], int]:
    """The cluster of each text by the path that composing takes, and how many questions it would ask."""
    articles = [
        Article(
            id=at,
            source_id=at,
            guid=str(at),
            url=f"https://s{at:06}.example/",
            canonical_url=f"https://s{at:06}.example/",
            title="",
            summary=text,
            seen_at=DAY,
        )
        for at, text in enumerate(texts)
    ]
    sources = {
        at: Source(id=at, url=f"https://s{at}.example/feed", title=f"S{at}") for at in range(len(texts))
    }
    plan = Plan(
        newsletter="n",
        number=1,
        since=DAY,
        until=DAY,
        sections=DEFAULT_SECTIONS,
        sources=sources,
        zone="UTC",
        max_stories=24,
        max_events=8,
        max_per_source=4,
        event_days=35,
    )
    clusters, doubts = cluster(articles, plan)
    labels = [0] * len(texts)
    for number, each in enumerate(clusters):
        for article in each.articles:
            labels[article.id] = number
    return labels, len(doubts)


def single_pass(texts: Sequence[str], threshold: float) -> list[int]:
    """The peer: each text joins the cluster with the nearest centroid, or begins one."""
    all_texts = [Text(text=text, voice=str(at), language="", at=DAY) for at, text in enumerate(texts)]
    corpus = Corpus(all_texts)
    corpus.add(range(len(texts)))
    vectors = corpus.vectors
    sums: list[dict[int, float]] = []
    labels = []
    for index in range(len(texts)):
        vector = vectors[index]
        scores = [dot(vector, each) / (dot(each, each) ** 0.5 or 1.0) for each in sums]
        best = max(range(len(sums)), key=scores.__getitem__, default=-1)
        if best < 0 or scores[best] < threshold:
            best = len(sums)
            sums.append({})
        for term, weight in vector.items():
            sums[best][term] = sums[best].get(term, 0.0) + weight
        labels.append(best)
    return labels


def jaccard(texts: Sequence[str], threshold: float) -> list[int]:
    """The peer: texts with this part of their three-word runs in common are one, through others too."""
    runs = [shingles(text) for text in texts]
    labels = list(range(len(texts)))
    for one, mine in enumerate(runs):
        for other in range(one):
            common = len(mine & runs[other])
            if common and common >= threshold * len(mine | runs[other]):
                low, high = sorted((labels[one], labels[other]))
                labels = [low if label == high else label for label in labels]
    return labels


def b_cubed(gold: Sequence[str], found: Sequence[int]) -> dict[str, float]:
    """B³ precision, recall and their harmonic mean."""
    both, by_gold, by_found = Counter(zip(gold, found, strict=True)), Counter(gold), Counter(found)
    precision = sum(count * count / by_found[label] for (_, label), count in both.items()) / len(gold)
    recall = sum(count * count / by_gold[story] for (story, _), count in both.items()) / len(gold)
    f = 2 * precision * recall / (precision + recall)
    return {"precision": round(precision, 4), "recall": round(recall, 4), "f": round(f, 4)}


def best(
    gold: Sequence[str], peer: Callable[[float], list[int]], thresholds: Sequence[float]
) -> dict[str, float]:
    """The peer's figures at the threshold that suits these very texts best: more than it could have."""
    figures = {threshold: b_cubed(gold, peer(threshold)) for threshold in thresholds}
    chosen = max(figures, key=lambda each: figures[each]["f"])
    return figures[chosen] | {"threshold": chosen}


def main() -> None:
    """Print the figures, with --json as one object in the last line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", type=Path)
    parser.add_argument("--words", type=int, default=60)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    rows = [json.loads(line) for line in args.file.read_text(encoding="utf-8").splitlines() if line.strip()]
    texts = [" ".join(row["text"].split()[: args.words]) for row in rows]
    gold = [str(row["story"]) for row in rows]
    seconds = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        found, questions = ours(texts)
        seconds.append(time.perf_counter() - start)
    result: dict[str, object] = {"texts": len(texts), "stories": len(set(gold)), "words": args.words}
    result |= b_cubed(gold, found)
    result |= {
        "found": len(set(found)),
        "questions": questions,
        "texts_per_s": round(len(texts) / statistics.median(seconds)),
        "single_pass_tfidf": best(gold, lambda t: single_pass(texts, t), [0.1, 0.15, 0.2, 0.25, 0.3]),
        "shingle_jaccard": best(gold, lambda t: jaccard(texts, t), [0.05, 0.1, 0.2, 0.5]),
    }
    for name, value in result.items():
        print(f"{name}: {value}")
    print("The peers' thresholds are the best for this very file; ours are the ones in production.")
    if args.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
