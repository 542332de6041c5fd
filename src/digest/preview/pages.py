"""The preview as pages of this machine: each view is a link, so that they work without a script."""

from dataclasses import dataclass, replace
from importlib.resources import files
from urllib.parse import urlencode

from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined

from digest.errors import DigestError
from digest.house import House
from digest.loopback import only_here
from digest.preview.looks import LOOKS, in_look
from digest.preview.proof import Proof, Wanted, proof_of, version_of
from digest.render import open_templates

#: What is shown, by name, with the label of its link.
VIEWS = {
    "both": "Wide and phone",
    "wide": "Wide",
    "phone": "Phone",
    "text": "Plain text",
    "headers": "Headers",
}
IMAGES = {"on": "Images on", "off": "Images off"}
#: Gmail cuts a mail's HTML off here; we aim well below.
LIMIT_KB, AIM_KB = 102, 80

_PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; frame-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
#: A mail may style itself and open its links in a tab; it may run nothing.
_MAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; "
    "sandbox allow-popups allow-popups-to-escape-sandbox"
)
_STATIC = {"preview.css": "text/css", "preview.js": "text/javascript"}

_PAGES = Environment(
    loader=PackageLoader("digest.preview"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which view of the mail is looked at."""

    view: str = "both"
    look: str = "light"
    images: str = "on"

    @classmethod
    def of(cls, request: web.Request) -> "Choice":
        """What the address asks for; what it does not know is left as it is usually."""
        allowed = {"view": tuple(VIEWS), "look": LOOKS, "images": tuple(IMAGES)}
        asked = {name: request.query.get(name) for name in allowed}
        return cls(**{name: value for name, value in asked.items() if value in allowed[name]})

    def link(self, **changes: str) -> str:
        """The address of this view with something else chosen."""
        values = {"view": self.view, "look": self.look, "images": self.images} | changes
        return f"/?{urlencode(values)}"


def preview_app(house: House, wanted: Wanted) -> web.Application:
    """The application: `/` is the page, `/mail` the HTML in its frames, `/version` changes when they do."""
    pages = _Preview(house, wanted)
    app = web.Application(middlewares=[only_here(_PAGE_POLICY)])
    app.router.add_get("/", pages.page)
    app.router.add_get("/mail", pages.mail)
    app.router.add_get("/version", pages.version)
    app.router.add_get("/static/{name}", _static)
    return app


async def _static(request: web.Request) -> web.Response:
    name = request.match_info["name"]
    if name not in _STATIC:
        raise web.HTTPNotFound
    text = files("digest.preview").joinpath("static", name).read_text("utf-8")
    return web.Response(text=text, content_type=_STATIC[name])


class _Preview:
    """The pages of one issue as one reader sees it; read afresh for each answer."""

    def __init__(self, house: House, wanted: Wanted) -> None:
        self._house = house
        self._wanted = wanted
        self._version = ""

    async def page(self, request: web.Request) -> web.Response:
        """The view that is asked for, or what keeps the mail from being made."""
        choice = Choice.of(request)
        # Before the proof: what changes in between is then seen as a change.
        version = await self._follow()
        values = {"choice": choice, "views": VIEWS, "looks": LOOKS, "all_images": IMAGES, "version": version}
        name = self._house.newsletter(self._wanted.newsletter).name
        try:
            proof = await proof_of(self._house, self._wanted)
        except DigestError as exc:
            return _answer("broken.html", **values, name=name, error=exc)
        return _answer("page.html", **values, name=name, proof=proof, gauge=gauge(proof))

    async def mail(self, request: web.Request) -> web.Response:
        """The mail's HTML for a frame."""
        choice = Choice.of(request)
        try:
            await self._follow()
            html = (await proof_of(self._house, self._wanted)).message.html
        except DigestError as exc:
            raise web.HTTPNotFound(text=exc.what) from exc
        sources = "; img-src https: http: data:" if choice.images == "on" else ""
        return web.Response(
            text=in_look(html, choice.look),
            content_type="text/html",
            headers={"Content-Security-Policy": _MAIL_POLICY + sources},
        )

    async def version(self, _request: web.Request) -> web.Response:
        """What the page's script compares with the version that it was made from."""
        return web.Response(text=await version_of(self._house, self._wanted))

    async def _follow(self) -> str:
        """The version; templates are opened anew when it is another.

        A template that is loaded notices its own file, but not that another one now goes before it.
        """
        version = await version_of(self._house, self._wanted)
        if version != self._version:
            self._house = replace(self._house, templates=open_templates(self._house.settings.templates))
            self._version = version
        return version


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge:
    """How large the HTML is beside what Gmail shows; all in KB."""

    html: float
    whole: float
    limit: int = LIMIT_KB
    aim: int = AIM_KB


def gauge(proof: Proof) -> Gauge:
    """The sizes of a mail."""
    return Gauge(html=len(proof.message.html.encode()) / 1024, whole=len(proof.data) / 1024)


def _answer(template: str, **values: object) -> web.Response:
    return web.Response(text=_PAGES.get_template(template).render(values), content_type="text/html")
