"""What an editor taught about sections: answers for one address, and rules for a source's articles of a kind.

A rule is learnt from one move and kept narrow: what the moved article has in common with others of its
source is the start of its title ("tutorial:") or of its address ("/tutorials/"), and only where that tells
some of the articles from the rest.
"""

import re
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from digest.compose.plan import Plan
from digest.domain import Article, Decision, Reason

#: Up to four words before a colon or a bar, or what stands in brackets.
_LEAD_IN = re.compile(r"\s*(\[[^\[\]]{1,30}\]|[^\W\d][^\s:|]*(?: [^\s:|]+){0,3} ?[:|](?=\s))")


def taught(articles: Sequence[Article], plan: Plan) -> tuple[str, Reason] | None:
    """The section that an editor gave to one of a story's articles, or by a rule to the first; else None."""
    keys = frozenset(each.key for each in plan.sections)
    for article in articles:
        key = plan.placed.get(article.canonical_url, "")
        if key in keys:
            return key, Reason(rule="section.editor", words="An editor put it there.")
    lead = articles[0]
    if lead.event is not None:
        return None
    for rule in plan.rules:
        if rule.answer in keys and rule.source_id == lead.source_id and fits(rule.pattern, lead):
            words = f"An editor moved an article of this source there before ({pattern_words(rule)})."
            return rule.answer, Reason(rule="section.rule", words=words)
    return None


def fits(pattern: str, article: Article) -> bool:
    """True when the article is one of those that the pattern is for."""
    if pattern.startswith("/"):
        return urlsplit(article.canonical_url).path.startswith(pattern)
    return _squeeze(article.title).startswith(pattern)


def pattern_of(article: Article, others: Iterable[Article]) -> str | None:
    """What tells articles like this one from the `others` of its source; None when nothing does."""
    known = tuple(others)
    for each in (_lead_in(article), _folder(article)):
        alike = sum(fits(each, other) for other in known) if each else len(known) + 2
        # What most of a source's articles have says nothing; the article itself may be among them.
        if 2 * alike <= len(known) + 1:
            return each
    return None


def pattern_words(rule: Decision) -> str:
    """What a rule is for, for people."""
    if not rule.pattern:
        return "all of it"
    return ("addresses" if rule.pattern.startswith("/") else "titles") + f" that begin with {rule.pattern}"


def _lead_in(article: Article) -> str:
    found = _LEAD_IN.match(article.title)
    return _squeeze(found[1]) if found else ""


def _folder(article: Article) -> str:
    """The folders of its address up to the first that is a number, as dates are."""
    *folders, _page = urlsplit(article.canonical_url).path.split("/")[1:] or [""]
    named: list[str] = []
    for each in folders:
        if not each or each.isdigit():
            break
        named.append(each)
    return f"/{'/'.join(named)}/" if named else ""


def _squeeze(text: str) -> str:
    return " ".join(text.casefold().split())
