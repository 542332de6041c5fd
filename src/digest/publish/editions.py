"""How one issue differs from reader to reader: by sections, topics, zone, and what they were sent.

Each different edition is rendered once. Which earlier issues a reader was sent stands in the ledger of
deliveries, and what those told in the issues themselves.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from digest.domain import Cadence, Choice, Content, Issue, Story, Subscription
from digest.house import House
from digest.render import Masthead
from digest.store import Session, audience, issues

#: Zones, besides the newsletter's, that events are told in: those of most readers.
MOST_ZONES = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Editions:
    """What tells the editions of an issue apart."""

    issue: Issue
    #: By the id of another issue, the keys of the stories that both tell.
    known: Mapping[int, frozenset[str]] = field(default_factory=dict)
    #: The ids of the issues that a month's issue is made of.
    parts: tuple[int, ...] = ()
    zones: tuple[str, ...] = ()
    #: Keys of the topics that the newsletter has: what was chosen of others counts for nothing.
    topics: frozenset[str] = frozenset()

    def content(self, choice: Choice) -> Content:
        """What the readers of that choice are told; it may be empty."""
        known = (self.known.get(one, frozenset()) for one in choice.had)
        chosen = self.issue.content.only(choice.sections).about(choice.topics, known=self.topics)
        return chosen.without(frozenset().union(*known))

    def masthead(self, house: House, choice: Choice) -> Masthead:
        """The newsletter with the clocks of that choice."""
        masthead = house.masthead(self.issue.newsletter)
        return replace(masthead, zone=choice.zone) if choice.zone else masthead


async def editions_of(session: Session, house: House, issue: Issue) -> Editions:
    """The editions of an issue as they are now."""
    content, chosen = issue.content, house.newsletter(issue.newsletter)
    parts: tuple[Issue, ...] = ()
    if issue.cadence is Cadence.MONTHLY:
        parts = await issues.approved_in(session, issue.newsletter, since=content.since, until=content.until)
    others = {one.id: one.content for one in (*await issues.alike(session, issue), *parts)}
    known = {number: told_by_both(content, other) for number, other in others.items()}
    zones: tuple[str, ...] = ()
    if _has_hours(content):
        zones = await audience.zones_of(session, issue.newsletter, but=chosen.timezone, most=MOST_ZONES)
    return Editions(
        issue=issue,
        known={number: keys for number, keys in sorted(known.items()) if keys},
        parts=tuple(part.id for part in parts),
        zones=zones,
        topics=frozenset(chosen.topics),
    )


async def choice_for(session: Session, editions: Editions, reader: Subscription) -> Choice:
    """The edition that this reader gets; for nobody in the database what they chose."""
    key = None
    if reader.subscriber.id:
        key = await audience.choice_of_reader(
            session, editions.issue, reader.subscriber.id, had=tuple(editions.known), zones=editions.zones
        )
    return Choice(sections=reader.sections, topics=reader.topics) if key is None else Choice.parse(key)


def told_by_both(content: Content, other: Content) -> frozenset[str]:
    """Keys of the stories of `content` that `other` told as well; news of an event is another telling."""
    keys = {story.key for story in other.stories if story.event is None}
    articles = {number for story in other.stories if story.event is None for number in story.article_ids}
    events = {_telling(story) for story in other.stories if story.event}
    return frozenset(
        story.key
        for story in content.stories
        if (story.event and _telling(story) in events)
        or (not story.event and (story.key in keys or not articles.isdisjoint(story.article_ids)))
    )


def _telling(story: Story) -> tuple[object, ...]:
    return story.key, story.event, story.kind


def _has_hours(content: Content) -> bool:
    return any(story.event and not story.event.all_day for story in content.stories)
