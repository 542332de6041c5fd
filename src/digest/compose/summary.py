"""The words under a headline: the feed's own text, cleaned of furniture and cut at a sentence."""

import re

from digest.compose.same import title_key
from digest.compose.sentences import fit, is_whole, sentences, word_count
from digest.domain import Tier

#: A text shorter than this names a category or an author and tells nothing.
MIN_WORDS = 5
#: One sentence may have so many characters, since none is cut.
MAX_ALONE = 400

#: What feeds put around their text, each after words that it always has, which are quick to look for.
_FURNITURE = tuple(
    (hints, re.compile(pattern, re.IGNORECASE))
    for hints, pattern in (
        (("the post",), r"\bThe post\b.{0,400}?\b(?:appeared first|first appeared) on\b.*$"),
        (
            ("this article", "this post", "this story"),
            r"\bThis (?:article|post|story) (?:was )?(?:originally |first )?(?:appeared|published)"
            r" (?:on|in|at)\b.*$",
        ),
        (("arxiv:",), r"^arXiv:\S+ Announce Type: \S+(?: Abstract:)?"),
        (("abstract",), r"^Abstract[:.]\s"),
        (
            (" url: ", "points: ", "# comments"),
            r"\b(?:Article|Comments) URL: \S+|\bPoints: \d+|# Comments: \d+",
        ),
        (
            ("submitted by", "[link]", "comments"),
            r"\bsubmitted by /u/\S+|\[link\]|\[comments\]|^Comments$",
        ),
        (("http",), r"\s*\(\s*https?://[^\s()]+\s*\)"),
        (
            ("(reuters)", "(ap)", "(afp)"),
            r"^(?:By [^()]{3,160}? )?[A-Z][A-Za-z/., ]{2,60}?(?:, \w{3,9}\.? \d{1,2})?"
            r" \((?:Reuters|AP|AFP)\) [-–—] ",
        ),
        (("click here",), r"(?:^|(?<=[.!?] ))Click here\b[^.!?]{0,80}[.!?]"),
        (("read more", "learn more"), r"[(\[]?\b(?:Read|Learn) more\b[)\]]?[\s.…»→>]*$"),
        (
            (" full ", " rest of the "),
            r"[(\[]?\b(?:Read|See) (?:the )?(?:full|rest of the) (?:article|story|post)\b[)\]]?[\s.…»→>]*$",
        ),
        (("reading",), r"\b(?:Continue|Keep) reading\b.{0,200}$"),
        (
            ("続きを読む", "もっと読む", "阅读更多", "weiterlesen", "lire la suite"),
            r"(?:続きを読む|もっと読む|阅读更多|Weiterlesen|Lire la suite)[\s.…»→>]*$",
        ),
    )
)
#: A bare address between sentences; one within a sentence is a word of it.
_ADDRESS = re.compile(r"(?:^|\s)<?https?://[^\s<>]+[>)]?(?=\s+[^\W\da-z_]|\s*$)")
_BYLINE = re.compile(r"[Bb]y [A-Z]")
_CUT_BY_FEED = re.compile(r"\s*(?:\[(?:…|\.{3})\]|\((?:…|\.{3})\)|…|\.{3})\s*$")


def summary(text: str, title: str, tier: Tier) -> str:
    """The text for a story of this tier, plain and possibly empty; it never repeats the title.

    A lead has at most 60 words, an item two sentences of 280 characters or a longer one, a brief none.
    """
    if tier is Tier.BRIEF:
        return ""
    pieces = _pieces(text, title)
    if word_count(" ".join(pieces)) < MIN_WORDS:
        return ""
    if tier is Tier.LEAD:
        return fit(pieces, max_words=60, max_letters=600, max_sentences=60, alone=600)
    return fit(pieces, max_words=60, max_letters=280, max_sentences=2, alone=MAX_ALONE)


def _pieces(text: str, title: str) -> tuple[str, ...]:
    """The sentences worth telling; what has no end is left out when there is another.

    That is a last sentence that the feed cut, or a line of its own before a bare address.
    """
    text = _without_title(_clean(text), title)
    cut = _CUT_BY_FEED.search(text)
    if cut:
        text = text[: cut.start()] + "…"
    whole: list[str] = []
    open_ended: list[str] = []
    for part in _ADDRESS.split(text):
        found = [one for one in sentences(part) if title_key(one) not in {"", title_key(title)}]
        if found and not is_whole(found[-1]):
            open_ended.append(found.pop())
        whole += found
    return tuple(whole or [one for one in open_ended if not _BYLINE.match(one)][:1])


def _clean(text: str) -> str:
    text = " ".join(text.split())
    # Furniture comes in rows ("[…] Read more The post … appeared first on …").
    while (less := _less(text)) != text:
        text = less
    return text


def _less(text: str) -> str:
    """The text without the furniture that is seen in it now."""
    low = text.lower()
    for hints, pattern in _FURNITURE:
        if any(hint in low for hint in hints):
            text = pattern.sub(" ", text)
    return " ".join(text.split())


def _without_title(text: str, title: str) -> str:
    """The text without the title at its start, when something else begins after it."""
    title = " ".join(title.split())
    if not title or not text.casefold().startswith(title.casefold()):
        return text
    rest = text[len(title) :]
    # "Atlas 4" must not be cut out of "Atlas 4 is here": what follows has to begin anew.
    if re.match(r"\s*[.:|!?–—-]+\s|\s+[A-Z\d“\"(]|$", rest):
        return rest.lstrip(" .:|!?–—-")
    return text
