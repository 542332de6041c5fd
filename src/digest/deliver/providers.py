"""Which receiving domains are one provider, and so share one limit. Pure."""

from functools import lru_cache

#: The name by which a provider is known here, and its domains; a trailing dot stands for every country's.
_PROVIDERS = {
    "gmail.com": ("googlemail.com",),
    "outlook.com": ("outlook.", "hotmail.", "live.", "msn.com", "passport.com"),
    "yahoo.com": ("yahoo.", "ymail.com", "rocketmail.com", "aol.", "aim.com"),
    "icloud.com": ("me.com", "mac.com"),
    "gmx.net": ("gmx.", "web.de", "mail.com"),
    "proton.me": ("protonmail.com", "protonmail.ch", "pm.me"),
    "yandex.ru": ("yandex.", "ya.ru"),
    "mail.ru": ("bk.ru", "inbox.ru", "list.ru", "internet.ru"),
    "qq.com": ("foxmail.com",),
    "163.com": ("126.com", "yeah.net"),
}
_KNOWN = {domain: name for name, domains in _PROVIDERS.items() for domain in domains}
#: "co.uk", "com.br": what may follow the name of a provider is short.
_LONGEST_COUNTRY = 6


def provider(address: str) -> str:
    """The provider of an address, or its domain when no group of domains is known to share one."""
    return _provider(address[address.rfind("@") + 1 :])


@lru_cache(maxsize=65_536)
def _provider(domain: str) -> str:
    domain = domain.lower().rstrip(".")
    name, _, country = domain.partition(".")
    group = _KNOWN.get(domain)
    if group is None and len(country) <= _LONGEST_COUNTRY:
        group = _KNOWN.get(f"{name}.")
    return group or domain
