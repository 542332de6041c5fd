"""The mail in a real browser: it fits, it can be read, it is the same without images, dark is dark."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

import sample_issues as stories
from browser import Chromium, Scheme, chromium
from digest.domain import Content
from digest.render import address, notice, open_templates, render
from digest.render.rehearsal import sample_values

__all__ = ["chromium"]

pytestmark = pytest.mark.browser

TEMPLATES = open_templates()
CRUEL = stories.cruel()
VIEWS: list[tuple[int, Scheme]] = [(640, "light"), (640, "dark"), (320, "light"), (320, "dark")]
NOTICES = [name for name in TEMPLATES.mails() if name != "issue"]
AXE = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
#: The size of the smallest text that is seen, and how wide the page gets.
FACTS = """() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), sizes = [];
  while (walker.nextNode()) {
    const text = walker.currentNode, style = getComputedStyle(text.parentElement);
    const isSeen = text.data.trim() && text.parentElement.getClientRects().length;
    if (isSeen) sizes.push(parseFloat(style.fontSize));
  }
  return {smallest: Math.min(...sizes), width: document.documentElement.scrollWidth};
}"""
HEIGHTS = "classes => classes.map(name => document.querySelector(name).getBoundingClientRect().height)"


def page_of(content: Content) -> str:
    issue = render(content, stories.MASTHEAD, TEMPLATES)
    return address(
        issue, stories.READER, stories.MASTHEAD, stories.LINKS, issue_id=1, date=stories.UNTIL
    ).html


def notice_page(name: str) -> str:
    values = {**sample_values(TEMPLATES, name), "content": stories.week()}
    reader = stories.READER.subscriber
    return notice(name, values, stories.MASTHEAD, reader, TEMPLATES, date=stories.UNTIL, message_key="1").html


def facts(page: Page) -> Any:
    return page.evaluate(FACTS)


def violations(page: Page) -> list[str]:
    found = Axe().run(page, options=AXE).response["violations"]
    return [f"{one['id']}: {node['html']}" for one in found for node in one["nodes"]]


def picture(page: Page) -> bytes:
    return page.screenshot(full_page=True)


@pytest.mark.parametrize(("width", "scheme"), VIEWS)
def test_an_issue_is_accessible_in_four_views(chromium: Chromium, width: int, scheme: Scheme) -> None:
    html = page_of(stories.thirty())

    assert chromium.run(violations, html=html, width=width, scheme=scheme) == []


@pytest.mark.parametrize("name", NOTICES)
@pytest.mark.parametrize(("width", "scheme"), [(640, "light"), (320, "dark")])
def test_every_notice_is_accessible_and_fits(
    chromium: Chromium, name: str, width: int, scheme: Scheme
) -> None:
    html = notice_page(name)

    assert chromium.run(violations, html=html, width=width, scheme=scheme) == []
    seen = chromium.run(facts, html=html, width=width, scheme=scheme)
    assert seen == {"smallest": seen["smallest"], "width": width}
    assert seen["smallest"] >= 14


@pytest.mark.parametrize("width", [320, 640])
def test_the_smallest_text_is_14_pixels(chromium: Chromium, width: int) -> None:
    seen = chromium.run(facts, html=page_of(stories.thirty()), width=width)

    assert seen == {"smallest": 14, "width": width}


@pytest.mark.parametrize("name", CRUEL)
def test_nothing_runs_over_at_320_pixels(chromium: Chromium, name: str) -> None:
    assert chromium.run(facts, html=page_of(CRUEL[name]), width=320)["width"] == 320


def test_without_its_style_sheet_an_issue_still_fits_a_phone(chromium: Chromium) -> None:
    html = page_of(stories.thirty())
    start, end = html.index("<style>"), html.index("</style>")

    seen = chromium.run(facts, html=html[:start] + html[end:], width=320)

    assert seen == {"smallest": 14, "width": 320}


def test_dark_differs_from_light_and_narrow_from_wide(chromium: Chromium) -> None:
    html = page_of(stories.week())

    pictures = {chromium.run(picture, html=html, width=width, scheme=scheme) for width, scheme in VIEWS}

    assert len(pictures) == 4


def test_with_images_blocked_it_is_the_same_picture(chromium: Chromium) -> None:
    html = page_of(stories.week())

    shown, blocked = (chromium.run(picture, html=html, blocked=what) for what in ("**/nothing", "**/*"))

    assert shown == blocked


def test_links_that_must_be_hit_are_44_pixels_high(chromium: Chromium) -> None:
    html = page_of(stories.week())

    heights = chromium.run(lambda page: page.evaluate(HEIGHTS, [".cal", ".act"]), html=html)

    assert min(heights) >= 44
