"""One issue's life: gather, draft, hold, approve, send; and the mails that are no issue."""

from digest.publish.answering import Answered, answer, section_key
from digest.publish.approve import approve, cancel
from digest.publish.correcting import drop_correction, keep_correction
from digest.publish.desk import Hand, desk, drop, edit, recompose, take, unlock
from digest.publish.draft import draft, plan_for, present
from digest.publish.gathering import GatherReport, gather_sources
from digest.publish.mails import bytes_for, message_for, rendered_for, sample_reader
from digest.publish.making import Asked, Desk
from digest.publish.monthly import draft_month
from digest.publish.moving import move
from digest.publish.notice import notice_message
from digest.publish.notices import send_notices
from digest.publish.paces import DomainStanding, RelayStanding
from digest.publish.paces import relays as relay_standings
from digest.publish.paces import throttled as throttled_domains
from digest.publish.pausing import pause, resume, retry
from digest.publish.reconciling import Reconciled, reconcile
from digest.publish.rehearsal import Rehearsal, rehearse
from digest.publish.release import continue_sending, release_due
from digest.publish.replaying import Replay, replay
from digest.publish.send import SendReport, send
from digest.publish.sender import Held, holders
from digest.publish.slots import arrival, clock_of, next_due, next_slot, pace_of
from digest.publish.trial import send_trial

__all__ = [
    "Answered",
    "Asked",
    "Desk",
    "DomainStanding",
    "GatherReport",
    "Hand",
    "Held",
    "Reconciled",
    "Rehearsal",
    "RelayStanding",
    "Replay",
    "SendReport",
    "answer",
    "approve",
    "arrival",
    "bytes_for",
    "cancel",
    "clock_of",
    "continue_sending",
    "desk",
    "draft",
    "draft_month",
    "drop",
    "drop_correction",
    "edit",
    "gather_sources",
    "holders",
    "keep_correction",
    "message_for",
    "move",
    "next_due",
    "next_slot",
    "notice_message",
    "pace_of",
    "pause",
    "plan_for",
    "present",
    "recompose",
    "reconcile",
    "rehearse",
    "relay_standings",
    "release_due",
    "rendered_for",
    "replay",
    "resume",
    "retry",
    "sample_reader",
    "section_key",
    "send",
    "send_notices",
    "send_trial",
    "take",
    "throttled_domains",
    "unlock",
]
