import re
from dataclasses import replace

from conftest import KEY, NOW
from digest.domain import Issue, IssueState
from digest.store import issues
from digest.tokens import Purpose
from sample_issues import week
from websites import Website, website

__all__ = ["website"]


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
