"""How things stand, for whoever only looks: what comes next and to whom, who sends, what relays may carry."""

from digest.standing.paces import DomainStanding, RelayStanding
from digest.standing.paces import relays as relay_standings
from digest.standing.paces import throttled as throttled_domains
from digest.standing.sender import LIFE, Held, find_dead, holders, registered
from digest.standing.slots import arrival, arrival_anew, clock_of, next_due, next_for, next_slot, pace_of

__all__ = [
    "LIFE",
    "DomainStanding",
    "Held",
    "RelayStanding",
    "arrival",
    "arrival_anew",
    "clock_of",
    "find_dead",
    "holders",
    "next_due",
    "next_for",
    "next_slot",
    "pace_of",
    "registered",
    "relay_standings",
    "throttled_domains",
]
