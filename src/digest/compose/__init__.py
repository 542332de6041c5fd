"""ARTICLES → ISSUE: window, stories, sections, ranking, summaries, picking. Pure: same input, same issue."""

from digest.compose.changes import Change, changes
from digest.compose.correct import Telling, correction_words, corrections, is_retitled, tellings
from digest.compose.event import day_of
from digest.compose.explain import explain
from digest.compose.gate import refusal
from digest.compose.issue import compose, review
from digest.compose.learn import pattern_of, pattern_words
from digest.compose.month import best_of
from digest.compose.plan import Plan, Weights
from digest.compose.recheck import Recheck, put_right, recheck, story_now
from digest.compose.returned import returned
from digest.compose.review import Question, Review
from digest.compose.reword import materials
from digest.compose.same import contradicts, kin

__all__ = [
    "Change",
    "Plan",
    "Question",
    "Recheck",
    "Review",
    "Telling",
    "Weights",
    "best_of",
    "changes",
    "compose",
    "contradicts",
    "correction_words",
    "corrections",
    "day_of",
    "explain",
    "is_retitled",
    "kin",
    "materials",
    "pattern_of",
    "pattern_words",
    "put_right",
    "recheck",
    "refusal",
    "returned",
    "review",
    "story_now",
    "tellings",
]
