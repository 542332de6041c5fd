"""Templates: where they are, what they may do, and what is said when one does not render.

A mail is a folder with `subject.txt` (its first line is the subject, what follows the preheader),
`body.html` and `body.txt`. Colours and frame are in `_base`. A folder of the operator's own comes
first; what it lacks is taken from ours.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from jinja2 import ChoiceLoader, FileSystemLoader, StrictUndefined, TemplateNotFound, TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from digest.errors import TemplateError
from digest.render import fold, moments

_FOLDER = "email_templates"
_PACKAGE = Path(__file__).parent.parent
#: In a wheel they lie inside the package, in a checkout beside `src`.
_PLACES = (_PACKAGE / "_data" / _FOLDER, _PACKAGE.parent.parent / _FOLDER)

_FILTERS = {
    "clock": moments.clock,
    "day": moments.day,
    "fit": fold.fit,
    "local": moments.local,
    "long_weekday": moments.long_weekday,
    "month": moments.month,
    "plural": fold.plural,
    "short_day": moments.short_day,
    "series": fold.series,
    "shorten": fold.shorten,
    "soft": fold.soft,
    "span": moments.span,
    "weekday": moments.weekday,
    "wrap": fold.wrap,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Templates:
    """Every mail's templates; a changed file is read again at the next rendering."""

    environment: ImmutableSandboxedEnvironment
    #: In the order in which they are searched.
    folders: tuple[Path, ...]

    def render(self, name: str, values: Mapping[str, object]) -> str:
        """One file ("issue/body.html") with these values; TemplateError names file and line."""
        try:
            return self.environment.get_template(name).render(values)
        except Exception as exc:  # a template can raise anything that Python can
            raise self._explain(exc, name) from exc

    def mails(self) -> tuple[str, ...]:
        """The names of all mails, sorted: the folders that do not begin with "_" or "."."""
        found = {path.name for folder in self.folders for path in folder.iterdir() if path.is_dir()}
        return tuple(sorted(name for name in found if name[0] not in "_."))

    def find(self, name: str) -> Path | None:
        """The file of that name in the first folder that has it."""
        return next((folder / name for folder in self.folders if (folder / name).is_file()), None)

    def _explain(self, exc: Exception, name: str) -> TemplateError:
        if isinstance(exc, TemplateNotFound):
            return TemplateError(f"{exc.name or name}: there is no such template")
        if isinstance(exc, TemplateSyntaxError):
            return TemplateError(f"{exc.name or name}:{exc.lineno}: {exc.message}")
        if isinstance(exc, UnicodeDecodeError):
            return TemplateError(f"{name}: is not UTF-8 (byte {exc.start})")
        where = self._place(exc.__traceback__) or name
        what = " ".join(str(exc).split()) or type(exc).__name__
        return TemplateError(f"{where}: {what}")

    def _place(self, trace: TracebackType | None) -> str:
        """ "issue/body.html:14": the innermost template line that a traceback passed."""
        place = ""
        while trace is not None:
            file = Path(trace.tb_frame.f_code.co_filename)
            for folder in self.folders:
                if file.is_relative_to(folder):
                    place = f"{file.relative_to(folder).as_posix()}:{trace.tb_lineno}"
            trace = trace.tb_next
        return place


def open_templates(overrides: Path | None = None) -> Templates:
    """Our templates, with those of the folder `overrides` before them; TemplateError when it is none."""
    ours = next((place for place in _PLACES if place.is_dir()), None)
    if ours is None:
        raise TemplateError("the mail templates are missing from this installation", hint="install it again")
    if overrides is not None and not overrides.is_dir():
        raise TemplateError(f"{overrides} is not a folder", hint='"templates" in the settings names it')
    folders = (ours,) if overrides is None else (overrides.absolute(), ours)
    environment = ImmutableSandboxedEnvironment(
        loader=ChoiceLoader([FileSystemLoader(folder) for folder in folders]),
        autoescape=lambda name: name is not None and name.endswith(".html"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(_FILTERS)
    return Templates(environment=environment, folders=folders)
