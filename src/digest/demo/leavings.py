"""What a demo leaves: the page of the issue, one reader's mail, its HTML and its text."""

from pathlib import Path

from digest.demo.archive import page_as_file
from digest.demo.catcher import Caught
from digest.demo.crowd import wire
from digest.demo.stage import KEY, Stage
from digest.domain import Issue
from digest.errors import UsageError
from digest.web import create_app


def make_folder(out: Path) -> None:
    """Make the folder before any work is done; UsageError when it cannot be."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise UsageError(f"--out {out}: {exc.strerror}") from exc


async def leave_behind(stage: Stage, issue: Issue) -> int:
    """How many bytes the mail has that is left in the folder; files of an earlier demo are replaced."""
    app = create_app(stage.house, clock=stage.clock)
    path, home = f"/n/{KEY}/issues/{issue.number}", stage.house.settings.public_url
    written = {"issue.html": (await page_as_file(app, path, home=home)).encode()}
    mail = _sample(stage)
    if mail is not None:
        written |= {"issue.eml": mail.data, "picture.html": mail.body("html").encode()}
        written["draft.txt"] = mail.body("plain").encode()
    try:
        for name, data in written.items():
            (stage.options.out / name).write_bytes(data)
    except OSError as exc:
        raise UsageError(f"--out {exc.filename}: {exc.strerror}") from exc
    return len(mail.data) if mail else 0


def _sample(stage: Stage) -> Caught | None:
    """The mail of the first reader who wants every section; None when nobody got one."""
    by_address = {wire(mail.recipient): mail for mail in stage.catcher.issues()}
    wanted = (reader for reader in stage.readers if reader.is_served and not reader.sections)
    return next((by_address[wire(one.email)] for one in wanted if wire(one.email) in by_address), None)
