"""What an issue was made of makes it again; of an editor and a gathering at once neither undoes the other."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from articles import NOW, SINCE, article, event, plan, source, sources
from conftest import KEY
from digest.compose import Question, review
from digest.domain import Article, Decision, DecisionKind, IssueState
from digest.errors import WrongStateError
from digest.publish import Hand, answer, desk, draft, drop, edit, gather_sources, recompose, take
from digest.publish.hand import with_decisions, with_edits
from digest.publish.making import Desk, desk_of, inputs_of, pack, unpack_desk, unpack_inputs
from digest.publish.revise import Slip, revise
from digest.store import edits, issues, revisions
from weeks import Week, open_week

NEWS = ("A model is released", "A licence is changed")
HAND = Hand(by="a test", at=datetime(2026, 8, 21, 19, tzinfo=UTC))

texts = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=40)
articles = st.builds(
    lambda title, summary, source_id, path, hours, days: article(
        0,
        title=title or "A title",
        summary=summary,
        source_id=source_id,
        canonical_url=f"https://s.example/{path}",
        seen_at=SINCE + timedelta(hours=hours, microseconds=path),
        event=event(1, days=days).event if days else None,
    ),
    title=texts,
    summary=texts,
    source_id=st.integers(1, 8),
    path=st.integers(0, 9),
    hours=st.integers(0, 160),
    days=st.sampled_from([0, 0, 0, 1, 9.5]),
)


@st.composite
def weeks(draw: st.DrawFn) -> list[Article]:
    drawn = draw(st.lists(articles, max_size=9))
    return [replace(each, id=number, guid=f"g{number}") for number, each in enumerate(drawn, 1)]


@settings(max_examples=60)
@given(weeks(), st.floats(allow_nan=True), st.booleans())
def test_what_any_issue_was_made_of_makes_it_again(week: list[Article], weight: float, lock: bool) -> None:
    family = sources(source(3, weight=weight, owner="Halden"))
    url = "https://s.example/1"
    chosen = plan(sources=family, placed={url: "learnings"}, same=frozenset({(url, "https://s.example/2")}))
    before = review(week, chosen, now=NOW)
    if lock and before.content.stories:
        chosen = replace(chosen, locked=before.content.stories[:1], dropped=before.content.stories[1:2])
        before = review(week, chosen, now=NOW)

    kept = pack(inputs_of(week, chosen, now=NOW), desk_of(before, Desk(), chosen))
    again = unpack_inputs(kept)
    found = review(again.articles, again.plan, now=again.now)

    assert found.content.digest() == before.content.digest()
    assert unpack_desk(kept).held == found.held


def test_a_question_keeps_its_number_while_others_come_and_go() -> None:
    one, other, third = (
        replace(_questions()[0], urls=(f"https://a.example/{number}", "https://b.example/"))
        for number in range(3)
    )
    empty = review([], plan(), now=NOW)

    first = desk_of(replace(empty, questions=(one, other)), Desk(), plan())
    second = desk_of(replace(empty, questions=(third, other)), first, plan())

    assert [(each.number, each.question) for each in second.asked] == [(2, other), (3, third)]


def _questions() -> tuple[Question, ...]:
    texts = (
        (
            "Porto tests harbour drones",
            "Harbour drones began to fly in Porto, watched by a dozen fishermen.",
        ),
        (
            "Fishermen of Porto complain",
            "Fishermen went to Lisbon about noise, torn nets and lost days.",
        ),
    )
    week = [
        article(n, source_id=n, canonical_url=f"https://s{n}.example/x", title=title, summary=text)
        for n, (title, text) in enumerate(texts, 1)
    ]
    return review(week, plan(), now=NOW).questions


def decided(kind: DecisionKind, answer: str, *urls: str) -> Decision:
    return Decision(newsletter=KEY, kind=kind, urls=tuple(sorted(urls)), answer=answer, at=NOW)


def test_a_plan_is_given_the_decisions_that_concern_its_week() -> None:
    said = [
        decided(DecisionKind.STORY, "yes", "a", "b"),
        decided(DecisionKind.STORY, "yes", "b", "c"),
        decided(DecisionKind.STORY, "no", "b", "d"),
        decided(DecisionKind.STORY, "yes", "y", "z"),
        decided(DecisionKind.SECTION, "learnings", "a"),
        decided(DecisionKind.SECTION, "learnings", "z"),
        replace(decided(DecisionKind.RULE, "news"), source_id=1, pattern="/a/"),
        replace(decided(DecisionKind.RULE, "news"), source_id=99, pattern="/a/"),
    ]
    week = [article(number, canonical_url=url) for number, url in enumerate("acd", 1)]

    found = with_decisions(plan(), said, week)

    assert found.same == {("a", "b"), ("b", "c")}
    assert found.different == {("b", "d")}
    assert dict(found.placed) == {"a": "learnings"}
    assert [rule.source_id for rule in found.rules] == [1]


@pytest.fixture
async def week(database_url: str, tmp_path: Path) -> AsyncIterator[Week]:
    async with open_week(database_url, tmp_path, newsletter={"policy": "review"}) as opened:
        await gather_sources(opened.house, now=opened.clock())
        yield opened


async def test_an_edit_and_a_gathering_at_once_lose_nothing(week: Week) -> None:
    issue = await draft(week.house, KEY, now=week.clock())
    story = issue.content.stories[0]
    week.publish("/news.xml", *NEWS, "Beetles count footsteps underground")
    await gather_sources(week.house, now=week.clock(), everything=True)
    later = week.clock()
    calls: list[int] = []

    async def make() -> object:
        """As `draft` makes it, but an editor is quicker the first time."""
        async with week.house.store.read() as session:
            kept = await revisions.making(session, issue.id)
            done = await edits.all_of(session, issue.id)
        assert kept is not None
        inputs = unpack_inputs(kept)
        if not calls:
            calls.append(1)
            await edit(week.house, issue, replace(story, title="Mine"), HAND, what="rewrote it")
        plan_now = with_edits(replace(inputs.plan, note="later"), done)
        return replace(inputs, plan=plan_now)

    slip = Slip(newsletter=KEY, period=issue.period, due_at=issue.due_at, what="drafted", at=later)
    saved = await revise(week.house, slip, make)  # type: ignore[arg-type] # an Inputs

    assert "Mine" in [each.title for each in saved.content.stories]
    assert saved.content.note == "later"


async def test_edits_and_the_desk_survive_gathering_and_drafting_again(week: Week) -> None:
    first = await draft(week.house, KEY, now=week.clock())
    kept, gone = first.content.stories[:2]
    await edit(week.house, first, replace(kept, title="Mine"), HAND, what="rewrote it")
    async with week.house.store.read() as session:
        second = await issues.get(session, first.id)
    third = await drop(week.house, second, gone, HAND)
    week.publish("/news.xml", *NEWS, "Beetles count footsteps underground")
    await gather_sources(week.house, now=week.clock(), everything=True)

    fourth = await draft(week.house, KEY, now=week.clock())
    held = (await desk(week.house, fourth)).held
    fifth = await take(week.house, fourth, next(each for each in held if each.key == gone.key), HAND)

    titles = {each.title for each in fourth.content.stories}
    assert {"Mine", "Beetles count footsteps underground"} <= titles
    assert gone.title not in {each.title for each in (*third.content.stories, *fourth.content.stories)}
    assert gone.title in {each.title for each in fifth.content.stories}
    async with week.house.store.read() as session:
        every = await revisions.all_of(session, first.id)
    assert [each.revision for each in every] == [1, 2, 3, 4, 5]
    assert [each.content.digest() for each in every][-1] == fifth.hash


async def test_an_edit_does_not_bring_in_what_came_since(week: Week) -> None:
    first = await draft(week.house, KEY, now=week.clock())
    week.publish("/news.xml", *NEWS, "Beetles count footsteps underground")
    await gather_sources(week.house, now=week.clock(), everything=True)

    second = await recompose(week.house, first, HAND, what="changed the note", note="Dear all")

    assert second.content.stories == first.content.stories
    assert second.content.note == "Dear all"


async def test_only_a_draft_is_edited(week: Week) -> None:
    issue = await draft(week.house, KEY, now=week.clock())
    approved = replace(issue, state=IssueState.APPROVED)

    with pytest.raises(WrongStateError):
        await answer(week.house, approved, 1, "yes", HAND)
    for story in issue.content.stories[1:]:
        issue = await drop(week.house, issue, story, HAND)
    with pytest.raises(WrongStateError, match="nothing would be left"):
        await drop(week.house, issue, issue.content.stories[0], HAND)
