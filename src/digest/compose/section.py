"""Which section a story is in: by its source's setting, by what it is, then by rules on title and address."""

import re

from digest.compose.plan import Plan
from digest.domain import EVENTS, Article, Reason

NEWS = "news"
LEARNINGS = "learnings"


def _any_of(*words: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(words)})s?\b", re.IGNORECASE)


#: Announced, but nobody says when: no event until there is a date.
_UNDATED = _any_of("conference", "webinar", "meet-?up", "register now", "registration (?:is )?open")

_WORK = (
    "using|writing|implementing|debugging|optimi[sz]ing|learning|exploring|profiling|porting|visuali[sz]ing"
    "|fine-?tuning|training|reverse engineering|making|building an?|creating|testing|speeding up|designing"
)
#: What is said of a title, and the words that make it true.
_TITLES = (
    ("teaches", _any_of("tutorial", "guide", "course", "cookbook", "walk-?through", "primer", "handbook")),
    ("teaches", _any_of("lecture", "workshop", "cheat ?sheet", "lesson", "best practice", "step by step")),
    ("explains", _any_of("how (?:to|we|i|our|do|does|it)", "(?:how .* )works?$", "introduction to")),
    ("explains", _any_of("explained", "explaining", "deep dive", "from scratch", "under the hood")),
    ("explains", re.compile(r"^(?:why|what is|what are|understanding|inside)\b", re.IGNORECASE)),
    ("tells of work", re.compile(rf"^(?:{_WORK}) ", re.IGNORECASE)),
    ("is one of a series", _any_of("part [0-9ivx]+", "[0-9]+ (?:ways|things|tip|rule|step)")),
    ("looks back", _any_of("post-?mortem", "case stud(?:y|ie)", "incident report")),
    ("is research", _any_of("paper", "arxiv", "benchmark", "benchmarking", "survey", "dataset", "ablation")),
    ("is research", _any_of("evaluating", "evaluation", "measuring", "quantifying", "interpretability")),
)
_ADDRESSES = (
    ("is a paper", re.compile(r"//(?:[\w-]+\.)?(?:arxiv|openreview|aclanthology)\.\w+/|\.pdf$")),
    ("is filed under learning", re.compile(r"/(?:tutorial|guide|course|paper|lesson|lecture)s?/")),
    ("is filed under learning", re.compile(r"/(?:learn|how-to|research|cookbook|engineering)/")),
)
#: Kinds that the gatherer recognised.
_KINDS = frozenset({"Paper", "Tutorial", "Course", "Talk", "Guide"})


def section(article: Article, plan: Plan) -> tuple[str, Reason]:
    """The key of the article's section and why; "" when the newsletter has no place for it."""
    if article.event is not None:
        return _event(plan)
    keys = plan.section_keys()
    if not keys:
        return "", Reason(rule="section.none", words="This newsletter has only events.")
    wanted = plan.sources[article.source_id].section
    if wanted in keys:
        return wanted, Reason(rule="section.source", words=f"Its source is set to {_label(wanted, plan)}.")
    key, why = _by_rules(article)
    if key in keys:
        return key, Reason(rule=f"section.{key}", words=why)
    return keys[0], Reason(rule="section.first", words="No rule places it, so it is in the first section.")


def _event(plan: Plan) -> tuple[str, Reason]:
    if any(each.key == EVENTS for each in plan.sections):
        return EVENTS, Reason(rule="section.event", words="It has a time and a place, so it is an event.")
    return "", Reason(rule="section.none", words="This newsletter has no events.")


def _by_rules(article: Article) -> tuple[str, str]:
    if _UNDATED.search(article.title):
        return NEWS, "Announces an event but gives no date."
    if article.kind in _KINDS:
        return LEARNINGS, f"It is marked as {article.kind.lower()}."
    for what, pattern in _TITLES:
        if found := pattern.search(article.title):
            return LEARNINGS, f"Its title {what} (“{found[0]}”)."
    for what, pattern in _ADDRESSES:
        if pattern.search(article.canonical_url):
            return LEARNINGS, f"By its address it {what}."
    return NEWS, "Nothing says that it teaches, so it is news."


def _label(key: str, plan: Plan) -> str:
    return next(each.label for each in plan.sections if each.key == key)
