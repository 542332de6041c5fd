"""Whole issues as they were when a person last read them: they change on purpose only.

`python tests/test_compose_golden.py` writes them anew; read the difference before you commit it.
"""

import tomllib
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from articles import NOW, SINCE, UNTIL, article, plan, source, sources
from digest.compose import Plan, explain, review
from digest.domain import Article, Decision, DecisionKind, Event, Reason, Tier

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


FAMILY = sources(source(2, owner="Halden"), source(3, owner="Halden"), source(5, weight=1.5))


def told(chosen: Plan) -> str:
    """The issue, the questions and what was held back, as lines."""
    found = review(week(), chosen, now=NOW)
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


def untouched() -> Plan:
    """As the rules make it."""
    return plan(sources=FAMILY, max_per_source=3)


def in_hand() -> Plan:
    """The same week after its editor answered, rewrote, moved and dropped."""
    found = review(week(), untouched(), now=NOW)
    harbour, fishermen = found.questions[0].urls
    _register, sign, *_others, drift, _conference = found.content.stories
    words = Reason(rule="pick.locked", words="Locked by mette.")
    return replace(
        untouched(),
        different=frozenset({(harbour, fishermen)}),
        placed={harbour: "news"},
        rules=(
            Decision(
                newsletter="weekly",
                kind=DecisionKind.RULE,
                answer="news",
                source_id=7,
                pattern="lessons from",
                at=NOW,
            ),
        ),
        locked=(replace(sign, tier=Tier.LEAD, why="It is free.", reasons=(words,)),),
        places={sign.key: 1},
        dropped=(drift,),
    )


GOLDEN = {"golden.txt": untouched, "golden-in-hand.txt": in_hand}


@pytest.mark.parametrize("name", GOLDEN)
def test_the_golden_issues_are_as_they_were(name: str) -> None:
    assert told(GOLDEN[name]()) == (FOLDER / name).read_text(encoding="utf-8")


if __name__ == "__main__":
    for name, chosen in GOLDEN.items():
        (FOLDER / name).write_text(told(chosen()), encoding="utf-8")
