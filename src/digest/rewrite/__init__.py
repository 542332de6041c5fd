"""MATERIAL → SUGGESTION: asks a model behind an OpenAI-compatible address, and believes nothing it says."""

from typing import TYPE_CHECKING

from digest.doors import load

if TYPE_CHECKING:
    from digest.rewrite.client import Budget, Model, open_model
    from digest.rewrite.prompt import VERSION

__all__ = ["VERSION", "Budget", "Model", "open_model"]

#: Where each is. Loaded when asked for: few have a model, and only drafting asks it.
_MODULES = {"client": ("Budget", "Model", "open_model"), "prompt": ("VERSION",)}


def __getattr__(name: str) -> object:
    """The public name, from its module (PEP 562)."""
    return load(__name__, _MODULES, name)
