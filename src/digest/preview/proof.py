"""The very bytes that one reader would be sent of an issue, with what lint says of them."""

import hashlib
from dataclasses import dataclass

from digest.config import Settings
from digest.domain import Issue, IssueState, Message, Subscription
from digest.errors import DigestError, NotFoundError, UsageError
from digest.house import House
from digest.publish import bytes_for, message_for, rendered_for, sample_reader
from digest.render import Problem, lint
from digest.store import issues
from digest.subscribe import find

#: An issue is open until it is sent or cancelled.
_OPEN = tuple(state for state in IssueState if state not in {IssueState.SENT, IssueState.CANCELLED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be looked at: a newsletter's issue (None: the newest open one) as a reader sees it."""

    newsletter: str
    number: int | None = None
    #: Whose mail; empty means a reader who is nobody and gets every section.
    reader: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """One reader's mail of an issue."""

    issue: Issue
    message: Message
    #: What would go over the wire.
    data: bytes
    problems: tuple[Problem, ...]

    @property
    def head(self) -> str:
        """The headers as they go over the wire."""
        return self.data.partition(b"\r\n\r\n")[0].decode("utf-8", "replace").replace("\r\n", "\n")


def choose_newsletter(settings: Settings, key: str) -> str:
    """The key given, or the only one there is; ConfigError or UsageError names those there are."""
    if key:
        settings.newsletter(key)
        return key
    if len(settings.newsletters) > 1:
        there = ", ".join(settings.newsletters)
        raise UsageError("which newsletter?", hint=f"-n KEY; there is: {there}")
    return next(iter(settings.newsletters))


async def choose_issue(house: House, wanted: Wanted) -> Issue:
    """The issue of that number, or the newest open one; NotFoundError when there is none."""
    async with house.store.read() as session:
        if wanted.number is not None:
            return await issues.by_number(session, wanted.newsletter, wanted.number)
        found = await issues.all_of(session, wanted.newsletter, states=_OPEN, limit=1)
    if not found:
        raise NotFoundError(f"{wanted.newsletter} has no open issue", hint="digest draft makes one")
    return found[0]


async def proof_of(house: House, wanted: Wanted) -> Proof:
    """The mail as it would leave now; it changes nothing.

    TemplateError when it does not render, NotFoundError when there is no such issue or reader, or when the
    issue has nothing in the sections that the reader chose.
    """
    issue = await choose_issue(house, wanted)
    reader = await _reader(house, wanted)
    rendered = await rendered_for(house, issue, reader)
    return Proof(
        issue=issue,
        message=await message_for(house, issue, reader),
        data=await bytes_for(house, issue, reader),
        problems=lint(rendered),
    )


async def _reader(house: House, wanted: Wanted) -> Subscription:
    if not wanted.reader:
        return sample_reader(wanted.newsletter)
    return await find(house, wanted.newsletter, wanted.reader)


async def version_of(house: House, wanted: Wanted) -> str:
    """A text that differs whenever the proof may: the issue changed, or a file of a template did."""
    try:
        issue = await choose_issue(house, wanted)
        seen = f"{issue.id} {issue.state} {issue.revision} {issue.hash}"
    except DigestError as exc:
        seen = exc.what
    files = (file for folder in house.templates.folders for file in sorted(folder.rglob("*")))
    stamps = [f"{file} {file.stat().st_mtime_ns}" for file in files if file.is_file()]
    return hashlib.sha256("\n".join([seen, *stamps]).encode()).hexdigest()[:16]
