"""An issue as subject, HTML and text: rendered once for all readers who chose the same sections."""

import re
from collections.abc import Mapping
from functools import cache

import css_inline

from digest.domain import Content, Rendered
from digest.errors import TemplateError
from digest.render.marks import passages, places, scrub
from digest.render.masthead import Masthead
from digest.render.templates import Templates
from digest.render.view import see

#: Where the style sheet that must stay one goes, put in after inlining: the inliner would drop it.
_RESPONSIVE = "<!--responsive-->"
_RESPONSIVE_FILE = "_base/responsive.css"


def render(content: Content, masthead: Masthead, templates: Templates) -> Rendered:
    """The issue with marks where a reader's values go; same input, same bytes. Raises TemplateError."""
    values = {
        "issue": see(scrub(content), masthead),
        "masthead": scrub(masthead),
        "reader": places(),
        "only": passages(),
    }
    return render_mail("issue", values, templates)


def render_mail(name: str, values: Mapping[str, object], templates: Templates) -> Rendered:
    """One mail's folder rendered with these values, CSS inlined, text tidied."""
    subject, _, preheader = templates.render(f"{name}/subject.txt", values).strip().partition("\n")
    head = {"subject": _line(subject), "preheader": _line(preheader)}
    html = templates.render(f"{name}/body.html", {**values, **head})
    text = templates.render(f"{name}/body.txt", {**values, **head})
    return Rendered(
        subject=head["subject"],
        preheader=head["preheader"],
        html=_inline(html, templates, values),
        text=_tidy(text),
    )


def _inline(html: str, templates: Templates, values: Mapping[str, object]) -> str:
    """The page with its style sheet in the elements, and the responsive one after it."""
    try:
        page = _inliner().inline(html)
    except css_inline.InlineError as exc:
        raise TemplateError(f"_base/style.css: {exc}") from exc
    responsive = re.sub(r"\s*\n\s*", "", templates.render(_RESPONSIVE_FILE, values))
    page = page.replace(_RESPONSIVE, f"<style>{responsive}</style>", 1)
    return re.sub(r"\s*\n\s*", "\n", page).strip() + "\n"


@cache
def _inliner() -> css_inline.CSSInliner:
    return css_inline.CSSInliner(
        keep_style_tags=False, keep_link_tags=False, load_remote_stylesheets=False, minify_css=True
    )


def _line(text: str) -> str:
    return " ".join(text.split())


def _tidy(text: str) -> str:
    """No blanks at the ends of lines, never two empty lines in a row, one line break at the end."""
    lines = (line.rstrip() for line in text.strip("\n").split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).rstrip() + "\n"
