"""The preview is the mail: its bytes, its views, and what it says when there is none."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

import sample_issues as stories
from conftest import KEY, NOW, settings_for
from digest.domain import Issue
from digest.errors import ConfigError, NotFoundError, TemplateError, UsageError
from digest.house import House
from digest.preview import Wanted, choose_newsletter, proof_of, write_proof
from digest.preview.looks import in_look
from digest.preview.proof import version_of
from digest.publish import approve, cancel, send
from digest.render import open_templates
from digest.store import issues
from digest.subscribe import add

ADA, EVE = "ada@example.org", "eve@example.org"
ANYBODY = Wanted(newsletter=KEY)


async def drafted(house: House, *, number: int = 47, note: str = stories.NOTE) -> Issue:
    content = replace(stories.week(note), newsletter=KEY, number=number)
    due = stories.UNTIL
    draft = Issue(newsletter=KEY, number=number, period=f"week {number}", due_at=due, content=content)
    async with house.store.begin() as session:
        return await issues.save_draft(session, draft, now=NOW)


async def joined(house: House, email: str, *sections: str) -> None:
    await add(house, KEY, email, sections=sections, name="Åsa", confirmed=True, basis="a test", now=NOW)


def undated(data: bytes) -> bytes:
    """A mail without its Date: that is the time when sending began, which a preview cannot know."""
    return re.sub(rb"\r\nDate: [^\r]*", b"", data, count=1)


@pytest.mark.parametrize("sections", [(), ("events",)], ids=["all", "events"])
async def test_the_bytes_of_the_preview_are_delivered(
    house: House, tmp_path: Path, sections: tuple[str, ...]
) -> None:
    issue = await drafted(house)
    await joined(house, ADA, *sections)
    wanted = Wanted(newsletter=KEY, reader=ADA)
    before = await proof_of(house, wanted)

    approved = await approve(house, issue, by="mette", now=NOW)
    frozen = await proof_of(house, wanted)
    await send(house, approved, clock=lambda: NOW)
    [sent] = (tmp_path / "outbox").glob("*.eml")
    after = await proof_of(house, replace(wanted, number=47))

    assert before.data == frozen.data
    assert undated(before.data) == undated(sent.read_bytes())
    assert after.data == sent.read_bytes()


async def test_readers_see_their_own_sections_and_links(house: House) -> None:
    await drafted(house)
    await joined(house, ADA)
    await joined(house, EVE, "events")

    ada = await proof_of(house, Wanted(newsletter=KEY, reader=ADA))
    eve = await proof_of(house, Wanted(newsletter=KEY, reader="EVE@example.org"))

    assert "== NEWS" in ada.message.text
    assert "== NEWS" not in eve.message.text
    assert "== EVENTS" in eve.message.text
    assert ADA in ada.message.text
    assert ADA not in eve.message.text


async def test_without_a_number_it_is_the_newest_open_issue(house: House) -> None:
    await drafted(house, number=46)
    newest = await drafted(house, number=47)

    assert (await proof_of(house, ANYBODY)).issue.number == 47
    await cancel(house, newest, reason="a test", by="mette", now=NOW)
    assert (await proof_of(house, ANYBODY)).issue.number == 46


async def test_what_is_not_there_is_named(house: House) -> None:
    with pytest.raises(NotFoundError, match="no open issue"):
        await proof_of(house, ANYBODY)

    await drafted(house)
    with pytest.raises(NotFoundError, match="no issue 12"):
        await proof_of(house, Wanted(newsletter=KEY, number=12))
    with pytest.raises(NotFoundError, match="nobody@"):
        await proof_of(house, Wanted(newsletter=KEY, reader="nobody@example.org"))


def test_a_newsletter_need_be_named_only_among_several(tmp_path: Path) -> None:
    one = settings_for("sqlite:///x.db", tmp_path)
    two = one.model_copy(update={"newsletters": {**one.newsletters, "other": one.newsletters[KEY]}})

    assert choose_newsletter(one, "") == KEY
    assert choose_newsletter(two, "other") == "other"
    with pytest.raises(UsageError) as raised:
        choose_newsletter(two, "")
    assert raised.value.hint.endswith(f"{KEY}, other")
    with pytest.raises(ConfigError, match="nonesuch"):
        choose_newsletter(one, "nonesuch")


async def test_lint_is_told(house: House) -> None:
    await drafted(house, note="long " * 60)

    proof = await proof_of(house, ANYBODY)

    assert [problem.severity for problem in proof.problems] == ["warn"]
    assert "note" in proof.problems[0].words


@pytest.mark.parametrize(
    ("suffix", "start"), [(".eml", "From: "), (".html", "<!DOCTYPE"), (".TXT", "THE WEEK IN AI 47")]
)
async def test_a_file_holds_what_its_suffix_says(
    house: House, tmp_path: Path, suffix: str, start: str
) -> None:
    await drafted(house)
    proof = await proof_of(house, ANYBODY)
    file = tmp_path / f"mail{suffix}"
    file.write_text("older")

    size = write_proof(proof, file)

    assert file.stat().st_size == size
    assert file.read_bytes().decode().startswith(start)


async def test_a_file_that_cannot_be_written_is_one_line(house: House, tmp_path: Path) -> None:
    await drafted(house)
    proof = await proof_of(house, ANYBODY)

    for file in (tmp_path / "mail.pdf", tmp_path / "mail", tmp_path / "none" / "mail.eml"):
        with pytest.raises(UsageError, match=file.name):
            write_proof(proof, file)


async def test_the_version_changes_with_issue_and_templates(house: House, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    (mine / "issue").mkdir(parents=True)
    following = replace(house, templates=replace(house.templates, folders=(mine, *house.templates.folders)))
    seen = [await version_of(following, ANYBODY)]

    await drafted(house)
    seen.append(await version_of(following, ANYBODY))
    await drafted(house, note="Another note.")
    seen.append(await version_of(following, ANYBODY))
    (mine / "issue" / "body.txt").write_text("{{ oops }}")
    seen.append(await version_of(following, ANYBODY))

    assert len(set(seen)) == len(seen)
    assert await version_of(following, ANYBODY) == seen[-1]


async def test_a_broken_template_is_named_with_its_line(house: House, tmp_path: Path) -> None:
    await drafted(house)
    (tmp_path / "issue").mkdir()
    (tmp_path / "issue" / "body.txt").write_text("fine\n{{ oops }}\n")
    broken = replace(house, templates=open_templates(tmp_path))

    with pytest.raises(TemplateError, match=r"issue/body\.txt:2"):
        await proof_of(broken, ANYBODY)


def test_a_look_is_forced_and_nothing_else_is_changed() -> None:
    style = "@media (prefers-color-scheme:dark){a{}}@media ( Prefers-Color-Scheme : light ){b{}}"
    page = f"<html><head><style>{style}</style></head><body>prefers-color-scheme</body></html>"

    dark, light = in_look(page, "dark"), in_look(page, "light")

    assert "@media (min-width:0){a{}}@media (max-width:0){b{}}" in dark
    assert "@media (max-width:0){a{}}@media (min-width:0){b{}}" in light
    assert dark.endswith("<body>prefers-color-scheme</body></html>")
