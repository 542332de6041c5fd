import re
from dataclasses import replace

from articles import UNTIL, article, plan, source
from conftest import KEY, NOW
from digest.domain import Issue, IssueState
from digest.publish.hand import with_decisions
from digest.publish.making import Inputs, inputs_of
from digest.publish.revise import Slip, revise
from digest.store import articles, decisions, issues, sources
from digest.tokens import Purpose
from sample_issues import correction, week
from websites import Website, website

__all__ = ["website"]


_MOVED, _GONE = "“Model night”: moved from 8 Dec to 9 Dec", "“Open day”: cancelled"


async def held(site: Website) -> tuple[Issue, str]:
    issue = await site.issue(replace(week(), newsletter=KEY, number=1), IssueState.REVIEW, days=-3)
    return issue, f"/n/{KEY}/review/{site.house.token(Purpose.REVIEW, KEY, issue.id, NOW)}"


async def state_of(site: Website, issue: Issue) -> IssueState:
    async with site.house.store.read() as session:
        return (await issues.get(session, issue.id)).state


async def test_the_link_shows_the_very_mail_in_a_sealed_frame(website: Website) -> None:
    await website.confirmed()
    _, path = await held(website)

    page, mail = await website.get(path), await website.get(f"{path}/mail")

    assert (page.status, page.heading) == (200, "Issue 1, revision 1")
    assert "1 reader" in page.text
    assert f'<iframe src="{path}/mail" sandbox=""' in page.text
    assert "frame-src 'self'" in page.headers["Content-Security-Policy"]
    assert "sandbox" in mail.headers["Content-Security-Policy"]
    assert mail.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert week().stories[0].title in mail.text
    assert (page.headers["Cache-Control"], page.headers["X-Robots-Tag"]) == ("no-store", "noindex")


async def test_approving_twice_is_approving_once(website: Website) -> None:
    issue, path = await held(website)

    first = await website.post(f"{path}/approve", {"revision": "1"})
    second = await website.post(f"{path}/approve", {"revision": "1"})

    for answer in (first, second):
        assert (await website.follow(answer)).heading == "Approved"
    assert await state_of(website, issue) is IssueState.APPROVED
    assert website.woken == [1]


async def test_a_draft_that_moved_on_is_not_approved(website: Website) -> None:
    issue, path = await held(website)
    fewer = replace(issue.content, note="Another note.")
    async with website.house.store.begin() as session:
        await issues.save_draft(session, replace(issue, content=fewer), now=NOW)

    for verb in ("approve", "cancel"):
        answer = await website.post(f"{path}/{verb}", {"revision": "1"})

        assert answer.status == 409
        assert "The draft has changed since you opened it" in answer.text
        assert re.findall(r'name="revision" value="(\d)"', answer.text) == ["2", "2"]
    assert await state_of(website, issue) is IssueState.REVIEW
    assert (await website.post(f"{path}/approve", {"revision": "2"})).status == 303


async def test_a_cancelled_issue_says_so_and_cannot_be_approved(website: Website) -> None:
    issue, path = await held(website)

    page = await website.follow(await website.post(f"{path}/cancel", {"revision": "1"}))
    late = await website.follow(await website.post(f"{path}/approve", {"revision": "1"}))

    assert (page.heading, late.heading) == ("Cancelled", "Cancelled")
    assert await state_of(website, issue) is IssueState.CANCELLED


async def test_a_form_without_a_revision_decides_nothing(website: Website) -> None:
    issue, path = await held(website)

    for fields in ({}, {"revision": ""}, {"revision": "x" * 100}):
        assert (await website.post(f"{path}/approve", fields)).status == 409

    assert await state_of(website, issue) is IssueState.REVIEW


async def test_the_link_of_one_issue_opens_no_other_newsletters(website: Website) -> None:
    issue, _ = await held(website)
    wrong = website.house.token(Purpose.REVIEW, "other", issue.id)

    assert (await website.get(f"/n/{KEY}/review/{wrong}")).status == 404
    assert (
        await website.get(f"/n/{KEY}/review/{website.house.token(Purpose.REVIEW, KEY, 99)}")
    ).status == 404


async def proposing(site: Website) -> tuple[Issue, str]:
    """A draft that corrects two stories of issue 1, and its review page."""
    told = (article(1),)
    async with site.house.store.begin() as session:
        await sources.add(session, [source(1)], now=NOW)
        await articles.save(session, told, now=NOW)
    lines = (correction("An old <b>title</b>", "A new one"), correction("Lost"))
    chosen = plan(newsletter=KEY, number=1, corrections=lines)

    async def make() -> Inputs:
        async with site.house.store.read() as session:
            said = await decisions.all_of(session, KEY)
        return inputs_of(told, with_decisions(chosen, said, told), now=UNTIL)

    slip = Slip(newsletter=KEY, period="2026-11-30T06:00:00+00:00", due_at=UNTIL, what="drafted", at=NOW)
    issue = await revise(site.house, slip, make)
    return issue, f"/n/{KEY}/review/{site.house.token(Purpose.REVIEW, KEY, issue.id, NOW)}"


async def test_an_editor_drops_and_keeps_a_correction_by_the_page(website: Website) -> None:
    issue, path = await proposing(website)
    key = issue.content.corrections[0].key

    page = await website.get(path)
    dropped = await website.follow(
        await website.post(f"{path}/corrections", {"revision": "1", "correction": key, "answer": "drop"})
    )
    old = await website.post(f"{path}/corrections", {"revision": "1", "correction": key, "answer": "keep"})
    mail = await website.get(f"{path}/mail")
    kept = await website.follow(
        await website.post(f"{path}/corrections", {"revision": "2", "correction": key, "answer": "keep"})
    )

    assert "No. 46 told “An old &lt;b&gt;title&lt;/b&gt;”; its source now says “A new one”." in page.text
    assert re.findall(r"<button[^>]*>(Drop|Keep)<", page.text) == ["Drop", "Drop"]
    # Two buttons of one name say which correction each is about.
    abouts = re.findall(r'<button[^>]* aria-describedby="([^"]+)">Drop<', page.text)
    assert len(set(abouts)) == 2
    assert all(f'<p id="{about}">' in page.text for about in abouts)
    assert dropped.heading == "Issue 1, revision 2"
    assert re.findall(r"<button[^>]*>(Drop|Keep)<", dropped.text) == ["Keep", "Drop"]
    assert old.status == 409
    assert "A new one" not in mail.text
    assert "Lost" in mail.text
    assert re.findall(r"<button[^>]*>(Drop|Keep)<", kept.text) == ["Drop", "Drop"]


async def test_a_correction_that_is_not_there_is_refused(website: Website) -> None:
    _issue, path = await proposing(website)

    unknown = await website.post(
        f"{path}/corrections", {"revision": "1", "correction": "x", "answer": "drop"}
    )
    empty = await website.post(f"{path}/corrections", {})
    await website.post(f"{path}/cancel", {"revision": "1"})
    late = await website.follow(
        await website.post(f"{path}/corrections", {"revision": "1", "answer": "drop"})
    )

    assert (unknown.status, empty.status, late.heading) == (409, 409, "Cancelled")
    assert "no such correction" in unknown.text


async def test_an_issue_that_was_taken_back_says_why(website: Website) -> None:
    issue, path = await held(website)
    untouched = await website.get(path)
    async with website.house.store.begin() as session:
        done = await issues.move(session, issue, IssueState.APPROVED)
        await issues.take_back(session, done, reason=f"{_MOVED}; {_GONE}", approve_at=None)

    page = await website.get(path)

    assert "Taken back" not in untouched.text
    assert f"<dt>Taken back</dt><dd>{_MOVED}<br>{_GONE}</dd>" in page.text
