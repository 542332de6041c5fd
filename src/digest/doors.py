"""The door of a room whose modules are loaded when they are asked for."""

from collections.abc import Mapping, Sequence
from importlib import import_module


def load(room: str, modules: Mapping[str, Sequence[str]], name: str) -> object:
    """The public name of a room, from the module that has it; AttributeError when none has.

    A name may be another inside: "dkim_records=records".
    """
    for module, names in modules.items():
        for each in names:
            outside, _, inside = each.partition("=")
            if outside == name:
                return getattr(import_module(f"{room}.{module}"), inside or outside)
    raise AttributeError(f"module {room!r} has no attribute {name!r}")
