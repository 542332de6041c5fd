"""An issue as its editor reads it."""

from collections import Counter
from datetime import date

from digest.cli.plain import is_locked
from digest.cli.running import local
from digest.cli.terminal import Terminal, counted
from digest.compose import correction_words, day_of
from digest.config import NewsletterSettings
from digest.domain import FLOATING, Content, Event, Issue, IssueState, Story
from digest.house import House

#: Which decision an editor asks about first: how articles became one story, who tells it, then where it is.
_TELLING = ("story.", "rank.voices", "section.source", "section.event", "section.learnings", "rank.", "pick.")


def write_issue(terminal: Terminal, house: House, issue: Issue) -> None:
    """Print the issue: where it stands, then each section with its stories and one reason for each."""
    content = issue.content
    chosen = house.newsletter(issue.newsletter)
    due = local(house, issue.newsletter, issue.due_at)
    terminal.write(
        f"{chosen.name} {issue.number} · {issue.state} · revision {issue.revision} · due {due}", style="bold"
    )
    if issue.state is IssueState.REVIEW and issue.reason:
        terminal.write(f"Taken back: {issue.reason}")
    failed = f", {len(content.sources_failed)} failed" if content.sources_failed else ""
    articles, sources = counted(content.articles_read, "article"), counted(content.sources_read, "source")
    terminal.write(f"{articles} from {sources}{failed}")
    if chosen.topics:
        terminal.write(f"Topics: {_topics(chosen, content)}")
    if content.note:
        terminal.write(f"Note: {content.note}")
    position = 0
    for section in content.sections:
        terminal.write()
        terminal.write(section.label, style="bold")
        for story in section.stories:
            position += 1
            _write_story(terminal, house, issue, story, position)
    if content.corrections:
        terminal.write()
        terminal.write("Corrections", style="bold")
    for one in content.corrections:
        terminal.write(f"      {correction_words(one)}")


def _topics(chosen: NewsletterSettings, content: Content) -> str:
    """How many stories each topic has, so that one sees which words find nothing."""
    found = Counter(key for story in content.stories for key in story.topics)
    none = sum(chosen.topics.keys().isdisjoint(story.topics) for story in content.stories)
    return ", ".join([*(f"{key} {found[key]}" for key in chosen.topics), f"of none {none}"])


def _write_story(terminal: Terminal, house: House, issue: Issue, story: Story, position: int) -> None:
    terminal.write(f"{position:>4}  {story.tier:<5} {story.title}")
    where = [story.source, f"also {', '.join(story.also)}" if story.also else "", story.kind]
    if story.event:
        where.insert(0, _moment(house, issue, story.event))
        where.append(story.event.place)
        is_said = "online" in story.event.place.casefold()
        where.append("online" if story.event.online and not is_said else "")
    where.append(", ".join(story.topics))
    where.append("locked" if is_locked(story) else "")
    if facts := " · ".join(part for part in where if part):
        terminal.write(f"            {facts}", style="dim")
    if reason := _telling(story):
        terminal.write(f"            {reason}", style="dim")
    for why in story.reasons:
        if why.rule.startswith("summary."):
            terminal.write(f"            {why.words}", style="dim")


def _moment(house: House, issue: Issue, event: Event) -> str:
    """When it is: the organiser's day where the whole day is meant, else an hour on our clocks."""
    what = "deadline" if event.is_deadline else "starts"
    if event.zone == FLOATING and not event.all_day:
        return f"{what} {event.starts_at:%a %d %b %H:%M} local time"
    if not event.all_day:
        return f"{what} {local(house, issue.newsletter, event.starts_at)}"
    first = date.fromisoformat(day_of(event, house.newsletter(issue.newsletter).timezone))
    return f"{what} {first:%a %d %b}, " + ("end of day" if event.is_deadline else "all day")


def _telling(story: Story) -> str:
    """The one reason that says most."""
    for head in _TELLING:
        for reason in story.reasons:
            if reason.rule.startswith(head):
                return f"why: {reason.words}"
    return ""
