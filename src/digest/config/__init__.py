"""Settings: read once from a TOML file and the environment, checked, frozen, passed down."""

from digest.config.file import FILE_NAME, PATH_VARIABLE, find, load
from digest.config.kinds import local_zone
from digest.config.settings import (
    DeliverySettings,
    DkimSettings,
    GatherSettings,
    NewsletterSettings,
    RelaySettings,
    Settings,
    SmtpSettings,
    SummariesSettings,
    WebSettings,
    dkim,
    setting_names,
)

__all__ = [
    "FILE_NAME",
    "PATH_VARIABLE",
    "DeliverySettings",
    "DkimSettings",
    "GatherSettings",
    "NewsletterSettings",
    "RelaySettings",
    "Settings",
    "SmtpSettings",
    "SummariesSettings",
    "WebSettings",
    "dkim",
    "find",
    "load",
    "local_zone",
    "setting_names",
]
