"""ARTICLES → ISSUE: window, stories, sections, ranking, summaries, picking. Pure: same input, same issue."""

from digest.compose.explain import explain
from digest.compose.issue import compose, review
from digest.compose.plan import Plan, Weights
from digest.compose.review import Held, Question, Review

__all__ = ["Held", "Plan", "Question", "Review", "Weights", "compose", "explain", "review"]
