"""Everything that can go wrong, drawn as one tree.

DigestError
├── ConfigError                 C…  exit 2   the settings; what, where, and the nearest right name
│   └── TemplateError           T…  exit 1   a template that does not render; file and line
├── UsageError                  U…  exit 2   a wrong argument
├── StoreError                  D…  exit 1
│   ├── SchemaError                          the database is behind or ahead of the code
│   └── DiskFullError
├── NotFoundError               N…  exit 1   no such issue, source, reader, newsletter
├── WrongStateError             S…  exit 1   a move that the state does not allow
├── NothingToDoError            E…  exit 3 with --exit-code, else 0
├── SourceError                 G…           one source could not be read; recorded, the run goes on
│   ├── FetchError                           network, status, size, a refused address
│   └── ParseError                           not a feed, truncated, empty
├── AddressError                A…           not an e-mail address
├── TokenError                  K…           a link that is incomplete, forged or for something else
│   └── TokenExpiredError
├── TransportError              M…  exit 75  a mail server or outbox
│   └── its `is_permanent` says whether trying again can help
├── ModelError                  L…  exit 75  the model that writes summaries; the extract stands
└── BusyError                   B…  exit 75  somebody else holds the lease
"""


class DigestError(Exception):
    """Something went wrong."""

    #: Stable, documented in docs/errors.md.
    id = "X001"
    #: What the command exits with.
    exit_code = 1

    def __init__(self, what: str = "", *, hint: str = "") -> None:
        """`what` is one line for a person, `hint` what to do next; the docstring is the default."""
        self.what = what or (type(self).__doc__ or "").splitlines()[0]
        self.hint = hint
        super().__init__(self.what)


class ConfigError(DigestError):
    """The configuration is not usable."""

    id = "C001"
    exit_code = 2


class ConfigMissingError(ConfigError):
    """No configuration file was found."""

    id = "C002"


class UnknownSettingError(ConfigError):
    """There is no such setting."""

    id = "C003"


class TemplateError(ConfigError):
    """A template does not render."""

    id = "T001"
    exit_code = 1


class UsageError(DigestError):
    """This cannot be asked for."""

    id = "U001"
    exit_code = 2


class StoreError(DigestError):
    """The database could not be used."""

    id = "D001"


class SchemaError(StoreError):
    """The database and the code have different versions."""

    id = "D002"


class DiskFullError(StoreError):
    """The disk is full; nothing was lost, free some space and run the command again."""

    id = "D003"


class NotFoundError(DigestError):
    """There is no such thing."""

    id = "N001"


class WrongStateError(DigestError):
    """The present state does not allow this."""

    id = "S001"


class NothingToDoError(DigestError):
    """There is nothing to do."""

    id = "E001"
    exit_code = 3


class SourceError(DigestError):
    """The source could not be read."""

    id = "G001"


class FetchError(SourceError):
    """The source could not be fetched."""

    id = "G002"


class ParseError(SourceError):
    """What was fetched is not a feed or a calendar."""

    id = "G003"


class AddressError(DigestError):
    """An address looks like name@example.org."""

    id = "A001"
    exit_code = 2


class TokenError(DigestError):
    """This link is incomplete."""

    id = "K001"


class TokenExpiredError(TokenError):
    """This link is too old."""

    id = "K002"


class TransportError(DigestError):
    """The mail server could not be used."""

    id = "M001"
    exit_code = 75

    def __init__(self, what: str = "", *, hint: str = "", is_permanent: bool = False) -> None:
        """`is_permanent` is True when trying the same again cannot help."""
        super().__init__(what, hint=hint)
        self.is_permanent = is_permanent


class ModelError(DigestError):
    """The model that writes summaries gave none."""

    id = "L001"
    exit_code = 75

    def __init__(
        self, what: str = "", *, hint: str = "", pause: float | None = None, is_permanent: bool = False
    ) -> None:
        """`pause` is the seconds it asks to be left alone, `is_permanent` that asking on is no use."""
        super().__init__(what, hint=hint)
        self.pause = pause
        self.is_permanent = is_permanent


class BusyError(DigestError):
    """Another process is doing this right now."""

    id = "B001"
    exit_code = 75
