"""What is different between two issues, or between two revisions of one."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher

from digest.domain import Content, Correction, Event, Story

#: What an editor or a gathering changes in a story's words, by the word for it.
_WORDS = {
    "title": "retitled",
    "summary": "rewritten",
    "why": "rewritten",
    "url": "relinked",
    "tier": "resized",
}
_TOLD = ("also", "kind", "event", "topics")
#: A correction has no other name than the story's old title.
_CORRECTION = "correction of “{}”"
_HEAD = ("subject", "note", "articles_read", "sources_read", "sources_failed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One difference: "added", "dropped", "moved", "retitled", "rewritten", "resized" and the like."""

    kind: str
    #: The story as it is now, or was; the name of what changed in the issue's own head.
    what: str
    before: str = ""
    after: str = ""


def changes(before: Content, after: Content) -> tuple[Change, ...]:
    """How `after` differs from `before`: the head, what was dropped, then story by story in their order.

    A story is the same when its key is, or when it tells one of the same articles.
    """
    pairs = _pairs(before, after)
    old = {story.key: story for story in before.stories}
    gone = [story for story in before.stories if story.key not in pairs.values()]
    found = [
        Change(kind="changed", what=name, before=_plain(mine), after=_plain(theirs))
        for name in _HEAD
        if (mine := getattr(before, name)) != (theirs := getattr(after, name))
    ]
    found += [Change(kind="dropped", what=story.title, before=story.section) for story in gone]
    moved = _moved(before, after, pairs)
    for story in after.stories:
        if story.key not in pairs:
            found.append(Change(kind="added", what=story.title, after=story.section))
            continue
        was = old[pairs[story.key]]
        if story.key in moved:
            found.append(
                Change(kind="moved", what=story.title, before=_where(was, before), after=_where(story, after))
            )
        found += _rewritten(was, story)
    return (*found, *_corrected(before, after))


def _corrected(before: Content, after: Content) -> Iterator[Change]:
    """The corrections that one issue tells and the other does not."""
    told, tells = {one.key for one in before.corrections}, {one.key for one in after.corrections}
    for one in before.corrections:
        if one.key not in tells:
            yield Change(kind="dropped", what=_CORRECTION.format(one.title), before=_said(one))
    for one in after.corrections:
        if one.key not in told:
            yield Change(kind="added", what=_CORRECTION.format(one.title), after=_said(one))


def _said(one: Correction) -> str:
    return f"“{one.new_title}”" if one.new_title else "its page is gone"


def _pairs(before: Content, after: Content) -> Mapping[str, str]:
    """Each story's key in `after`, with the key it had in `before`; none twice."""
    old = {story.key for story in before.stories}
    by_article = {number: story.key for story in before.stories for number in story.article_ids if number}
    pairs = {story.key: story.key for story in after.stories if story.key in old}
    taken = set(pairs.values())
    for story in after.stories:
        if story.key not in pairs:
            known = (by_article.get(number, "") for number in story.article_ids)
            key = next((each for each in known if each and each not in taken), "")
            if key:
                pairs[story.key] = key
                taken.add(key)
    return pairs


def _moved(before: Content, after: Content, pairs: Mapping[str, str]) -> set[str]:
    """The stories that changed their section, or their place among those that stayed."""
    old = {story.key: story.section for story in before.stories}
    moved = {
        story.key for story in after.stories if story.key in pairs and old[pairs[story.key]] != story.section
    }
    kept = [story.key for story in after.stories if story.key in pairs and story.key not in moved]
    was = [story.key for story in before.stories]
    then = sorted(kept, key=lambda key: was.index(pairs[key]))
    blocks = SequenceMatcher(a=then, b=kept, autojunk=False).get_matching_blocks()
    stayed = {key for block in blocks for key in kept[block.b : block.b + block.size]}
    return moved | (set(kept) - stayed)


def _where(story: Story, content: Content) -> str:
    """ "news 3": its section and its place there."""
    there = next(each.stories for each in content.sections if story in each.stories)
    return f"{story.section} {there.index(story) + 1}"


def _rewritten(was: Story, story: Story) -> list[Change]:
    found = [
        Change(kind=kind, what=story.title, before=str(mine), after=str(theirs))
        for name, kind in _WORDS.items()
        if (mine := getattr(was, name)) != (theirs := getattr(story, name))
    ]
    found += [
        Change(kind=f"{name} changed", what=story.title, before=_plain(mine), after=_plain(theirs))
        for name in _TOLD
        if (mine := getattr(was, name)) != (theirs := getattr(story, name))
    ]
    return found


def _plain(value: object) -> str:
    if isinstance(value, Event):
        return _facts(value)
    return ", ".join(map(str, value)) if isinstance(value, tuple) else "" if value is None else str(value)


def _facts(event: Event) -> str:
    """ "2026-12-02 18:00 to 2026-12-02 20:00 UTC, Dokk1, Aarhus, online"."""
    times = " to ".join(f"{at:%Y-%m-%d %H:%M}" for at in (event.starts_at, event.ends_at) if at)
    said = {
        f"zone {event.zone}": event.zone,
        "all day": event.all_day,
        event.place: event.place,
        "online": event.online,
        "a deadline": event.is_deadline,
        "cancelled": event.is_cancelled,
    }
    return ", ".join([f"{times} UTC", *(word for word, is_so in said.items() if is_so)])
