"""A whole issue as it was when a person last read it: it changes on purpose only.

`python tests/test_compose_golden.py` writes it anew; read the difference before you commit it.
"""

import tomllib
from datetime import timedelta
from pathlib import Path

from articles import NOW, SINCE, UNTIL, article, plan, source, sources
from digest.compose import explain, review
from digest.domain import Article, Event

FOLDER = Path(__file__).parent / "data" / "compose"


def week() -> list[Article]:
    """The articles of `week.toml`."""
    rows = tomllib.loads((FOLDER / "week.toml").read_text(encoding="utf-8"))["article"]
    return [
        article(
            number,
            source_id=row["source"],
            title=row["title"],
            summary=row.get("summary", ""),
            text=row.get("text", ""),
            language=row.get("language", "en"),
            canonical_url=row.get("url", f"https://s{row['source']}.example/{number}"),
            seen_at=SINCE + timedelta(hours=row["hour"]),
            published_at=SINCE + timedelta(hours=row["hour"]),
            event=Event(starts_at=UNTIL + timedelta(days=row["in_days"]), place=row.get("place", ""))
            if "in_days" in row
            else None,
        )
        for number, row in enumerate(rows, 1)
    ]


def told() -> str:
    """The issue, the questions and what was held back, as lines."""
    family = sources(source(2, owner="Halden"), source(3, owner="Halden"), source(5, weight=1.5))
    found = review(week(), plan(sources=family, max_per_source=3), now=NOW)
    lines = []
    for story in found.content.stories:
        first, *rest = explain(story)
        lines += [
            first,
            *(f"    {line}" for line in rest),
            *([f"    > {story.summary}"] if story.summary else []),
        ]
    lines += ["", "Questions", *(f"    {each.words} ({each.confidence:.2f})" for each in found.questions)]
    lines += ["", "Held back", *(f"    {each.title}: {each.reasons[-1].words}" for each in found.held)]
    return "\n".join(lines) + "\n"


def test_the_golden_issue_is_as_it_was() -> None:
    assert told() == (FOLDER / "golden.txt").read_text(encoding="utf-8")


if __name__ == "__main__":
    (FOLDER / "golden.txt").write_text(told(), encoding="utf-8")
