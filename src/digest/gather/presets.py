"""Well-known sites: where their feeds are, and how their lists are to be read."""

import re
from collections.abc import Callable

from digest.domain import SourceKind

#: A person's address of a site, and where it publishes.
_FEEDS: tuple[tuple[str, str], ...] = (
    (r"https?://(?:www\.|m\.)?youtube\.com/channel/(UC[\w-]{22})(?:[/?#].*)?",
     r"https://www.youtube.com/feeds/videos.xml?channel_id=\1"),
    (r"https?://(?:www\.|m\.)?youtube\.com/playlist\?(?:.*&)?list=([\w-]{10,50})(?:[&#].*)?",
     r"https://www.youtube.com/feeds/videos.xml?playlist_id=\1"),
    (r"https?://(?:www\.|export\.)?arxiv\.org/(?:list|archive)/([a-z-]+(?:\.[A-Za-z-]{2,20})?)(?:[/?#].*)?",
     r"https://rss.arxiv.org/rss/\1"),
    (r"https?://(?:export\.arxiv\.org/rss|arxiv\.org/rss|rss\.arxiv\.org/atom)/([\w.+-]{2,80})",
     r"https://rss.arxiv.org/rss/\1"),
    (r"https?://news\.ycombinator\.com/?(?:news|front)?(?:[?#].*)?", "https://news.ycombinator.com/rss"),
    (r"https?://news\.ycombinator\.com/show(?:[?#].*)?", "https://hnrss.org/show?points=50"),
    (r"https?://(?:www\.)?github\.com/([\w.-]+/[\w.-]+)/releases/?", r"https://github.com/\1/releases.atom"),
    (r"https?://huggingface\.co/papers/?(?:[?#].*)?", "https://huggingface.co/api/daily_papers"),
)  # fmt: skip
#: Lists whose fields do not say by their names what they are.
_RECIPES: tuple[tuple[str, str], ...] = (
    (r"https://huggingface\.co/api/daily_papers\b",
     "title=paper.title | title; url=https://huggingface.co/papers/{paper.id}; guid=paper.id; "
     "summary=paper.summary | summary; published=publishedAt; author=paper.authors.name; "
     "least=paper.upvotes 15"),
    (r"https://developers\.events/all-events\.json\b",
     "title=name; url=hyperlink; starts=date.0; ends=date.-1; place=city, country; online=location; "
     "only=tags.value artificial-intelligence|ai|machine-learning|data-science|llm|ml; "
     "deadline=cfp.untilDate; deadline_url=cfp.link"),
    (r"https://raw\.githubusercontent\.com/mlcontests/",
     "items=data; title=name; url=url; deadline=deadline; summary={platform} {prize}; published=launched"),
)  # fmt: skip


def feed_address(url: str) -> str:
    """Where a well-known site's page publishes; the address itself for all others."""
    for pattern, feed in _FEEDS:
        if re.fullmatch(pattern, url):
            return re.sub(pattern, feed, url)
    return url


def feed_in(url: str, text: str) -> str:
    """The feed of a channel that the page of a person's name for it tells (youtube.com/@name), else ""."""
    if not re.match(r"https?://(?:www\.|m\.)?youtube\.com/(?:@|c/|user/)", url):
        return ""
    found = re.search(r'"(?:externalId|channelId)"\s*:\s*"(UC[\w-]{22})"', text)
    return feed_address(f"https://www.youtube.com/channel/{found[1]}") if found else ""


def recipe_of(url: str) -> str:
    """How the list at a well-known address is read, "" for all others."""
    return next((recipe for pattern, recipe in _RECIPES if re.match(pattern, url)), "")


def kind_of(url: str) -> SourceKind | None:
    """The kind of source that a well-known address is, None for all others."""
    return SourceKind.JSON if recipe_of(url) else None


def _arxiv(description: str) -> str | None:
    """The abstract alone; None for a new version of a paper that was there before."""
    found = re.match(r"arXiv:\S+\s+Announce Type:\s*(\S+)\s*(?:Abstract:\s*)?", description)
    if found and found[1].lower().startswith("replace"):
        return None
    return description[found.end() :] if found else description


def _hacker_news(description: str) -> str | None:
    """Without what stands below every entry: links to comments and their count."""
    text = re.sub(
        r"(?s)<p>(?:Article|Comments) URL:.*?</p>|<p>(?:Points|# Comments):.*?</p>", "", description
    )
    return re.sub(r"(?s)^\s*<a [^>]*>Comments</a>\s*$", "", text)


#: What the descriptions of some feeds hold besides what they describe; None leaves the entry out.
_DESCRIPTIONS: tuple[tuple[str, Callable[[str], str | None]], ...] = (
    (r"https://(?:rss|export)\.arxiv\.org/", _arxiv),
    (r"https://(?:news\.ycombinator\.com|hnrss\.org)/", _hacker_news),
)


def description_reader(url: str) -> Callable[[str], str | None] | None:
    """What cleans the descriptions of a well-known feed, None for all others."""
    return next((clean for pattern, clean in _DESCRIPTIONS if re.match(pattern, url)), None)
