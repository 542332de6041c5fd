"""Topics on the preferences page: chosen, told, undone, and absent where there are none."""

import re
from collections.abc import AsyncIterator
from io import StringIO
from pathlib import Path

import pytest

from conftest import KEY, settings_for
from digest import subscribe
from digest.house import open_house
from digest.log import Log
from topics import TOPICS
from websites import ADA, Website, serve, website

__all__ = ["website"]

KEEP = ("keep", "sections")
#: What the form always sends, so that nothing ticked is an answer.
ASKED = ("topics", "")


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Website]:
    """The pages of a newsletter that has topics."""
    database = f"sqlite:///{tmp_path / 'digest.db'}"
    settings = settings_for(database, tmp_path / "outbox", newsletter={"topics": TOPICS})
    async with open_house(settings, log=Log(StringIO())) as house, serve(house) as running:
        yield running


def ticked(page: str) -> list[str]:
    """The topics whose boxes are ticked."""
    return re.findall(r'name="topics" value="([^"]+)" checked', page)


async def topics_of(site: Website) -> tuple[str, ...]:
    return (await subscribe.find(site.house, KEY, ADA)).topics


async def test_a_page_without_topics_says_nothing_of_them(website: Website) -> None:
    there = await website.confirmed()

    for name in ("preferences", "confirm"):
        assert "topic" not in (await website.get(website.path(name, there))).text.lower()


async def test_who_has_just_confirmed_is_told_that_there_are_topics(site: Website) -> None:
    page = await site.get(site.path("confirm", await site.confirmed()))

    assert "Choose sections, topics and pace" in page.text


async def test_leaving_and_coming_back_lead_to_more_than_sections(site: Website) -> None:
    there = await site.confirmed()

    leave = await site.get(site.path("leave", there))
    await site.post(site.path("leave", there))
    back = await site.follow(await site.post(site.path("undo", there)))

    assert "Change preferences" in leave.text
    assert "Choose sections, topics and pace" in back.text


async def test_topics_are_chosen_told_and_undone_in_one_press(site: Website) -> None:
    path = site.path("preferences", await site.confirmed())
    first = await site.get(path)
    assert ticked(first.text) == []
    assert "Tick none to get every story." in first.text

    saved = await site.follow(await site.post(path, [KEEP, ASKED, ("topics", "law"), ("topics", "agents")]))

    assert ticked(saved.text) == ["agents", "law"]
    assert "all 3 sections, of the topics Agents, Law &amp; order." in saved.text
    undo = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', saved.text.split("Undo")[0])
    back = await site.follow(await site.post(path, undo))
    assert ticked(back.text) == []
    assert "of the topic" not in back.text
    again = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', back.text.split("Undo")[0])
    assert ticked((await site.follow(await site.post(path, again))).text) == ["agents", "law"]


async def test_a_form_that_says_nothing_of_topics_leaves_them(site: Website) -> None:
    path = site.path("preferences", await site.confirmed())
    await site.post(path, [KEEP, ASKED, ("topics", "law")])

    await site.post(path, [KEEP, ("pause", "4")])
    assert await topics_of(site) == ("law",)
    await site.post(path, [KEEP, ASKED])
    assert await topics_of(site) == ()


@pytest.mark.parametrize("odd", ["gone", "~law", "law,chips", "law@Asia/Tokyo!1", "x" * 900, "\x00", "’; --"])
async def test_topics_that_are_not_there_are_passed_over(site: Website, odd: str) -> None:
    path = site.path("preferences", await site.confirmed())

    page = await site.follow(await site.post(path, [KEEP, ASKED, ("topics", odd), ("topics", "chips")]))

    assert page.status == 200
    assert await topics_of(site) == ("chips",)
    assert (await site.get(f"{path}?saved=sections%3Dnews%26topics%3D{'y' * 50}")).status == 200


async def test_all_topics_are_no_choice_so_that_later_ones_come_too(site: Website) -> None:
    path = site.path("preferences", await site.confirmed())

    await site.post(path, [KEEP, ASKED, *(("topics", key) for key in TOPICS)])

    assert await topics_of(site) == ()
