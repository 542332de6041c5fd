"""The plan under an editor's hand: what they decided for ever, and what they did to this draft. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from digest.compose import Plan, kin
from digest.domain import Article, Decision, DecisionKind, Edit


def with_decisions(plan: Plan, decisions: Iterable[Decision], articles: Iterable[Article]) -> Plan:
    """The plan with the decisions that concern these articles or are about corrections, the newest first."""
    there = frozenset(article.canonical_url for article in articles)
    said = tuple(decisions)
    by_kind = {kind: [each for each in said if each.kind is kind] for kind in DecisionKind}
    pairs = {each.urls: each.answer for each in by_kind[DecisionKind.STORY]}
    # What binds two articles of this week may be one of an earlier week that is the same as both.
    heads = kin(_pairs(pairs, "yes"))
    present = frozenset(heads.get(url, url) for url in there)
    near = {
        urls: answer
        for urls, answer in pairs.items()
        if present.issuperset(heads.get(url, url) for url in urls)
    }
    return replace(
        plan,
        same=_pairs(near, "yes"),
        different=_pairs(near, "no"),
        placed={
            each.urls[0]: each.answer for each in by_kind[DecisionKind.SECTION] if there.issuperset(each.urls)
        },
        rules=tuple(each for each in by_kind[DecisionKind.RULE] if each.source_id in plan.sources),
        uncorrected=frozenset(each.pattern for each in by_kind[DecisionKind.CORRECTION])
        & {each.key for each in plan.corrections},
    )


def _pairs(answers: Mapping[tuple[str, ...], str], wanted: str) -> frozenset[tuple[str, str]]:
    """The pairs of addresses that were given that answer, each in order."""
    return frozenset((min(urls), max(urls)) for urls, answer in answers.items() if answer == wanted)


def with_edits(plan: Plan, edits: Iterable[Edit]) -> Plan:
    """The plan with what an editor locked and dropped, and where they put it."""
    done = tuple(edits)
    locked = [each for each in done if not each.is_dropped]
    return replace(
        plan,
        locked=tuple(each.story for each in locked),
        dropped=tuple(each.story for each in done if each.is_dropped),
        places={each.story.key: each.place for each in locked if each.place},
    )
