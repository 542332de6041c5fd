"""An issue as `--json` shows it."""

from digest.domain import Correction, Issue, Story

_PLAIN: tuple[str, ...] = ("id", "newsletter", "number", "state", "revision", "due_at", "approve_at")
_PLAIN += ("approved_at", "approved_by", "started_at", "sent_at", "reason")


def plain_issue(issue: Issue, *, stories: bool = True) -> dict[str, object]:
    """An issue as `--json` shows it."""
    found: dict[str, object] = {name: getattr(issue, name) for name in _PLAIN}
    content = issue.content
    counts = {section.key: len(section.stories) for section in content.sections}
    found |= {"since": content.since, "until": content.until, "sections": counts}
    if not stories:
        return found
    told = [_plain_story(story, position) for position, story in enumerate(content.stories, 1)]
    return found | {
        "articles_read": content.articles_read,
        "sources_read": content.sources_read,
        "sources_failed": list(content.sources_failed),
        "corrections": [_plain_correction(one) for one in content.corrections],
        "stories": told,
    }


def _plain_correction(one: Correction) -> dict[str, object]:
    names = ("kind", "number", "section", "title", "new_title", "url")
    return {name: getattr(one, name) for name in names}


def _plain_story(story: Story, position: int) -> dict[str, object]:
    names: tuple[str, ...] = ("key", "section", "tier", "title", "url", "source", "also")
    names += ("summary", "why", "kind", "score", "event", "topics")
    reasons = [{"rule": reason.rule, "words": reason.words} for reason in story.reasons]
    values = {name: getattr(story, name) for name in names}
    return {"position": position} | values | {"locked": is_locked(story), "reasons": reasons}


def is_locked(story: Story) -> bool:
    """True for a story that an editor fixed."""
    return any(reason.rule == "pick.locked" for reason in story.reasons)
