"""`digest preview`: a mail before it is sent, on a page, on standard output or in a file."""

import asyncio
import contextlib
import signal
import sys
import webbrowser
from collections.abc import AsyncIterator
from io import StringIO
from pathlib import Path
from typing import Annotated

import typer
from aiohttp import web
from rich.console import Console

from digest import config, eventloop
from digest.errors import TemplateError, UsageError
from digest.house import House, open_house
from digest.log import Log
from digest.loopback import HOST
from digest.preview.files import check_suffix, write_proof
from digest.preview.pages import preview_app
from digest.preview.proof import Wanted, choose_newsletter, proof_of


def preview(
    ctx: typer.Context,
    issue: Annotated[
        int | None, typer.Argument(help="The issue's number; the newest open one without it.")
    ] = None,
    reader: Annotated[
        str, typer.Option("--as", metavar="EMAIL", help="Whose mail; without it a reader of every section.")
    ] = "",
    text: Annotated[bool, typer.Option("--text", help="Print the text part.")] = False,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write it: .eml the mail, .html or .txt one part.")
    ] = None,
    browser: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the page; 0 takes a free one.")] = 0,
    newsletter: Annotated[str, typer.Option("--newsletter", "-n", metavar="KEY", help="Which one.")] = "",
) -> None:
    """Show the very bytes that one reader would be sent, before anybody is.

    A page on this machine shows them wide and narrow, light and dark, without images, as text, with headers,
    size and lint; it follows changes of templates and issue until Ctrl-C. The daemon need not run.
    """
    if text and out:
        raise UsageError("--text and --out: one of them")
    if out:
        check_suffix(out)
    settings = config.load(getattr(ctx.obj, "config", None))
    wanted = Wanted(newsletter=choose_newsletter(settings, newsletter), number=issue, reader=reader)
    if not (text or out or browser or port or sys.stdout.isatty()):
        raise UsageError("there is no terminal to show a page from", hint="--text, --out FILE or --open")
    notes = Console(stderr=True, markup=False, highlight=False, no_color=not getattr(ctx.obj, "color", True))
    notes.quiet = getattr(ctx.obj, "quiet", False)
    if text or out:
        eventloop.run(_once(settings, wanted, out, notes))
    else:
        eventloop.run(_serve(settings, wanted, port=port, browser=browser))


async def _once(settings: config.Settings, wanted: Wanted, out: Path | None, notes: Console) -> None:
    """Print the text part, or write the file."""
    async with open_house(settings, log=Log(StringIO())) as house:
        proof = await proof_of(house, wanted)
    if out is None:
        # Past Rich, which would fold lines and take brackets for its own.
        sys.stdout.write(proof.message.text)
        sys.stdout.flush()
        return
    size = write_proof(proof, out)
    notes.print(f"wrote {out} ({size} bytes)", soft_wrap=True)
    for problem in proof.problems:
        notes.print(f"{problem.severity}  {problem.words}")


async def _serve(settings: config.Settings, wanted: Wanted, *, port: int, browser: bool) -> None:
    """Keep the page up until Ctrl-C or SIGTERM."""
    async with open_house(settings, log=Log(StringIO())) as house:
        # Who or what does not exist ends the command; a template that is broken is mended with the page open.
        with contextlib.suppress(TemplateError):
            await proof_of(house, wanted)
        async with _open_page(house, wanted, port) as address:
            notes = Console(stderr=True, markup=False, highlight=False)
            notes.print(f"preview   {address}\nCtrl-C ends it.", soft_wrap=True)
            if browser:
                await asyncio.to_thread(webbrowser.open, address)
            await _signal()


@contextlib.asynccontextmanager
async def _open_page(house: House, wanted: Wanted, port: int) -> AsyncIterator[str]:
    """The address of the running page."""
    runner = web.AppRunner(preview_app(house, wanted), access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await _listen(runner, port)
        yield f"http://{HOST}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def _listen(runner: web.AppRunner, port: int) -> None:
    try:
        await web.TCPSite(runner, HOST, port).start()
    except OSError as exc:
        raise UsageError(f"--port {port}: {exc.strerror}", hint="0 takes a free one") from exc


async def _signal() -> None:
    """Return when the process is asked to end."""
    asked = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, asked.set)
    await asked.wait()
