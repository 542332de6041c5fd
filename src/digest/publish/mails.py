"""The very message that one reader gets of an issue: previews and sending share it."""

from collections.abc import Callable

from digest.deliver import Compiled
from digest.domain import (
    Choice,
    Issue,
    Message,
    Pattern,
    Personal,
    Rendered,
    Subscriber,
    Subscription,
    SubscriptionState,
)
from digest.errors import NotFoundError
from digest.house import House
from digest.publish.editions import choice_for, editions_of
from digest.render import address, pattern, personal, render
from digest.store import renderings


def sample_reader(key: str) -> Subscription:
    """A reader who is nobody, for previews of what everybody gets."""
    person = Subscriber(email="reader@example.org", name="A Reader")
    return Subscription(subscriber=person, newsletter=key, state=SubscriptionState.CONFIRMED)


async def rendered_for(house: House, issue: Issue, reader: Subscription) -> Rendered:
    """The issue as rendered for that reader's edition: frozen once the issue is approved.

    NotFoundError when there is nothing in it for them.
    """
    async with house.store.read() as session:
        editions = await editions_of(session, house, issue)
        choice = await choice_for(session, editions, reader)
        rendered = await renderings.of_choice(session, issue.id, choice.key)
        is_frozen = await renderings.is_frozen(session, issue.id)
    if rendered is not None:
        return rendered
    content = editions.content(choice)
    if is_frozen or content.is_empty:
        raise NotFoundError(f"issue {issue.number} has {nothing_for(choice)}")
    return render(content, editions.masthead(house, choice), house.templates)


def nothing_for(choice: Choice) -> str:
    """Why an edition is empty."""
    if choice.had:
        return "nothing that they have not had"
    return f"nothing in the sections{' and topics' if choice.topics else ''} they chose"


async def message_for(house: House, issue: Issue, subscription: Subscription | None = None) -> Message:
    """What would be sent to that reader (a sample reader when None), before it is encoded."""
    reader = subscription or sample_reader(issue.newsletter)
    return addressed(house, issue, await rendered_for(house, issue, reader), reader)


async def bytes_for(house: House, issue: Issue, subscription: Subscription | None = None) -> bytes:
    """The very bytes that would be sent to that reader (a sample reader when None)."""
    reader = subscription or sample_reader(issue.newsletter)
    own = own_parts(house, issue)(reader)
    rendered = await rendered_for(house, issue, reader)
    return Compiled(shared_part(house, issue, rendered, is_dated=own.is_dated)).message(own)


def addressed(house: House, issue: Issue, rendered: Rendered, reader: Subscription) -> Message:
    """One reader's message from what was rendered once; a pure function, so a retry is the same message."""
    return address(
        rendered,
        reader,
        house.masthead(issue.newsletter),
        house.links(issue.newsletter, reader.subscriber, issue.number),
        issue_id=issue.id,
        date=issue.started_at or issue.due_at,
    )


def shared_part(house: House, issue: Issue, rendered: Rendered, *, is_dated: bool) -> Pattern:
    """What `addressed` gives to all readers who chose the same sections."""
    return pattern(
        rendered,
        house.masthead(issue.newsletter),
        issue_id=issue.id,
        date=issue.started_at or issue.due_at,
        is_dated=is_dated,
    )


def own_parts(house: House, issue: Issue) -> Callable[[Subscription], Personal]:
    """What gives to each reader what `addressed` gives to them alone."""
    masthead = house.masthead(issue.newsletter)
    links = house.links_of(issue.newsletter, issue.number)

    def own_part(reader: Subscription) -> Personal:
        return personal(reader, masthead, links(reader.subscriber), issue_id=issue.id)

    return own_part
