"""Count in what part of ordinary articles each common word stands, and write src/digest/compose/words.txt.

    python benchmarks/train_words.py --texts news.jsonl --feeds feeds/ > src/digest/compose/words.txt

Only words are kept that are mostly written small or that ten feeds use, so that no names are learnt; at
most 60 articles of a feed count, so that no busy feed decides what is ordinary.
"""

import argparse
import html
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import feedparser

from digest.compose.terms import LEAD_WORDS, small_words, stem

_WORD = re.compile(r"[a-zA-Z]{2,}")


def texts(args: argparse.Namespace) -> Iterator[tuple[str, str]]:
    """The first words of every article, and where it is from."""
    for name in args.texts:
        for line in Path(name).read_text(encoding="utf-8").splitlines():
            yield name, " ".join(json.loads(line)["text"].split()[:LEAD_WORDS])
    for folder in args.feeds:
        for name in sorted(Path(folder).glob("*.xml")):
            for entry in feedparser.parse(name.read_bytes()).entries[:60]:
                text = html.unescape(re.sub("<[^>]+>", " ", entry.get("summary", "")))
                yield str(name), entry.get("title", "") + " " + " ".join(text.split()[:LEAD_WORDS])


def main() -> None:
    """Write the words that stand in one of 250 articles or more."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", nargs="*", default=[])
    parser.add_argument("--feeds", nargs="*", default=[])
    total, having, small, every = 0, Counter[str](), Counter[str](), Counter[str]()
    places: defaultdict[str, set[str]] = defaultdict(set)
    for name, text in texts(parser.parse_args()):
        words = _WORD.findall(text)
        stems = [stem(word.casefold()) for word in words if word.casefold() not in small_words()]
        total += 1
        having.update(set(stems))
        for word in set(stems):
            places[word].add(name)
        for word in words:
            every[stem(word.casefold())] += 1
            small[stem(word.casefold())] += word[0].islower()
    print(f"# word, and in how many of 1,000 articles it stands; counted over {total} articles")
    for word, count in sorted(having.items()):
        if count * 250 >= total and (small[word] * 2 >= every[word] or len(places[word]) >= 10):
            print(word, round(1000 * count / total))


if __name__ == "__main__":
    main()
