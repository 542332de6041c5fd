"""A story moved to another section or place, and what the move teaches about its source."""

from dataclasses import replace

from digest.compose import pattern_of
from digest.domain import EVENTS, Article, Decision, DecisionKind, Issue, Story, Tier
from digest.house import House
from digest.publish.desk import LAST, Hand, edit, require_draft
from digest.store import articles, decisions

#: A source's newest articles, which a moved one is compared with.
_COMPARED = 200


async def move(
    house: House,
    issue: Issue,
    story: Story,
    hand: Hand,
    *,
    section: str = "",
    place: int = 0,
    learn: str = "",
) -> tuple[Issue, Decision | None]:
    """The draft with the story in that section and place, locked; and the rule that the move taught.

    `learn` is "" for a rule as narrow as what tells the article from others of its source, "source" for all
    of the source, "nothing" for none. The story's own address is remembered in any case.
    """
    require_draft(issue)
    to = section or story.section
    put = replace(story, section=to, tier=_tier_at(issue, story, to, place))
    rule = None
    if to != story.section:
        place = place or LAST
        rule = await _learn(house, issue, story, to, hand, how=learn)
    what = (
        f"moved “{story.title}” to {to}" if to != story.section else f"moved “{story.title}” to place {place}"
    )
    return await edit(house, issue, put, hand, what=what, place=place), rule


def _tier_at(issue: Issue, story: Story, section: str, place: int) -> Tier:
    """The tier of what stands at that place now; without a place its own, but no second lead."""
    found = next((each.stories for each in issue.content.sections if each.key == section), ())
    if section == EVENTS:
        return Tier.ITEM
    if place and found:
        return found[min(place, len(found)) - 1].tier
    has_lead = section != story.section and any(each.tier is Tier.LEAD for each in found)
    return Tier.ITEM if story.tier is Tier.LEAD and has_lead else story.tier


async def _learn(
    house: House, issue: Issue, story: Story, to: str, hand: Hand, *, how: str
) -> Decision | None:
    """Remember where the story's article belongs, and what that says about others of its source."""
    async with house.store.begin() as session:
        told = await articles.by_ids(session, story.article_ids)
        lead = next((each for each in told if each.url == story.url), told[0] if told else None)
        if lead is None:
            return None
        others = await articles.newest_of(session, lead.source_id, limit=_COMPARED)
        placed, rule = _lessons(lead, others, issue, story, to, hand, how=how)
        for each in (placed, rule):
            if each is not None:
                await decisions.keep(session, each)
    return rule


def _lessons(
    lead: Article, others: tuple[Article, ...], issue: Issue, story: Story, to: str, hand: Hand, *, how: str
) -> tuple[Decision, Decision | None]:
    pattern = "" if how == "source" else pattern_of(lead, others) if how == "" else None
    placed = Decision(
        newsletter=issue.newsletter,
        kind=DecisionKind.SECTION,
        urls=(lead.canonical_url,),
        answer=to,
        words=lead.title,
        by=hand.by,
        at=hand.at,
    )
    if pattern is None or lead.event is not None:
        return placed, None
    words = f"“{lead.title}” moved from {story.section} in issue {issue.number}"
    rule = replace(
        placed,
        kind=DecisionKind.RULE,
        urls=(),
        source_id=lead.source_id,
        pattern=pattern,
        words=words,
    )
    return placed, rule
