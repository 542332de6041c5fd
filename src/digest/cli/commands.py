"""The table of commands: what `digest --help` lists, and which function each one is."""

import re

from digest.invoked import program

_FIRST, _WEEK, _DESK, _KEEP, _LOOK = (
    "First",
    "The week, by hand or by itself",
    "The editor's desk",
    "Sources and readers",
    "Looking after it",
)

#: Every command: where --help lists it, its name, and its function, in this room unless it says otherwise.
#: Nothing of it is imported before it runs.
COMMANDS: tuple[tuple[str, str, str], ...] = (
    (_FIRST, "demo", "digest.demo.command:demo"),
    (_FIRST, "init", "setup:init"),
    (_FIRST, "doctor", "doctor:doctor"),
    (_WEEK, "run", "serving:run"),
    (_WEEK, "worker", "serving:worker"),
    (_WEEK, "gather", "drafting:gather"),
    (_WEEK, "draft", "drafting:draft"),
    (_WEEK, "preview", "digest.preview.command:preview"),
    (_WEEK, "approve", "releasing:approve"),
    (_WEEK, "send", "sending:send"),
    (_WEEK, "pause", "releasing:pause"),
    (_WEEK, "resume", "releasing:resume"),
    (_WEEK, "retry", "sending:retry"),
    (_WEEK, "who", "who:who"),
    (_WEEK, "cancel", "releasing:cancel"),
    (_DESK, "questions", "deciding:questions"),
    (_DESK, "answer", "deciding:answer"),
    (_DESK, "edit", "editing:edit"),
    (_DESK, "move", "editing:move"),
    (_DESK, "drop", "editing:drop"),
    (_DESK, "take", "editing:take"),
    (_DESK, "explain", "explaining:explain"),
    (_DESK, "diff", "comparing:diff"),
    (_DESK, "replay", "comparing:replay"),
    (_DESK, "corrections list", "correcting:list_"),
    (_DESK, "corrections drop", "correcting:drop"),
    (_DESK, "corrections keep", "correcting:keep"),
    (_DESK, "decisions list", "deciding:list_"),
    (_DESK, "decisions remove", "deciding:remove"),
    (_KEEP, "sources add", "sources:add"),
    (_KEEP, "sources list", "sources:list_"),
    (_KEEP, "sources check", "probing:check"),
    (_KEEP, "sources set", "changing:set_"),
    (_KEEP, "sources remove", "sources:remove"),
    (_KEEP, "sources enable", "sources:enable"),
    (_KEEP, "sources disable", "sources:disable"),
    (_KEEP, "sources import", "packs:import_"),
    (_KEEP, "sources export", "packs:export"),
    (_KEEP, "sources starter", "packs:starter"),
    (_KEEP, "subscribers add", "readers:add"),
    (_KEEP, "subscribers list", "readers:list_"),
    (_KEEP, "subscribers show", "readers:show"),
    (_KEEP, "subscribers set", "wishes:set_"),
    (_KEEP, "subscribers import", "lists:import_"),
    (_KEEP, "subscribers export", "lists:export"),
    (_KEEP, "subscribers remove", "readers:remove"),
    (_KEEP, "subscribers undo", "readers:undo"),
    (_KEEP, "subscribers erase", "readers:erase"),
    (_KEEP, "issues list", "browsing:list_"),
    (_KEEP, "issues show", "browsing:show"),
    (_KEEP, "receive", "receiving:receive"),
    (_LOOK, "reconcile", "reconciling:reconcile"),
    (_LOOK, "status", "status:status"),
    (_LOOK, "relays", "relays:relays"),
    (_LOOK, "config check", "settings:check"),
    (_LOOK, "config show", "settings:show"),
    (_LOOK, "db upgrade", "database:upgrade"),
    (_LOOK, "db check", "database:check"),
    (_LOOK, "dkim new", "dkim:new"),
    (_LOOK, "dkim show", "dkim:show"),
)
#: What stands under one name, and what it is about.
GROUPS = {
    "sources": "What the newsletter is made from.",
    "subscribers": "Who reads it.",
    "issues": "The issues there are.",
    "corrections": "What earlier issues told otherwise.",
    "decisions": "What editors decided for ever.",
    "config": "Check and show the settings.",
    "db": "Bring the database up to date, or compare it with the code.",
    "dkim": "Keys that sign the mails.",
}

_NAMED = re.compile(rf"\bdigest (?=(?:{'|'.join({name.split()[0] for _, name, _ in COMMANDS})})\b)")


def with_options(words: str, options: str) -> str:
    """The words with these options in each command that they name: "digest -q send 3" for "digest send 3".

    Where the shell does not find `digest`, its path stands in its place.
    """
    head = f"{program()} {options} " if options else f"{program()} "
    return _NAMED.sub(lambda _found: head, words)
