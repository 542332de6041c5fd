"""MATERIAL → SUGGESTION: asks a model behind an OpenAI-compatible address, and believes nothing it says."""

from digest.rewrite.client import Budget, Model, open_model
from digest.rewrite.prompt import VERSION

__all__ = ["VERSION", "Budget", "Model", "open_model"]
