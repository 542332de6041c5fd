"""The readers' pages, the archive and the editor's review: plain HTML, no script, no cookie."""

from digest.web.app import create_app

__all__ = ["create_app"]
