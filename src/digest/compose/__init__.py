"""ARTICLES → ISSUE: window, stories, sections, ranking, summaries, picking. Pure: same input, same issue."""

from digest.compose.explain import explain
from digest.compose.issue import compose
from digest.compose.plan import Plan, Weights

__all__ = ["Plan", "Weights", "compose", "explain"]
