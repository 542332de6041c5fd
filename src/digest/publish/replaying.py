"""An issue composed once more from what it was made of then: equal to the byte, or what is not."""

from dataclasses import dataclass

from digest import __version__
from digest.compose import Change, changes, compose
from digest.domain import Issue
from digest.errors import NotFoundError
from digest.house import House
from digest.publish.making import unpack_inputs
from digest.store import revisions


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """What composing again came to: the hashes then and now, the versions, and what is different."""

    then: str
    now: str
    version_then: str
    version_now: str = __version__
    articles: int
    changes: tuple[Change, ...] = ()

    @property
    def is_same(self) -> bool:
        """True when the issue came out as it was."""
        return self.then == self.now


async def replay(house: House, issue: Issue) -> Replay:
    """The issue made again, from stored articles, plan and moment; NotFoundError when none were stored."""
    async with house.store.read() as session:
        kept = await revisions.making(session, issue.id)
    if kept is None:
        raise NotFoundError(
            f"what issue {issue.number} was made of was not kept", hint="an older version drafted it"
        )
    inputs = unpack_inputs(kept)
    again = compose(inputs.articles, inputs.plan, now=inputs.now)
    return Replay(
        then=issue.hash,
        now=again.digest(),
        version_then=inputs.version,
        articles=len(inputs.articles),
        changes=changes(issue.content, again),
    )
