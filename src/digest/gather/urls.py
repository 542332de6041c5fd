"""Addresses: what a link means, and the one form by which two links are the same article."""

import re
from urllib.parse import SplitResult, quote, unquote, urljoin, urlsplit, urlunsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}
_MAX_LENGTH = 4000
#: What may stand unescaped in a path or query besides letters and digits (RFC 3986 §3.3).
_SAFE = "/:@!$&'()*+,;=~-._?%"
#: Hardly any address in a feed is more than this: nothing of it is to be changed, its host is one already.
_USUAL = re.compile(
    r"https?://(?P<host>[.-]*[a-z0-9][a-z0-9.-]*)(?P<path>/[A-Za-z0-9/:@!$&'()*+,;=~._-]*)?"
    r"(?:\?(?P<query>[A-Za-z0-9/:@!$&'()*+,;=~._?-]+))?(?:\#(?P<fragment>[A-Za-z0-9/:@!$&'()*+,;=~._?-]+))?"
)
#: Parts of addresses are hardly ever more than this, and then need no escaping.
_PLAIN = re.compile(r"[A-Za-z0-9/:@!$&'()*+,;=~._?#\[\]-]*")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_DEFAULT_PAGES = frozenset(
    f"{name}.{end}" for name in ("index", "default") for end in ("html", "htm", "php", "asp", "aspx", "jsp")
)
_TRACKING_PREFIXES = ("utm_", "mtm_", "pk_", "piwik_", "matomo_", "hsa_", "oly_", "vero_", "at_", "__s")
_TRACKING_NAMES = (
    "_ga _gl _hsenc _hsmi _openstat __twitter_impression campaign_id cmp cmpid dclid fbclid gbraid "
    "gclid gclsrc guccounter guce_referrer guce_referrer_sig igsh igshid ito mc_cid mc_eid mkt_tok "
    "msclkid ncid ref ref_src ref_url referrer rss_id sc_campaign sc_cid share_id smid spm srsltid "
    "trk ttclid twclid wbraid wickedid wt_mc xtor yclid"
)
_TRACKING = frozenset(_TRACKING_NAMES.split())
#: Parameters that track only when they hold one of these beginnings; else they may select the page.
_TRACKING_VALUES = {"source": ("rss", "feed", "twitter", "newsletter"), "from": ("rss", "feed"), "amp": ("",)}
_TRACKING_VALUES |= {"outputtype": ("amp",), "feature": ("youtu.be", "share"), "si": ("",)}
_TRACKING_VALUES |= {"feed": ("rss", "atom"), "amp_markup": ("",), "via": ("rss",)}


def web_url(raw: str, base: str = "") -> str:
    """The absolute http(s) address that `raw` means on the page `base`, or "" when it is none.

    User names are dropped and spaces escaped; whatever a browser could read as another host is refused.
    """
    raw = raw.strip()
    if _USUAL.fullmatch(raw):
        return raw if len(raw) <= _MAX_LENGTH else ""
    try:
        parts, port = _split(raw if raw.startswith(("https://", "http://")) else urljoin(base, raw))
    except ValueError:
        return ""
    host = parts.hostname or ""
    netloc = (f"[{host}]" if ":" in host else host) + (f":{port}" if port is not None else "")
    fixed = (_escape(parts.path), _escape(parts.query), _escape(parts.fragment))
    url = urlunsplit((parts.scheme, netloc, *fixed))
    return url if len(url) <= _MAX_LENGTH else ""


def canonical_url(url: str) -> str:
    """The form by which two addresses are the same article; applying it twice changes nothing.

    It never leads to another host and keeps what selects a page. What is no http(s) address comes back as
    it is. The rules are the table in tests/test_gather_urls.py.
    """
    url = url.strip()
    if usual := _USUAL.fullmatch(url):
        host, path, query, fragment = usual.groups(default="")
        query, fragment = _query(query), _fragment(fragment)
        ends = ("?" + query if query else "") + ("#" + fragment if fragment else "")
        return f"https://{host.rstrip('.')}{_path(path)}{ends}"
    try:
        parts, port = _split(url)
        host = _host(parts)
    except ValueError:
        return url
    scheme, netloc = _place(parts.scheme, host, port)
    path = _path(_normal(parts.path))
    return urlunsplit((scheme, netloc, path, _query(_normal(parts.query)), _fragment(parts.fragment)))


def title_of(url: str) -> str:
    """The words of an address's last part that has some, as a title until the page tells its own."""
    for part in reversed(unquote(urlsplit(url).path).split("/")):
        words = re.sub(r"[-_+.\s]+", " ", re.sub(r"\.\w{2,5}$", "", part)).strip()
        if words.isprintable() and re.search(r"[^\W\d_]{3}", words):
            return words[:1].upper() + words[1:200]
    return url


def host_of(url: str) -> str:
    """The host of an address in lower case, "" when it has none."""
    if usual := _USUAL.fullmatch(url):
        return usual["host"]
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""


def _split(url: str) -> tuple[SplitResult, int | None]:
    """The parts of an http(s) address and its port; ValueError for any other text.

    A backslash before the path is refused: browsers read it as the path's beginning, Python does not.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    is_host = host.strip(".") and not re.search(r"[\s<>\"^`{|}%@/?#\x00-\x20\x7f]", host)
    if parts.scheme not in _DEFAULT_PORTS or not is_host or "\\" in parts.netloc:
        raise ValueError("this is not a web address")
    return parts, parts.port


def _host(parts: SplitResult) -> str:
    """The host in ASCII. Labels are encoded, never mapped: mapping (ß → ss) would lead to another host."""
    labels = (parts.hostname or "").lower().rstrip(".").split(".")
    return ".".join(
        label if label.isascii() else "xn--" + label.encode("punycode").decode() for label in labels
    )


def _place(scheme: str, host: str, port: int | None) -> tuple[str, str]:
    """Scheme and host; plain http on its own port counts as https, which serves the same page."""
    host = f"[{host}]" if ":" in host else host
    if port in (None, _DEFAULT_PORTS[scheme]):
        return "https", host
    return scheme, f"{host}:{port}"


def _escape(part: str) -> str:
    """The part with stray percent signs, spaces and letters beyond ASCII escaped."""
    if _PLAIN.fullmatch(part):
        return part
    return quote(re.sub(r"%(?![0-9A-Fa-f]{2})", "%25", part), safe=_SAFE + "#[]", errors="replace")


def _normal(part: str) -> str:
    """The part with every escape either undone (unreserved characters) or in capitals (RFC 3986 §6.2.2)."""

    if "%" not in part and _PLAIN.fullmatch(part):
        return part

    def one(found: re.Match[str]) -> str:
        char = chr(int(found[1], 16))
        return char if char in _UNRESERVED else found[0].upper()

    return re.sub(r"%([0-9A-Fa-f]{2})", one, _escape(part))


def _path(path: str) -> str:
    """The path without dot segments, session ids, default pages, AMP variants and the last slash."""
    segments: list[str] = []
    if ";" in path:
        path = re.sub(r"(?i);jsessionid=[^/;]*", "", path)
    for segment in path.split("/")[1:]:
        if segment == "..":
            del segments[-1:]
        elif segment != ".":
            segments.append(segment)
    while segments and (not segments[-1] or segments[-1].lower() in _DEFAULT_PAGES or _is_amp(segments)):
        segments.pop()
    has_dot = bool(segments) and "." in segments[-1]
    if has_dot and (found := re.fullmatch(r"(?i)([^.]+)\.amp((?:\.html?)?)", segments[-1])):
        segments[-1] = found[1] + found[2]
        return _path("/" + "/".join(segments))
    return "/" + "/".join(segments)


def _is_amp(segments: list[str]) -> bool:
    """True for ".../some-long-title/amp"; a shop's /guitars/amp is a page of its own."""
    if segments[-1].lower() != "amp" or len(segments) < 2:
        return False
    return segments[-2].count("-") >= 2 or any(char.isdigit() for char in segments[-2])


def _query(query: str) -> str:
    """The query without tracking, ordered by name; values of one name keep their order."""
    if not query:
        return ""
    kept = [part for part in query.split("&") if part and not _is_tracking(part)]
    return "&".join(sorted(kept, key=lambda part: part.partition("=")[0]))


def _is_tracking(part: str) -> bool:
    name, _, value = part.partition("=")
    name = unquote(name).lower()
    if name in _TRACKING or name.startswith(_TRACKING_PREFIXES):
        return True
    return name in _TRACKING_VALUES and unquote(value).lower().startswith(_TRACKING_VALUES[name])


def _fragment(fragment: str) -> str:
    """Only what applications in one page use to select their view (#!/…, #/…)."""
    return _normal(fragment) if fragment.startswith(("!", "/")) else ""
