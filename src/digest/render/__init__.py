"""ISSUE → MESSAGE: templates, inlining, addressing and linting. Pure: no network, no database, no clock."""

from typing import TYPE_CHECKING

from digest.doors import load

if TYPE_CHECKING:
    from digest.render.issue import render
    from digest.render.mail import address, issue_message_id, notice, pattern, personal, public
    from digest.render.masthead import Links, Masthead
    from digest.render.problems import Problem, lint
    from digest.render.rehearsal import check
    from digest.render.templates import Templates, open_templates
    from digest.render.view import IssueView, see

__all__ = [
    "IssueView",
    "Links",
    "Masthead",
    "Problem",
    "Templates",
    "address",
    "check",
    "issue_message_id",
    "lint",
    "notice",
    "open_templates",
    "pattern",
    "personal",
    "public",
    "render",
    "see",
]

#: Where each is. Loaded when asked for: most commands render nothing.
_MODULES = {
    "issue": ("render",),
    "mail": (
        "address",
        "issue_message_id",
        "notice",
        "pattern",
        "personal",
        "public",
    ),
    "masthead": (
        "Links",
        "Masthead",
    ),
    "problems": (
        "Problem",
        "lint",
    ),
    "rehearsal": ("check",),
    "templates": (
        "Templates",
        "open_templates",
    ),
    "view": (
        "IssueView",
        "see",
    ),
}


def __getattr__(name: str) -> object:
    """The public name, from its module (PEP 562)."""
    return load(__name__, _MODULES, name)
