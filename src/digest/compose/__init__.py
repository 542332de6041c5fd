"""ARTICLES → ISSUE: window, stories, sections, ranking, summaries, picking. Pure: same input, same issue."""

from digest.compose.explain import explain
from digest.compose.issue import compose, review
from digest.compose.learn import pattern_of, pattern_words
from digest.compose.plan import Plan, Weights
from digest.compose.review import Question, Review

__all__ = [
    "Plan",
    "Question",
    "Review",
    "Weights",
    "compose",
    "explain",
    "pattern_of",
    "pattern_words",
    "review",
]
