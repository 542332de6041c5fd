"""The editor's link: the draft as readers would get it, and the buttons that let it go or stop it."""

from zoneinfo import ZoneInfo

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from digest.compose import correction_words
from digest.domain import Issue, IssueState
from digest.errors import DigestError, NotFoundError, NothingToDoError, TemplateError, WrongStateError
from digest.publish import (
    Desk,
    Hand,
    approve,
    cancel,
    changes_in,
    desk,
    drop_correction,
    keep_correction,
    message_for,
)
from digest.store import issues, subscribers
from digest.tokens import Purpose
from digest.web.forms import read_form
from digest.web.guard import CSP
from digest.web.pages import PRIVATE, see_other
from digest.web.site import Letter, Site, site_of

router = APIRouter(prefix="/n/{key}/review/{token}")

_BY = "editor, by link"
_CHANGED = "The draft has changed since you opened it. Look at it again, then decide."
_OPEN = (IssueState.DRAFT, IssueState.REVIEW)
#: What is done to a correction, by the name of the answer.
_CHANGES = {"drop": drop_correction, "keep": keep_correction}
_WITH_FRAME = PRIVATE | {"Content-Security-Policy": f"{CSP}; frame-src 'self'"}
#: The draft is mail: inline styles, nothing else; and it is shown inside our own page only.
_FRAMED = PRIVATE | {
    "Content-Security-Policy": (
        "sandbox; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"
    ),
    "X-Frame-Options": "SAMEORIGIN",
}


async def issue_of(site: Site, key: str, token: str) -> Issue:
    """The issue that a link is for; TokenError for a broken one."""
    claim = site.house.signer.read(token, Purpose.REVIEW, key, now=site.clock())
    async with site.house.store.read() as session:
        issue = await issues.get(session, claim.subject)
    if issue.newsletter != key:
        raise NotFoundError("There is no such issue.")
    return issue


async def _page(
    site: Site, letter: Letter, issue: Issue, token: str, *, status: int = 200, fault: str = ""
) -> Response:
    """The draft with its buttons, or what has become of it."""
    async with site.house.store.read() as session:
        counts = await subscribers.counts(session, letter.key)
    beside = await desk(site.house, issue)
    subject = ""
    if issue.state in _OPEN:
        try:
            subject = dict((await message_for(site.house, issue)).headers)["Subject"]
        except DigestError as exc:
            fault = fault or f"It cannot be sent as it is: {exc.what}."
    return site.pages.page(
        "review",
        status=status,
        headers=_WITH_FRAME,
        letter=letter,
        issue=issue,
        subject=subject,
        due=issue.due_at.astimezone(ZoneInfo(letter.masthead.zone)),
        audience=counts.get("confirmed", 0),
        asked=len(beside.asked),
        changes=changes_in(issue.reason),
        corrections=_corrections(beside),
        token=token,
        fault=fault,
    )


def _corrections(beside: Desk) -> list[dict[str, object]]:
    """What the draft corrects of earlier issues, and what of it was dropped."""
    return [
        {
            "key": one.key,
            "words": correction_words(one),
            "why": " ".join(reason.words for reason in one.reasons),
            "is_dropped": one.key in beside.uncorrected,
        }
        for one in beside.corrections
    ]


@router.api_route("", methods=["GET", "HEAD"])
async def show(request: Request, key: str, token: str) -> Response:
    """The review page."""
    site = site_of(request)
    return await _page(site, site.letter(key), await issue_of(site, key, token), token)


@router.api_route("/mail", methods=["GET", "HEAD"])
async def mail(request: Request, key: str, token: str) -> Response:
    """The very mail, as everybody would get it, for the frame of the review page."""
    site = site_of(request)
    message = await message_for(site.house, await issue_of(site, key, token))
    return HTMLResponse(message.html, headers=_FRAMED)


@router.post("/approve")
async def let_go(request: Request, key: str, token: str) -> Response:
    """Approved; 303 to the page that says so. 409 when the draft changed since it was looked at."""
    return await _decide(request, key, token, is_approval=True)


@router.post("/cancel")
async def stop(request: Request, key: str, token: str) -> Response:
    """Cancelled; 303 to the page that says so. 409 as for an approval."""
    return await _decide(request, key, token, is_approval=False)


@router.post("/corrections")
async def correct(request: Request, key: str, token: str) -> Response:
    """A correction dropped or kept; 303 to the draft that came of it. 409 as for an approval."""
    site = site_of(request)
    letter, form = site.letter(key), await read_form(request)
    issue = await issue_of(site, key, token)
    if issue.state not in _OPEN:
        return see_other(f"{letter.home}/review/{token}")
    change = _CHANGES.get(form.first("answer"))
    if change is None or form.first("revision") != str(issue.revision):
        return await _page(site, letter, issue, token, status=409, fault=_CHANGED)
    try:
        await change(site.house, issue, form.first("correction"), Hand(by=_BY, at=site.clock()))
    except (NotFoundError, WrongStateError, NothingToDoError) as exc:
        fresh = await issue_of(site, key, token)
        return await _page(site, letter, fresh, token, status=409, fault=f"{exc.what}.")
    return see_other(f"{letter.home}/review/{token}")


async def _decide(request: Request, key: str, token: str, *, is_approval: bool) -> Response:
    site = site_of(request)
    letter, form, now = site.letter(key), await read_form(request), site.clock()
    issue = await issue_of(site, key, token)
    if issue.state not in _OPEN:
        return see_other(f"{letter.home}/review/{token}")
    if form.first("revision") != str(issue.revision):
        return await _page(site, letter, issue, token, status=409, fault=_CHANGED)
    try:
        if is_approval:
            await approve(site.house, issue, by=_BY, now=now)
        else:
            await cancel(site.house, issue, reason="by the editor", by=_BY, now=now)
    except (WrongStateError, TemplateError) as exc:
        fresh = await issue_of(site, key, token)
        return await _page(site, letter, fresh, token, status=409, fault=f"{exc.what}.")
    site.wake()
    return see_other(f"{letter.home}/review/{token}")
