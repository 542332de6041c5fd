"""Forms as they arrive, from our pages or from anywhere: any encoding, any nonsense."""

from dataclasses import dataclass
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import Request

_MOST_FIELDS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """The fields of a form in order; what is no UTF-8 holds replacement characters."""

    fields: tuple[tuple[str, str], ...] = ()

    def first(self, name: str) -> str:
        """The first value of that field, "" when there is none."""
        return next((value for key, value in self.fields if key == name), "")

    def every(self, name: str) -> list[str]:
        """All values of that field."""
        return [value for key, value in self.fields if key == name]


async def read_form(request: Request) -> Form:
    """The form in a request, kept on it for the page that follows a failure; 400 when it cannot be read."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        async with request.form(max_files=_MOST_FIELDS, max_fields=_MOST_FIELDS) as parts:
            pairs = [(key, value) for key, value in parts.multi_items() if isinstance(value, str)]
    else:
        body = (await request.body()).decode("utf-8", errors="replace")
        try:
            pairs = parse_qsl(body, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
        except ValueError as exc:
            raise HTTPException(400) from exc
    form = Form(fields=tuple(pairs))
    request.state.form = form
    return form
