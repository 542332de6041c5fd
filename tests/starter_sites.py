"""What each source of the starter pack serves, small and of our own making, with its documented quirk."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

NOW = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """What an address gives at its first and at its second build, and how many articles each time adds."""

    build: Callable[[int], str]
    first: int
    #: How many more articles are known after the second build.
    more: int = 0
    content_type: str = "application/rss+xml; charset=utf-8"
    #: The path from which the address that the pack names leads to where the source is now.
    moved_to: str = ""


def _rss(items: Iterable[str], head: str = "") -> str:
    names = (
        'xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/"'
    )
    channel = f"<channel><title>T</title>{head}{''.join(items)}</channel>"
    return f'<?xml version="1.0"?><rss version="2.0" {names}>{channel}</rss>'


def _item(number: int, *, extra: str = "", link: str = "https://s.example/{}", guid: str = "") -> str:
    when = format_datetime(NOW - number * HOUR)
    name = guid or link.format(number)
    return (
        f"<item><title>Story number {number}</title><link>{link.format(number)}</link>"
        f'<guid isPermaLink="false">{name}</guid><pubDate>{when}</pubDate>{extra}</item>'
    )


def _feed(count: int, *, extra: str = "") -> Callable[[int], str]:
    """An RSS feed; the second build names another time of building and nothing else."""

    def build(number: int) -> str:
        at = format_datetime(NOW + number * HOUR)
        return _rss([_item(n, extra=extra) for n in range(count)], f"<lastBuildDate>{at}</lastBuildDate>")

    return build


def archive(count: int) -> Callable[[int], str]:
    """The whole archive in one file; the second build has one item more on top."""
    return lambda number: _rss(_item(n) for n in range(1 - number, count + 1))


def wordpress(number: int) -> str:
    """Guids are `?p=…`, the body is in content:encoded, tracking parameters differ by the build."""
    link = "https://w.example/{}/?utm_source=rss&amp;utm_campaign=" + str(number)
    body = "<content:encoded><![CDATA[<p>" + "Words of the post. " * 40 + "</p>]]></content:encoded>"
    return _rss(_item(n, link=link, guid=f"https://w.example/?p={n}", extra=body) for n in range(10))


def moved_pages(number: int) -> str:
    """Article pages go to another folder while their guids stay."""
    folder = ("technology", "innovation-and-ai")[number]
    return _rss(_item(n, link=f"https://g.example/{folder}/{{}}/", guid=f"g-{n}") for n in range(20))


def podcast(number: int) -> str:
    """Some items are an enclosure without a link."""
    sound = (
        "<item><title>Episode 7</title><guid>ep-7</guid>"
        f'<enclosure url="https://s.example/7.mp3?build={number}" type="audio/mpeg" length="1"/></item>'
    )
    return _rss([_item(1), sound])


def malformed(number: int) -> str:
    """XML with bare ampersands, entities that are none of XML's, and a channel that nobody closes."""
    whole = _rss([_item(n, extra=f"<description>A & B&nbsp;&copy; {number}</description>") for n in range(3)])
    return whole.replace("</channel>", "")


def year_one(number: int) -> str:
    """The tail holds an item of the year 1."""
    tail = _item(9).replace(format_datetime(NOW - 9 * HOUR), "Mon, 01 Jan 0001 00:00:00 +0000")
    return _rss([_item(1), tail], f"<ttl>{60 + number}</ttl>")


def atom(number: int) -> str:
    """Atom where RSS is said; an entry is corrected and keeps its id."""
    entries = "".join(
        f"<entry><id>tag:a.example,2026:{n}</id><title>{'Corrected ' * number}entry {n}</title>"
        f'<link rel="alternate" href="https://a.example/{n}#atom-everything"/>'
        f"<updated>{NOW - n * HOUR:%Y-%m-%dT%H:%M:%SZ}</updated></entry>"
        for n in range(5)
    )
    return f'<feed xmlns="http://www.w3.org/2005/Atom"><title>A</title>{entries}</feed>'


def papers(number: int) -> str:
    """Votes rise; below the threshold nothing is told."""
    told = [(f"2611.{n}", 10 * n + number) for n in range(4)]
    papers = [
        {"id": key, "title": f"Paper {key}", "summary": "We do.", "upvotes": votes} for key, votes in told
    ]
    return json.dumps([{"paper": paper, "publishedAt": "2026-11-19T08:00:00.000Z"} for paper in papers])


def conferences(number: int) -> str:
    """A year's conferences with calls, one of them over; a later build has the venue."""
    entry = {
        "name": "Delta Conf",
        "url": "https://d.example/",
        "startDate": "2026-12-08",
        "endDate": "2026-12-09",
    }
    entry |= {"city": ("", "Utrecht")[number], "country": "Netherlands", "online": False, "locales": "EN"}  # type: ignore[dict-item]
    call = {"cfpUrl": "https://d.example/call", "cfpEndDate": "2026-11-30"}
    return json.dumps(
        [entry | call, entry | {"name": "Over", "startDate": "2026-02-01", "endDate": "2026-02-02"}]
    )


def everything(number: int) -> str:
    """All years and topics, dates in milliseconds."""
    start = int((NOW + 480 * HOUR).timestamp() * 1000)
    common = {"city": "Riga", "country": "Latvia", "hyperlink": "https://e.example/", "misc": number}
    data = {
        "name": "Models Day",
        "date": [start, start + 86_400_000],
        "tags": [{"key": "topic", "value": "ai"}],
    }
    return json.dumps([common | data, common | data | {"name": "Java", "tags": [{"value": "java"}]}])


def contests(number: int) -> str:
    """Competitions with words for dates, most of them over."""
    end = [("Find the boat", "25 Dec 2026"), ("Old", "1 Feb 2024")]
    rows = [
        {"name": n, "url": f"https://k.example/{n}", "deadline": d, "prize": f"€{number}"} for n, d in end
    ]
    return json.dumps({"data": rows})


def _calendar(events: Iterable[str], head: str = "") -> str:
    body = "".join(f"BEGIN:VEVENT\n{event}\nEND:VEVENT\n" for event in events)
    text = f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//x//EN\n{head}{body}END:VCALENDAR\n"
    return text.replace("\n", "\r\n")


def deadlines(number: int) -> str:
    """UIDs are new at every build, the zone is a fixed offset, old deadlines stay in the file."""
    rounds = [
        ("ICXX 2027 Abstract Deadline", "20261205"),
        ("ICXX 2027 Deadline", "20261212"),
        ("Old Deadline", "20230101"),
    ]
    return _calendar(
        (
            f"UID:{number}-{place}@random\nDTSTAMP:2026112{number}T000000Z\nSUMMARY:{title}\n"
            f'DTSTART;TZID="UTC-12:00":{day}T235959'
            for place, (title, day) in enumerate(rounds)
        )
    )


def floating(number: int) -> str:
    """Days and times without a zone, stable UIDs, venues of two trades."""
    days = (
        "DTSTART;VALUE=DATE:20261206\nDTEND;VALUE=DATE:20261212",
        "DTSTART:20270310T090000\nDTEND:20270312T170000",
    )
    return _calendar(
        f"UID:conf-{n}\nSUMMARY:Conference {n}\nDTSTAMP:2026112{number}T000000Z\n{d}"
        for n, d in enumerate(days)
    )


def plug_in(number: int) -> str:
    """The Events Calendar's: a named zone, LAST-MODIFIED at each build, an address for each event."""
    event = (
        f"UID:12345-1796720400@p.example\nDTSTAMP:2026112{number}T010000Z\nLAST-MODIFIED:2026112{number}T010000Z\n"
        "DTSTART;TZID=America/Los_Angeles:20261203T090000\nDTEND;TZID=America/Los_Angeles:20261203T100000\n"
        "SUMMARY:Compilers\\, live\nURL:https://p.example/event/compilers/\nLOCATION:Virtual"
    )
    return _calendar([event], "X-WR-CALNAME:P\nREFRESH-INTERVAL;VALUE=DURATION:PT1H\n")


def tentative(number: int) -> str:
    """All is TENTATIVE, the place is a link, one event is there only at the second build."""
    one = "UID:evt-{n}@events.lu.ma\nDTSTAMP:2026112{b}T010000Z\nDTSTART:2026120{n}T180000Z\nSUMMARY:Meetup {n}\nSTATUS:TENTATIVE\nLOCATION:https://luma.com/event/evt-{n}"
    return _calendar(one.format(n=n, b=number) for n in range(1, 4 + number))


_JSON = "application/json"
_ICS = "text/calendar; charset=utf-8"
_PLAIN = "text/plain; charset=utf-8"
_CONFS = "https://raw.githubusercontent.com/tech-conferences/conference-data/main/conferences"
_LONG = "<description>" + "A long text of the letter. " * 900 + "</description>"

#: By the address in the pack. A source that is not named here is a plain feed of ten items.
PLAIN = Serving(build=_feed(10), first=10)
SERVED: dict[str, Serving] = (
    {
        "https://openai.com/news/rss.xml": Serving(build=archive(1230), first=1000, more=1),
        "https://deepmind.google/blog/rss.xml": Serving(build=archive(100), first=100, more=1),
        "https://blog.google/technology/ai/rss/": Serving(build=moved_pages, first=20),
        "https://mistral.ai/news/rss": Serving(
            build=archive(82), first=82, more=1, content_type=_PLAIN, moved_to="/moved/news/rss"
        ),
        "https://huggingface.co/blog/feed.xml": Serving(build=archive(868), first=868, more=1),
        "https://blogs.nvidia.com/feed/": Serving(build=wordpress, first=10),
        "https://www.theverge.com/rss/ai-artificial-intelligence/index.xml": Serving(build=atom, first=5),
        "https://techcrunch.com/category/artificial-intelligence/feed/": Serving(build=wordpress, first=10),
        "https://raw.githubusercontent.com/Olshansk/rss-feeds/main/feeds/feed_anthropic_news.xml": Serving(
            build=archive(255), first=255, more=1, content_type=_PLAIN
        ),
        "https://simonwillison.net/atom/everything/": Serving(build=atom, first=5),
        "https://www.microsoft.com/en-us/research/feed/": Serving(build=podcast, first=2),
        "https://developer.nvidia.com/blog/feed/": Serving(build=atom, first=5),
        "https://vllm.ai/blog/rss.xml": Serving(
            build=archive(40), first=40, more=1, moved_to="/moved/blog/rss.xml"
        ),
        "https://www.latent.space/feed": Serving(build=_feed(20, extra=_LONG), first=20),
        "https://magazine.sebastianraschka.com/feed": Serving(build=_feed(100, extra=_LONG), first=100),
        "https://eugeneyan.com/rss/": Serving(build=archive(212), first=212, more=1),
        "https://hamel.dev/index.xml": Serving(build=malformed, first=3),
        "https://lilianweng.github.io/index.xml": Serving(build=year_one, first=2),
        "https://huggingface.co/api/daily_papers": Serving(build=papers, first=2, content_type=_JSON),
        "https://ccfddl.com/conference/deadlines_en_AI.ics": Serving(
            build=deadlines, first=2, content_type=_ICS
        ),
        "https://raw.githubusercontent.com/luarss/awesome-conference-dates/main/output.ics": Serving(
            build=floating, first=2, content_type=_PLAIN
        ),
        "https://developers.events/all-events.json": Serving(build=everything, first=1, content_type=_JSON),
        "https://pytorch.org/event-calendar/?ical=1": Serving(build=plug_in, first=1, content_type=_ICS),
        "https://raw.githubusercontent.com/mlcontests/mlcontests.github.io/master/competitions.json": Serving(
            build=contests, first=1, content_type=_PLAIN
        ),
    }
    | {
        f"{_CONFS}/{year}/data.json": Serving(build=conferences, first=2, content_type=_PLAIN)
        for year in (2026, 2027)
    }
    | {
        f"https://api.lu.ma/ics/get?entity=calendar&id={key}": Serving(
            build=tentative, first=3, more=1, content_type=_ICS
        )
        for key in ("cal-TOpA5LAFfuDeFpu", "cal-E74MDlDKBaeAwXK")
    }
)
