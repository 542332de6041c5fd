"""Macro F1 of placing links in sections, on weeks later than those learnt from.

    python benchmarks/sections.py FILE.tsv [--json]

Columns: date, section, title, url. Two measurements: `retrained` learns from the first three quarters of the
file's weeks and is asked about the last quarter; `shipped` asks the weights in the repository about the weeks
after those they were learnt from, when the file has any. The figures at the top are the shipped model's where
there are later weeks, else the retrained one's. The peer is the two regular expressions that a person would
write first. Not measured: sources' own settings and structured data, which go before the model.
"""

import argparse
import json
import re
import time
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path

from digest.compose.features import ask, read_model
from digest.compose.section import ASK_BELOW
from train_sections import EXTRA_TIMES, SECTIONS, Row, read, train

#: So many later rows make a measurement.
ENOUGH = 200

Answer = tuple[str, float]


def measure(rows: Sequence[Row], answer: Callable[[Row], Answer]) -> dict[str, object]:
    """F1 of each section and their mean, calibration, and the share of rows that an editor is asked about."""
    start = time.perf_counter()
    answers = [answer(row) for row in rows]
    seconds = time.perf_counter() - start
    gold = [row["section"] for row in rows]
    f1 = {section: round(_f1(gold, [each for each, _ in answers], section), 4) for section in SECTIONS}
    asked = [sure < ASK_BELOW for _, sure in answers]
    right = [said == wanted for (said, _), wanted in zip(answers, gold, strict=True)]
    told = [good for good, is_asked in zip(right, asked, strict=True) if not is_asked]
    return {
        "rows": len(rows),
        "weeks": f"{rows[0]['date']} to {rows[-1]['date']}",
        "macro_f1": round(sum(f1.values()) / len(f1), 4),
        "f1": f1,
        "accuracy": round(sum(right) / len(right), 4),
        "asked_share": round(sum(asked) / len(asked), 4),
        "asked_share_without_events": _share([a for a, g in zip(asked, gold, strict=True) if g != "events"]),
        "accuracy_when_not_asked": round(sum(told) / len(told), 4),
        "calibration_error": _calibration(answers, right),
        "per_s": round(len(rows) / seconds),
    }


def _share(asked: Sequence[bool]) -> float:
    return round(sum(asked) / max(len(asked), 1), 4)


def _f1(gold: Sequence[str], said: Sequence[str], section: str) -> float:
    both = sum(g == s == section for g, s in zip(gold, said, strict=True))
    either = sum(g == section for g in gold) + sum(s == section for s in said)
    return 2 * both / either if either else 1.0


def _calibration(answers: Sequence[Answer], right: Sequence[bool]) -> float:
    """The mean distance between how sure it was and how often it was right, over ten equal bands."""
    off = 0.0
    for band in range(10):
        inside = [at for at, (_, sure) in enumerate(answers) if band / 10 < sure <= (band + 1) / 10]
        if inside:
            sure = sum(answers[at][1] for at in inside) / len(inside)
            off += abs(sure - sum(right[at] for at in inside) / len(inside)) * len(inside)
    return round(off / len(answers), 4)


def two_expressions(row: Row) -> Answer:
    """The peer."""
    if re.search(
        r"meetup\.com|eventbrite|/events?/|\b(?:meetup|hack (?:and|&) learn)\b",
        row["url"] + row["title"],
        re.I,
    ):
        return "events", 1.0
    news = r"announc|introducing|releas|changelog|\bv?\d+\.\d+|this (?:week|month)|newsletter|update"
    return ("news" if re.search(news, row["title"], re.I) else "learnings"), 1.0


def main() -> None:
    """Print the figures, with --json as one object in the last line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", type=Path)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    rows = read(args.file)
    weeks = sorted({row["date"] for row in rows})
    cut = weeks[len(weeks) * 3 // 4]
    text = files("digest.compose").joinpath("sections.txt").read_text(encoding="utf-8")
    until = next((line.split("\t")[1] for line in text.splitlines() if line.startswith("#until")), "")
    extra = read(Path(__file__).with_name("sections.tsv")) * EXTRA_TIMES
    retrained = train([row for row in rows if row["date"] < cut], extra)
    late = [row for row in rows if row["date"] >= cut]
    result = {
        "retrained": measure(late, lambda row: ask(retrained, row["title"], row["url"]).shares[0]),
        "two_expressions": measure(late, two_expressions),
    }
    unseen = [row for row in rows if row["date"] > until]
    if len(unseen) >= ENOUGH:
        shipped = read_model(text)
        result["shipped"] = measure(unseen, lambda row: ask(shipped, row["title"], row["url"]).shares[0])
    which = "shipped" if "shipped" in result else "retrained"
    top = {"measured": which} | result[which]
    for name, value in (top | result).items():
        print(f"{name}: {value}")
    if args.json:
        print(json.dumps(top | result))


if __name__ == "__main__":
    main()
