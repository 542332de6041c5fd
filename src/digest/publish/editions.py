"""How one issue differs from reader to reader: by sections, topics, zone, and what they were sent.

Each different edition is rendered once. Which earlier issues a reader was sent stands in the ledger of
deliveries, and what those told in the issues themselves.
"""

from collections.abc import Iterable, Mapping
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
    #: By id, other issues that tell some of the same.
    others: Mapping[int, Content] = field(default_factory=dict)
    #: The ids of the issues that a month's issue is made of.
    parts: tuple[int, ...] = ()
    zones: tuple[str, ...] = ()
    #: Keys of the topics that the newsletter has: what was chosen of others counts for nothing.
    topics: frozenset[str] = frozenset()

    def content(self, choice: Choice) -> Content:
        """What the readers of that choice are told; it may be empty."""
        had = (told_by_both(self.issue.content, copy) for copy in self._copies(choice))
        chosen = self.issue.content.only(choice.sections).about(choice.topics, known=self.topics)
        return chosen.without(frozenset().union(*had))

    def _copies(self, choice: Choice) -> Iterable[Content]:
        """What these readers were sent of the other issues."""
        for one in choice.had:
            other = self.others.get(one.issue_id)
            if other is not None:
                chosen = Choice.parse(one.choice)
                # A topic that was removed since was one when its stories were told.
                topics = self.topics.union(*(story.topics for story in other.stories))
                yield other.only(chosen.sections).about(chosen.topics, known=topics)

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
    zones: tuple[str, ...] = ()
    if _has_hours(content):
        zones = await audience.zones_of(session, issue.newsletter, but=chosen.timezone, most=MOST_ZONES)
    return Editions(
        issue=issue,
        others={number: other for number, other in sorted(others.items()) if told_by_both(content, other)},
        parts=tuple(part.id for part in parts),
        zones=zones,
        topics=frozenset(chosen.topics),
    )


async def choice_for(session: Session, editions: Editions, reader: Subscription) -> Choice:
    """The edition that this reader gets; for nobody in the database what they chose."""
    key = None
    if reader.subscriber.id:
        key = await audience.choice_of_reader(
            session, editions.issue, reader.subscriber.id, had=tuple(editions.others), zones=editions.zones
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
