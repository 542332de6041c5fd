"""What the page of an article says, as far as it concerns us."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PageText:
    """What an article's page says; "" and None for what it does not."""

    title: str = ""
    #: A paragraph a line, without the title.
    text: str = ""
    author: str = ""
    language: str = ""
    image: str = ""
    published: datetime | None = None
    #: The address that the page itself calls its own, on the same domain; "" when it names none.
    canonical: str = ""
