"""What a mail knows of its newsletter, and the links that belong to one reader."""

from dataclasses import dataclass, field

#: Languages written from right to left.
_RIGHT_TO_LEFT = frozenset({"ar", "arc", "ckb", "dv", "fa", "he", "ps", "sd", "ug", "ur", "yi"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Masthead:
    """A newsletter as its mails show it."""

    key: str
    name: str
    from_address: str
    from_name: str = ""
    reply_to: str = ""
    postal_address: str = ""
    description: str = ""
    #: BCP 47.
    language: str = "en"
    #: IANA name; every time in a mail is told in this zone.
    zone: str = "UTC"
    editor_name: str = ""
    #: Where the readers' pages are, without a slash at the end.
    public_url: str
    #: Seals Message-IDs, so that nobody can forge a bounce of a mail that they only guess at.
    seal_key: bytes = field(default=b"", repr=False)

    @property
    def home(self) -> str:
        """The newsletter's own page, where one signs up."""
        return f"{self.public_url}/n/{self.key}"

    @property
    def archive(self) -> str:
        """The page of all issues; one issue is this, a slash and its number."""
        return f"{self.home}/issues"

    @property
    def direction(self) -> str:
        """ "rtl" or "ltr", as the newsletter's language is written."""
        return "rtl" if self.language.split("-")[0] in _RIGHT_TO_LEFT else "ltr"


# Not frozen, as other values are: one is made for each message, and that would take twice as long.
@dataclass(slots=True, kw_only=True)
class Links:
    """One reader's own links in one issue; all absolute."""

    browser: str
    preferences: str
    #: The page with the button.
    leave: str
    #: What a mail program posts to (RFC 8058).
    one_click: str
    #: An address that a mail of the reader's leaves by, without `mailto:`; may be empty.
    leave_mail: str = ""
