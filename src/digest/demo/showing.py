"""What the sample week is there to show, looked for in the issue that came of it: a line each."""

from collections.abc import Iterable, Iterator, Sequence

from digest.compose import Question
from digest.demo.material import Site
from digest.domain import Content, DecisionKind, Story

_SEVERAL = 3


def remarks(content: Content, asked: Sequence[Question], sites: Iterable[Site]) -> Iterator[tuple[str, str]]:
    """A word and a line for each thing that the week shows; nothing for what did not come about."""
    stories = content.stories
    for story in stories:
        if len(_tellers(story)) >= _SEVERAL:
            yield "story", f"told by {_names(story)}, so told once: {story.title}"
    for question in asked:
        if question.kind is DecisionKind.STORY:
            one, other = question.titles
            yield "question", f"same story? “{one}” and “{other}”: apart until the editor says"
    if unsure := sum(question.kind is not DecisionKind.STORY for question in asked):
        yield (
            "question",
            f"right section? asked of {unsure} stories; each stands where it most likely belongs",
        )
    for story in stories:
        if story.event and len(_tellers(story)) > 1:
            yield "event", f"listed by {_names(story)}, so listed once: {story.title}"
    yield from _left_out(content, sites)


def _tellers(story: Story) -> tuple[str, ...]:
    return (story.source, *story.also)


def _names(story: Story) -> str:
    *others, last = _tellers(story)
    return f"{', '.join(others)} and {last}"


def _left_out(content: Content, sites: Iterable[Site]) -> Iterator[tuple[str, str]]:
    """Events that the sites list and the issue rightly does not."""
    told = {story.title for story in content.stories}
    events = [event for site in sites for event in site.events if event.title not in told]
    over = [event.title for event in events if event.in_days < 0]
    off = [event.title for event in events if event.status]
    if over:
        yield "over", f"past, so not listed: {', '.join(over)}"
    if off:
        yield "off", f"cancelled, so not listed: {', '.join(off)}"
