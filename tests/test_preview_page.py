"""The preview's page: every view by a link, strict, and alive when a template is not."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import AsyncIterator
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
import typer
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page
from typer.testing import CliRunner

from browser import Chromium, Scheme, chromium
from conftest import KEY
from digest import config
from digest.errors import DigestError
from digest.house import House, open_house
from digest.log import Log
from digest.preview import Wanted, preview_app
from digest.preview.command import preview
from test_preview_proof import drafted

__all__ = ["chromium"]

Client = TestClient[web.Request, web.Application]
COMMAND = typer.Typer()
COMMAND.command()(preview)
SETTINGS = """
secret = "a secret of thirty-two characters or more"
smtp.url = "file://outbox"
[newsletters.week-in-ai]
name = "The Week in AI"
from_address = "news@example.org"
address = "Havnegade 4, 8000 Aarhus"
"""
VIEWS: list[tuple[int, Scheme]] = [(640, "light"), (640, "dark"), (320, "light"), (320, "dark")]


@pytest.fixture
async def client(house: House, tmp_path: Path) -> AsyncIterator[Client]:
    """A visitor of the preview of a draft; the operator's own templates are in `tmp_path / "mine"`."""
    (tmp_path / "mine" / "issue").mkdir(parents=True)
    settings = house.settings.model_copy(update={"templates": tmp_path / "mine"})
    await drafted(house)
    app = preview_app(replace(house, settings=settings), Wanted(newsletter=KEY))
    async with TestClient(TestServer(app, host="127.0.0.1")) as visitor:
        yield visitor


@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    """A folder with settings, a database and a draft."""
    (tmp_path / "digest.toml").write_text(SETTINGS)
    async with open_house(config.load(tmp_path / "digest.toml"), log=Log(StringIO())) as house:
        await drafted(house)
    return tmp_path


async def text_of(client: Client, path: str) -> str:
    async with client.get(path) as answer:
        assert answer.status == 200, path
        return await answer.text()


async def test_every_view_is_a_link_on_the_page(client: Client) -> None:
    page = await text_of(client, "/")
    links = [link.replace("&amp;", "&") for link in re.findall(r'href="(/\?[^"]+)"', page)]

    assert len(links) == 9
    for link in links:
        assert "The Week in AI" in await text_of(client, link)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/", "of the 102 KB that Gmail shows"),
        ("/?view=text", "== NEWS (12) ="),
        ("/?view=headers", "List-Unsubscribe-Post: List-Unsubscribe=One-Click"),
        ("/?view=phone", "320 pixels"),
        ("/?view=nonsense&look=%00&images=", "640 pixels"),
    ],
)
async def test_a_view_shows_what_it_is_called(client: Client, path: str, words: str) -> None:
    assert words in await text_of(client, path)


async def test_the_page_is_strict_and_the_mail_can_do_nothing(client: Client) -> None:
    async with client.get("/") as page, client.get("/mail") as mail, client.get("/mail?images=off") as bare:
        policy, mail_policy = (answer.headers["Content-Security-Policy"] for answer in (page, mail))
        bare_policy = bare.headers["Content-Security-Policy"]

    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "script-src" not in mail_policy
    assert "sandbox allow-popups" in mail_policy
    assert "img-src https:" in mail_policy
    assert "img-src" not in bare_policy


async def test_another_name_for_this_machine_is_refused(client: Client) -> None:
    for path in ("/", "/mail", "/version", "/static/preview.js"):
        async with client.get(path, headers={"Host": "rebound.example"}) as answer:
            assert answer.status == 403


async def test_unknown_paths_are_not_found(client: Client) -> None:
    for path in ("/static/x", "/static/..%2fpages.py", "/nothing"):
        async with client.get(path) as answer:
            assert answer.status == 404


async def test_a_broken_template_is_shown_until_it_is_mended(client: Client, tmp_path: Path) -> None:
    before = await text_of(client, "/version")
    body = tmp_path / "mine" / "issue" / "body.html"

    body.write_text("<p>\n{{ oops }}</p>")
    broken, version = await text_of(client, "/"), await text_of(client, "/version")
    async with client.get("/mail") as mail:
        assert mail.status == 404
    body.unlink()
    mended = await text_of(client, "/")

    assert "issue/body.html:2: &#39;oops&#39; is undefined" in broken
    assert version != before
    assert "640 pixels" in mended
    assert f'data-version="{before}"' in mended


def test_the_text_goes_to_standard_output_and_nothing_else_does(folder: Path) -> None:
    done = CliRunner(env={"DIGEST_CONFIG": str(folder / "digest.toml")}).invoke(COMMAND, ["47", "--text"])

    assert done.exit_code == 0, done.exception
    assert done.stdout.startswith("THE WEEK IN AI 47\n")
    assert done.stderr == ""


def test_a_file_is_written_and_named(folder: Path) -> None:
    file = folder / "mail.eml"

    runner = CliRunner(env={"DIGEST_CONFIG": str(folder / "digest.toml")})
    done = runner.invoke(COMMAND, ["--out", str(file)])

    assert done.exit_code == 0, done.exception
    assert file.read_bytes().startswith(b"From: ")
    assert done.stdout == ""
    assert str(file) in done.stderr


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["--text", "--out", "x.eml"], "one of them"),
        (["--out", "x.pdf"], "x.pdf"),
        ([], "no terminal"),
        (["12", "--text"], "no issue 12"),
        (["--as", "nobody@example.org", "--text"], "nobody@example.org"),
        (["--as", "not an address", "--text"], "address"),
        (["-n", "other", "--text"], "other"),
    ],
)
def test_what_cannot_be_shown_is_one_clear_line(folder: Path, arguments: list[str], what: str) -> None:
    runner = CliRunner(env={"DIGEST_CONFIG": str(folder / "digest.toml")})
    done = runner.invoke(COMMAND, arguments)

    assert isinstance(done.exception, DigestError)
    assert what in done.exception.what
    assert "\n" not in done.exception.what
    assert done.output == ""


def test_the_page_is_up_until_ctrl_c(folder: Path) -> None:
    program = "import typer; from digest.preview.command import preview; typer.run(preview)"
    variables = {**os.environ, "DIGEST_CONFIG": str(folder / "digest.toml"), "BROWSER": "true"}
    command = [sys.executable, "-c", program, "--open"]
    with subprocess.Popen(command, env=variables, stderr=subprocess.PIPE, text=True) as served:
        assert served.stderr is not None
        address = served.stderr.readline().split()[-1]
        with urllib.request.urlopen(address, timeout=20) as answer:
            page = answer.read().decode()
        served.send_signal(signal.SIGINT)
        served.communicate(timeout=20)

    assert "The Week in AI 47" in page
    assert served.returncode == 0


def test_a_port_that_is_taken_is_one_clear_line(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        runner = CliRunner(env={"DIGEST_CONFIG": str(folder / "digest.toml")})
        done = runner.invoke(COMMAND, ["--port", port])

    assert isinstance(done.exception, DigestError)
    assert port in done.exception.what


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), VIEWS)
async def test_the_page_is_accessible_and_fits(
    client: Client, chromium: Chromium, width: int, scheme: Scheme
) -> None:
    address = str(client.make_url("/"))

    def look(page: Page) -> tuple[list[str], int]:
        page.goto(address)
        found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]})
        names = [one["id"] for one in found.response["violations"]]
        return names, page.evaluate("document.documentElement.scrollWidth")

    violations, widest = await asyncio.to_thread(chromium.run, look, width=width, scheme=scheme)

    assert violations == []
    assert widest <= width


@pytest.mark.browser
async def test_a_changed_template_is_seen_by_itself(
    client: Client, chromium: Chromium, tmp_path: Path
) -> None:
    address = str(client.make_url("/?view=text"))
    body = tmp_path / "mine" / "issue" / "body.txt"

    def follow(page: Page) -> str:
        page.goto(address)
        page.get_by_text("Follows every change.").wait_for()
        body.write_text("Only this.")
        page.get_by_text("Only this.").wait_for(timeout=20_000)
        return page.inner_text("main")

    assert (await asyncio.to_thread(chromium.run, follow)).strip() == "Only this."


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_dark_is_dark_whatever_the_machine_prefers(
    client: Client, chromium: Chromium, scheme: Scheme
) -> None:
    addresses = [str(client.make_url(f"/?view=wide&look={look}")) for look in ("light", "dark")]

    def grounds(page: Page) -> list[str]:
        seen = []
        for address in addresses:
            page.goto(address)
            mail = page.frame_locator("iframe").locator(".w")
            seen.append(str(mail.evaluate("one => getComputedStyle(one).backgroundColor")))
        return seen

    light, dark = await asyncio.to_thread(chromium.run, grounds, scheme=scheme, java_script=True)

    assert dark == "rgb(21, 24, 28)"
    assert light != dark
