"""Train the model that places articles in sections, and write src/digest/compose/sections.txt.

    python benchmarks/train_sections.py LINKS.tsv benchmarks/sections.tsv > src/digest/compose/sections.txt

Both files have the columns date, section, title, url; rows of the second, invented for other trades than the
first one's, count five times. Multinomial logistic regression by AdaGrad in plain Python, averaged over the
rounds: the same rows give the same bytes.
"""

import argparse
import csv
import math
import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from digest.compose.features import Model, features

SECTIONS = ("news", "learnings", "events")
ROUNDS = 8
RATE = 0.2
#: Keeps the first steps of a feature short.
START = 1.0
#: A feature that fewer rows have is left out.
LEAST = 3
EXTRA_TIMES = 5
#: Weights that are all smaller are left out.
SMALL = 0.12

Row = dict[str, str]


def read(path: Path) -> list[Row]:
    """The rows of a file, the oldest first."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = [
            row
            for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
            if row["section"] in SECTIONS
        ]
    return sorted(rows, key=lambda row: row["date"])


def train(rows: Sequence[Row], extra: Sequence[Row] = ()) -> Model:
    """The model of these rows; what it is sure of is set right on the last tenth of them."""
    last = rows[-len(rows) // 10 :]
    early = _fit([*rows[: -len(rows) // 10], *extra])
    temperature = min((t / 20 for t in range(10, 61)), key=lambda t: _loss(early, last, t))
    counts = tuple(sum(row["section"] == section for row in rows) for section in SECTIONS)
    return Model(sections=SECTIONS, weights=_fit([*rows, *extra]), temperature=temperature, counts=counts)


def _fit(rows: Sequence[Row]) -> dict[str, tuple[float, ...]]:
    seen = [(tuple(features(row["title"], row["url"])), SECTIONS.index(row["section"])) for row in rows]
    having = Counter(feature for found, _ in seen for feature in found)
    examples = [(tuple(each for each in found if having[each] >= LEAST), label) for found, label in seen]
    weights = {each: [0.0, 0.0, 0.0] for each, count in having.items() if count >= LEAST}
    squares = {each: [START, START, START] for each in weights}
    order = random.Random(1)
    sums = {each: [0.0, 0.0, 0.0] for each in weights}
    for _ in range(ROUNDS):
        order.shuffle(examples)
        for found, label in examples:
            _step(found, label, weights, squares)
        for each, values in weights.items():
            sums[each] = [summed + value for summed, value in zip(sums[each], values, strict=True)]
    means = {
        each: tuple(round(value / ROUNDS, 2) for value in values) for each, values in sorted(sums.items())
    }
    return {each: values for each, values in means.items() if max(map(abs, values)) >= SMALL}


def _step(
    found: Sequence[str], label: int, weights: dict[str, list[float]], squares: dict[str, list[float]]
) -> None:
    sums = [sum([weights[each][place] for each in found]) for place in range(3)]
    top = max(sums)
    parts = [math.exp(each - top) for each in sums]
    whole = sum(parts)
    for place in range(3):
        error = parts[place] / whole - (place == label)
        if abs(error) < 1e-4:
            continue
        for each in found:
            squares[each][place] += error * error
            weights[each][place] -= RATE * error / math.sqrt(squares[each][place])


def _loss(weights: dict[str, tuple[float, ...]], rows: Sequence[Row], temperature: float) -> float:
    loss = 0.0
    for row in rows:
        found = [weights[each] for each in features(row["title"], row["url"]) if each in weights]
        sums = [sum(each[place] for each in found) / temperature for place in range(3)]
        loss += math.log(sum(math.exp(each) for each in sums)) - sums[SECTIONS.index(row["section"])]
    return loss


def main() -> None:
    """Write the model as lines."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", type=Path)
    parser.add_argument("extra", type=Path, nargs="?")
    args = parser.parse_args()
    rows = read(args.file)
    model = train(rows, read(args.extra) * EXTRA_TIMES if args.extra else ())
    print(
        "# Weights, in hundredths, of the model that places articles; benchmarks/train_sections.py made them."
    )
    print(f"#rows\t{len(rows)}")
    print(f"#until\t{rows[-1]['date']}")
    print(f"#temperature\t{model.temperature}")
    print("#sections", *model.sections, sep="\t")
    print("#counts", *model.counts, sep="\t")
    for each, values in model.weights.items():
        print(each, *(round(100 * value) for value in values), sep="\t")


if __name__ == "__main__":
    main()
