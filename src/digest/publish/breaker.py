"""The circuit breaker: too many bounces or complaints pause an issue, and its editor is told."""

from datetime import datetime, timedelta

from digest.deliver import Returns, Verdict
from digest.domain import Issue, Notice, OutcomeKind
from digest.errors import WrongStateError
from digest.house import House
from digest.publish.pausing import pause
from digest.store import notices, returns

#: Bounces and complaints by mail come over hours; they are counted that often.
_EVERY = timedelta(minutes=1)
#: Outcomes after which the sum is looked at, besides after each refusal.
_A_WHILE = 50


class Breaker:
    """Counts what comes back of one issue while it is sent."""

    def __init__(self, house: House, issue: Issue) -> None:
        """`open` reads what came back before."""
        self._house = house
        self._issue = issue
        self._since: datetime | None = None
        self._sent = self._refused = 0
        self._reported = (0, 0)
        self._looked_at: datetime | None = None
        self._has_warned = False
        #: True when nothing more may leave; `trips` then pauses the issue.
        self.is_tripped = False

    async def open(self) -> None:
        """Count from when a person last let it go on, or from its beginning."""
        async with self._house.store.read() as session:
            self._since = await returns.let_go_at(session, self._issue.id)
            self._sent, self._refused = await returns.settled(session, self._issue.id, since=self._since)

    def note(self, kind: OutcomeKind) -> None:
        """Count an outcome."""
        if kind is OutcomeKind.SENT:
            self._sent += 1
        elif kind is OutcomeKind.FAILED:
            self._refused += 1
        if kind is OutcomeKind.FAILED or not (self._sent + self._refused) % _A_WHILE:
            self.is_tripped = self._returns().judge()[0] is Verdict.PAUSE

    async def trips(self, *, now: datetime) -> bool:
        """True when the issue was paused just now; says so to the log and to the editor."""
        if self._looked_at is None or now - self._looked_at >= _EVERY:
            self._looked_at = now
            async with self._house.store.read() as session:
                since = self._since or self._issue.started_at or now
                self._reported = await returns.reported(session, since=since)
        verdict, words = self._returns().judge()
        if verdict is Verdict.REVIEW and not self._has_warned:
            self._has_warned = True
            self._house.log.warning("issue.returns", n=self._issue.number, why=words)
        if verdict is not Verdict.PAUSE:
            return False
        await self._pause(words, now=now)
        return True

    def _returns(self) -> Returns:
        bounced, complained = self._reported
        return Returns(
            tried=self._sent + self._refused, bounced=self._refused + bounced, complained=complained
        )

    async def _pause(self, words: str, *, now: datetime) -> None:
        try:
            paused = await pause(self._house, self._issue, by="circuit breaker", reason=words, now=now)
        except WrongStateError:
            # Another worker, or a person, was faster.
            return
        self._house.log.warning("issue.tripped", n=paused.number, why=words)
        editor = self._house.newsletter(paused.newsletter).editor
        if editor:
            notice = Notice(
                key=f"paused:{paused.id}:{int(now.timestamp())}",
                name="paused",
                newsletter=paused.newsletter,
                recipient=editor,
                issue_id=paused.id,
                created_at=now,
                due_at=now,
            )
            async with self._house.store.begin() as session:
                await notices.add(session, notice)
