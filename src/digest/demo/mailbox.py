"""A page that shows what the catcher got: each mail as HTML in a sandbox, as text, and as it was sent."""

from importlib.resources import files

from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined

from digest.demo.catcher import Catcher, Caught
from digest.loopback import only_here

VIEWS = ("html", "text", "source")
#: The pages hold no script, and nothing from elsewhere.
_PAGE_POLICY = "default-src 'none'; style-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'"
#: A mail may style itself and open its links in a tab; it may run, load and send nothing.
_MAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; sandbox allow-popups allow-popups-to-escape-sandbox"
)

_PAGES = Environment(
    loader=PackageLoader("digest.demo"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)


def mailbox(catcher: Catcher) -> web.Application:
    """The application: `/` lists the mails, newest first; `/mail/N` shows one."""
    box = _Mailbox(catcher)
    app = web.Application(middlewares=[only_here(_PAGE_POLICY)])
    app.router.add_get("/", box.overview)
    app.router.add_get("/mailbox.css", _style)
    app.router.add_get(r"/mail/{number:\d{1,6}}", box.mail)
    app.router.add_get(r"/mail/{number:\d{1,6}}/html", box.body)
    return app


async def _style(_request: web.Request) -> web.Response:
    sheet = files("digest.demo").joinpath("templates", "mailbox.css").read_text("utf-8")
    return web.Response(text=sheet, content_type="text/css")


class _Mailbox:
    """The pages of one catcher."""

    def __init__(self, catcher: Catcher) -> None:
        self._catcher = catcher

    async def overview(self, _request: web.Request) -> web.Response:
        """All mails: what went out to readers, and the notices around it."""
        numbered = list(enumerate(self._catcher.mails))[::-1]
        return _page("overview.html", mails=[(number, _seen(mail)) for number, mail in numbered])

    async def mail(self, request: web.Request) -> web.Response:
        """One mail in the view that `view` names."""
        number, mail = self._find(request)
        view = request.query.get("view", VIEWS[0])
        if view not in VIEWS:
            raise web.HTTPNotFound
        shown = mail.body("plain") if view == "text" else mail.data.decode("utf-8", "replace")
        return _page("mail.html", number=number, mail=_seen(mail), view=view, views=VIEWS, shown=shown)

    async def body(self, request: web.Request) -> web.Response:
        """The HTML of one mail, for the sandboxed frame."""
        _, mail = self._find(request)
        html = mail.body("html").replace("<head>", '<head><base target="_blank">', 1)
        headers = {"Content-Security-Policy": _MAIL_POLICY}
        return web.Response(text=html, content_type="text/html", headers=headers)

    def _find(self, request: web.Request) -> tuple[int, Caught]:
        number = int(request.match_info["number"])
        if number >= len(self._catcher.mails):
            raise web.HTTPNotFound
        return number, self._catcher.mails[number]


def _seen(mail: Caught) -> dict[str, str | bool]:
    """What the pages tell of a mail."""
    message = mail.message
    seen: dict[str, str | bool] = {
        name: str(message[name] or "") for name in ("subject", "to", "from", "date")
    }
    return seen | {"is_notice": mail.is_notice, "size": f"{len(mail.data) / 1024:.1f} KB"}


def _page(name: str, **values: object) -> web.Response:
    return web.Response(text=_PAGES.get_template(name).render(values), content_type="text/html")
