"""The pages in a real browser: the whole journey without JavaScript, and a look at each page."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from browser import Chromium, Scheme, chromium
from conftest import KEY, NOW, settings_for
from digest import subscribe
from digest.domain import IssueState, SubscriptionState
from digest.house import open_house
from digest.log import Log
from digest.store import notices
from digest.tokens import Purpose
from sample_issues import LONG_WORD, week
from websites import ADA, Website, serve

__all__ = ["chromium"]

pytestmark = pytest.mark.browser

#: Links within a line of text are excused by WCAG 2.5.8; everything else that is pressed is a target.
_TARGETS = "button, a.button, .links a, nav a, .tick, input[type=email], .cal"


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Website]:
    """A site with two issues out and one to review."""
    name = f"The {LONG_WORD[:70]}"
    topics = {"long": {"label": LONG_WORD[:40], "words": ["long"]}, "law": {"label": "Law", "words": ["law"]}}
    settings = settings_for(
        f"sqlite:///{tmp_path / 'digest.db'}",
        tmp_path / "outbox",
        newsletter={"name": name, "topics": topics},
    )
    with (tmp_path / "log").open("w") as stream:
        async with open_house(settings, log=Log(stream)) as house, serve(house) as running:
            for number in (1, 2):
                await running.issue(replace(week(), newsletter=KEY, number=number), days=14 - 7 * number)
            yield running


async def pages(site: Website) -> dict[str, str]:
    """A path for each kind of page."""
    waiting, reader = await site.pending("wait@example.org"), await site.confirmed()
    gone = await site.left("gone@example.org")
    draft = await site.issue(replace(week(), newsletter=KEY, number=3), IssueState.REVIEW, days=-7)
    review = site.house.token(Purpose.REVIEW, KEY, draft.id)
    check = await site.post(f"/n/{KEY}/subscribe", {"email": "new@example.org"})
    return {
        "sign up": f"/n/{KEY}",
        "check": check.headers["Location"],
        "confirm": site.path("confirm", waiting),
        "confirmed": site.path("confirm", reader),
        "leave": site.path("leave", reader),
        "left": site.path("leave", gone),
        "back": site.path("undo", reader),
        "preferences": site.path("preferences", reader),
        "saved": site.path("preferences", reader) + "?saved=news",
        "broken": f"/n/{KEY}/confirm/x",
        "missing": "/nothing",
        "embed": f"/n/{KEY}/embed",
        "archive": f"/n/{KEY}/issues",
        "issue": f"/n/{KEY}/issues/1",
        "review": f"/n/{KEY}/review/{review}",
    }


def look(page: Page, site: Website, paths: dict[str, str]) -> list[str]:
    """Everything that is wrong with the pages."""
    wrong = []
    for name, path in paths.items():
        page.goto(site.root + path)
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            wrong.append(f"{name} is wider than the window")
        wrong += [f"{name}: {what}" for what in page.evaluate(_SMALL, _TARGETS)]
        found: dict[str, Any] = Axe().run(page).response
        wrong += [f"{name}: {one['id']} {one['nodes'][0]['html']}" for one in found["violations"]]
    return wrong


_SMALL = """targets => {
  const small = [...document.querySelectorAll(targets)].filter(one => one.getClientRects().length
    && !one.closest('.trap') && one.getBoundingClientRect().height < 43.5).map(one => 'low ' + one.outerHTML);
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const text = texts.currentNode;
    const size = parseFloat(getComputedStyle(text.parentElement).fontSize);
    if (text.data.trim() && size < 14) small.push(size + ' px: ' + text.data.trim());
  }
  return small;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [640, 320])
async def test_every_page_is_accessible_and_fits(
    site: Website, chromium: Chromium, width: int, scheme: Scheme
) -> None:
    paths = await pages(site)

    wrong = await asyncio.to_thread(
        chromium.run, lambda page: look(page, site, paths), width=width, scheme=scheme
    )

    assert wrong == []


async def test_the_dark_is_dark(site: Website, chromium: Chromium) -> None:
    def ground(page: Page) -> str:
        page.goto(f"{site.root}/n/{KEY}")
        return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))

    seen = [await asyncio.to_thread(chromium.run, ground, scheme=scheme) for scheme in ("light", "dark")]

    assert seen == ["rgb(255, 255, 255)", "rgb(21, 24, 28)"]


async def test_a_slip_moves_the_focus_to_what_is_wrong(site: Website, chromium: Chromium) -> None:
    def slip(page: Page) -> str:
        page.goto(f"{site.root}/n/{KEY}")
        page.get_by_label("Your e-mail address").fill("ada at example")
        page.get_by_role("button", name="Stay in the loop").click()
        page.locator("[role=alert]:focus").wait_for()
        return page.get_by_label("Your e-mail address").input_value()

    assert await asyncio.to_thread(chromium.run, slip) == "ada at example"


async def test_the_whole_journey_works_without_javascript(site: Website, chromium: Chromium) -> None:
    def sign_up(page: Page) -> str:
        page.goto(f"{site.root}/n/{KEY}")
        page.get_by_label("Your e-mail address").fill(ADA)
        page.get_by_label("News").uncheck()
        page.get_by_label("Your e-mail address").press("Enter")
        return page.get_by_role("heading", level=1).inner_text()

    def go_on(page: Page, start: str) -> list[str]:
        page.goto(site.root + start)
        said = []
        for press in (
            ("button", "Confirm"),
            ("link", "Choose sections"),
            ("button", "Save"),
            ("link", "Leave The"),
            ("button", "Leave"),
            ("button", "Undo"),
        ):
            page.get_by_role(press[0], name=press[1]).first.click()
            said.append(page.get_by_role("heading", level=1).inner_text().partition(" The")[0])
        return said

    heading = await asyncio.to_thread(chromium.run, sign_up, java_script=False)
    there = await subscribe.find(site.house, KEY, ADA)
    async with site.house.store.read() as session:
        assert await notices.waiting(session) == 1
    start = site.path("confirm", there, made_at=NOW)
    said = await asyncio.to_thread(chromium.run, lambda page: go_on(page, start), java_script=False)

    assert heading == "Check your mail"
    assert said == ["You are in", "Your preferences", "Saved", "Leave", "You have left", "You are back"]
    after = await subscribe.find(site.house, KEY, ADA)
    assert (after.state, after.sections) == (SubscriptionState.CONFIRMED, ("events", "learnings"))
