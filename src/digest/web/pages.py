"""HTML pages from templates, with the headers that pages need."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined, select_autoescape
from starlette.responses import HTMLResponse, RedirectResponse

from digest.render import Templates

_FOLDER = Path(__file__).parent
STYLE = (_FOLDER / "static" / "base.css").read_text(encoding="utf-8")

_STYLE_HASH = hashlib.sha256(STYLE.encode()).hexdigest()[:8]

#: Pages with a token in their address: kept by nobody.
PRIVATE = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex"}
#: Pages that anybody may find and keep for a while.
PUBLIC = {"Cache-Control": "public, max-age=300"}


class Pages:
    """Renders the templates of this room; they may use the words and filters of the mails."""

    def __init__(self, mails: Templates, *, prefix: str) -> None:
        """`mails` lends its filters and phrases, `prefix` is the path before every link."""
        loaders = [FileSystemLoader(_FOLDER / "templates"), mails.environment.loader]
        self._environment = Environment(
            loader=ChoiceLoader([loader for loader in loaders if loader]),
            autoescape=select_autoescape(("html",)),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters.update(mails.environment.filters)
        self._environment.globals["prefix"] = prefix
        self._environment.globals["style"] = f"{prefix}/static/base.css?v={_STYLE_HASH}"

    def text(self, name: str, **values: object) -> str:
        """The template `name` as a page's text."""
        return self._environment.get_template(f"{name}.html").render(values)

    def page(
        self, name: str, *, status: int = 200, headers: Mapping[str, str] = PRIVATE, **values: object
    ) -> HTMLResponse:
        """The template `name` as an answer; private unless `headers` say otherwise."""
        return HTMLResponse(self.text(name, **values), status_code=status, headers=dict(headers))


def see_other(path: str) -> RedirectResponse:
    """303: what was posted is done, read on there."""
    return RedirectResponse(path, status_code=303, headers=dict(PRIVATE))
