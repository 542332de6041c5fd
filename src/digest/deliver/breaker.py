"""When so much comes back that going on would cost the sender's name. Pure."""

from dataclasses import dataclass
from enum import StrEnum

#: Shares of what was tried (mail.md's sources: the rules of Gmail, Yahoo and the large relays).
_BOUNCES_TO_REVIEW, _BOUNCES_TO_PAUSE = 0.05, 0.10
_COMPLAINTS_TO_REVIEW, _COMPLAINTS_TO_PAUSE = 0.001, 0.003
#: Below so many tries, or so many that came back, a share says nothing: one complaint is one person.
_LEAST_TRIED = 100
_LEAST = 3


class Verdict(StrEnum):
    """What the returns of an issue say."""

    #: As it should be.
    FINE = "fine"
    #: A person should look.
    REVIEW = "review"
    #: Nothing more may leave before a person has looked.
    PAUSE = "pause"


@dataclass(frozen=True, slots=True, kw_only=True)
class Returns:
    """What came of an issue so far, or since a person last let it go on."""

    #: Messages with a final answer of a server: taken or refused.
    tried: int
    #: Refused for ever, by the server or by a bounce afterwards.
    bounced: int
    complained: int

    def judge(self) -> tuple[Verdict, str]:
        """The verdict, and the numbers in words; "" when all is fine."""
        if self.tried < _LEAST_TRIED:
            return Verdict.FINE, ""
        rules = (
            (self.complained, "complained", _COMPLAINTS_TO_PAUSE, Verdict.PAUSE, 2),
            (self.bounced, "came back", _BOUNCES_TO_PAUSE, Verdict.PAUSE, 1),
            (self.complained, "complained", _COMPLAINTS_TO_REVIEW, Verdict.REVIEW, 2),
            (self.bounced, "came back", _BOUNCES_TO_REVIEW, Verdict.REVIEW, 1),
        )
        for count, verb, limit, verdict, digits in rules:
            share = count / self.tried
            if count >= _LEAST and share >= limit:
                told = f"{share:.{digits}%}; {limit:.{digits}%} is too much"
                return verdict, f"{count} of {self.tried} {verb} ({told})"
        return Verdict.FINE, ""
