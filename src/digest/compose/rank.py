"""How a story is weighed: one sum of named terms, each of which is told to whoever asks why.

    score = recency · 2^(−age / half life) + voices · log2(independent owners) + source · (weight − 1)
          + rarity / (stories of the same owner this week) + substance (has a text) + release (is a version)

Age is counted from publication to the end of the window. A story's weight is its leading source's.
"""

import math
from collections.abc import Mapping
from datetime import timedelta

from digest.compose.plan import Plan, voice, weight
from digest.compose.story import Cluster, told_at
from digest.domain import Reason

_DAY = timedelta(days=1)


def rank(
    cluster: Cluster, plan: Plan, *, stories_of: Mapping[str, int], has_text: bool
) -> tuple[float, tuple[Reason, ...]]:
    """The score, rounded to four places, and a reason for each term that is not nothing.

    `stories_of` counts the window's stories by voice.
    """
    terms = [
        _recency(cluster, plan),
        _voices(cluster, plan),
        _source(cluster, plan),
        _rarity(cluster, plan, stories_of),
        ("substance", plan.weights.substance * has_text, "The feed gives a text to tell it with"),
        ("release", plan.weights.release * cluster.is_release, "The headline is a version number"),
    ]
    reasons = [
        Reason(rule=f"rank.{name}", words=f"{words}: {value:+.2f}.", value=round(value, 4))
        for name, value, words in terms
        if abs(value) >= 0.005
    ]
    return round(sum(value for _, value, _ in terms), 4), tuple(reasons)


def _recency(cluster: Cluster, plan: Plan) -> tuple[str, float, str]:
    days = max((plan.until - told_at(cluster.lead)) / _DAY, 0.0)
    ago = "less than a day" if days < 1 else f"{days:.0f} day{'s' if round(days) != 1 else ''}"
    value = plan.weights.recency * math.pow(2, -days / plan.weights.half_life_days)
    return "recency", value, f"Published {ago} before the end of the week"


def _voices(cluster: Cluster, plan: Plan) -> tuple[str, float, str]:
    value = plan.weights.voices * math.log2(cluster.voices)
    return "voices", value, f"Told by {cluster.voices} independent owners"


def _source(cluster: Cluster, plan: Plan) -> tuple[str, float, str]:
    own = weight(plan.sources[cluster.lead.source_id])
    return "source", plan.weights.source * (own - 1), f"Its source weighs {own:g}"


def _rarity(cluster: Cluster, plan: Plan, stories_of: Mapping[str, int]) -> tuple[str, float, str]:
    stories = max(stories_of.get(voice(plan.sources[cluster.lead.source_id]), 1), 1)
    words = "Its owner's only story" if stories == 1 else f"One of {stories} stories of its owner"
    return "rarity", plan.weights.rarity / stories, words
