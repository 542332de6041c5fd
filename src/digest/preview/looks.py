"""A mail's HTML as a view of it needs it. What is sent is never changed; only what a frame shows."""

import re

LOOKS = ("light", "dark")

_SCHEME = re.compile(r"\(\s*prefers-color-scheme\s*:\s*(light|dark)\s*\)", re.IGNORECASE)
_HEAD = re.compile(r"<head\b[^>]*>", re.IGNORECASE)
#: Media conditions that always and never hold.
_ALWAYS, _NEVER = "(min-width:0)", "(max-width:0)"


def in_look(html: str, look: str) -> str:
    """The page as it looks in the light or in the dark, whatever this machine prefers.

    A frame cannot be told which scheme to prefer: browsers do not agree on whether it follows the page
    around it. So the conditions of the style sheet are replaced by their outcome.
    """
    forced = _SCHEME.sub(lambda found: _ALWAYS if found[1].lower() == look else _NEVER, html)
    # After the mail's own: links open in a tab, for a frame that leaves the mail shows it no more.
    extra = f'<base target="_blank"><style>:root{{color-scheme:only {look}!important}}</style>'
    return _HEAD.sub(lambda found: found[0] + extra, forced, count=1)
