"""ARTICLES → ISSUE: window, stories, sections, ranking, summaries, picking. Pure: same input, same issue."""

from digest.compose.changes import Change, changes
from digest.compose.explain import explain
from digest.compose.gate import refusal
from digest.compose.issue import compose, review
from digest.compose.learn import pattern_of, pattern_words
from digest.compose.month import best_of
from digest.compose.plan import Plan, Weights
from digest.compose.review import Question, Review
from digest.compose.reword import materials
from digest.compose.same import contradicts, kin

__all__ = [
    "Change",
    "Plan",
    "Question",
    "Review",
    "Weights",
    "best_of",
    "changes",
    "compose",
    "contradicts",
    "explain",
    "kin",
    "materials",
    "pattern_of",
    "pattern_words",
    "refusal",
    "review",
]
