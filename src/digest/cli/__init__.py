"""The `digest` command: one function a sub-command, one use case each."""

from digest.cli.app import app, main

__all__ = ["app", "main"]
