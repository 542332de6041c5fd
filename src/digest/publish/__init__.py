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
from digest.publish.pausing import pause, resume, retry
from digest.publish.putting_right import changes_in
from digest.publish.recheck import recheck
from digest.publish.reconciling import Reconciled, reconcile
from digest.publish.rehearsal import Rehearsal, rehearse
from digest.publish.release import continue_sending, release_due
from digest.publish.replaying import Replay, replay
from digest.publish.send import SendReport, send
from digest.publish.trial import send_trial

__all__ = [
    "Answered",
    "Asked",
    "Desk",
    "GatherReport",
    "Hand",
    "Reconciled",
    "Rehearsal",
    "Replay",
    "SendReport",
    "answer",
    "approve",
    "bytes_for",
    "cancel",
    "changes_in",
    "continue_sending",
    "desk",
    "draft",
    "draft_month",
    "drop",
    "drop_correction",
    "edit",
    "gather_sources",
    "keep_correction",
    "message_for",
    "move",
    "notice_message",
    "pause",
    "plan_for",
    "present",
    "recheck",
    "recompose",
    "reconcile",
    "rehearse",
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
    "unlock",
]
