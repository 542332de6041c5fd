"""Why a story is in an issue and where, in lines for a person."""

from digest.domain import Story


def explain(story: Story) -> tuple[str, ...]:
    """The story's place and score, then one line for each decision, in the order they were made."""
    place = f"{story.title} ({story.section}, {story.tier}, score {story.score:.2f})"
    count = len(story.article_ids)
    told = f"Told by {story.source or 'an unnamed source'}" + (
        f" and {', '.join(story.also)}" if story.also else ""
    )
    articles = f"{told}; {count} article{'s' if count != 1 else ''}."
    return (place, articles, *(f"{reason.rule}: {reason.words}" for reason in story.reasons))
