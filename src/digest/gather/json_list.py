"""A list in JSON becomes a document: its fields found by name, or by the source's recipe."""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from digest.domain import Event, SourceKind
from digest.errors import ParseError
from digest.gather import jsonfeed
from digest.gather.clean import one_line, title_text
from digest.gather.dates import is_day, read_moment
from digest.gather.decode import text_of
from digest.gather.document import Body, Document, Item
from digest.gather.presets import recipe_of
from digest.gather.recipe import RECIPES, read_recipe

#: What a field is usually called, the surest name first. Used where a recipe names nothing.
_USUAL = {
    "title": "title | name | headline | conference | event | label",
    "url": "url | link | website | href | hyperlink | homepage | permalink",
    "guid": "guid | id | uid | slug",
    "summary": "summary | description | abstract | excerpt | teaser | about",
    "author": "author.name | authors.name | author | authors | byline | organizer",
    "published": "published | published_at | publishedAt | date_published | created_at | createdAt | pubDate",
    "starts": "startDate | start_date | starts_at | startsAt | start | date_start | begin | start_time",
    "ends": "endDate | end_date | ends_at | endsAt | end | date_end | end_time",
    "deadline": "cfpEndDate | deadline | cfp_deadline | submission_deadline | closes_at",
    "deadline_url": "cfpUrl | cfp_url",
    "place": "city, country | venue | location.name | location | place",
    "online": "online | is_online | virtual",
    "language": "language | lang | locale",
}
#: Where the list is, besides being the whole.
_LISTS = ("items", "data", "events", "results", "entries", "articles", "posts", "conferences", "papers")
_MAX_ITEMS = 20_000
_MAX_DEPTH = 8
_ONLINE = re.compile(r"(?i)\b(?:online|virtual|remote|webinar)\b")
_AHEAD, _BEHIND = timedelta(days=400), timedelta(days=1)


def read(body: Body, now: datetime) -> Document:
    """The list's items in its own order; of events those that are not over, with their deadlines.

    ParseError when it is no JSON, holds no list, or its fields cannot be told.
    """
    recipe = read_recipe(body.recipe or recipe_of(body.url), RECIPES[SourceKind.JSON])
    data = load(text_of(body.data, body.charset))
    entries = [entry for entry in _entries(data, recipe.get("items", "")) if isinstance(entry, dict)]
    kept = [entry for entry in entries[:_MAX_ITEMS] if _is_wanted(entry, recipe)]
    items = _named(item for entry in kept for item in _items(entry, recipe))
    if kept and not items:
        raise ParseError(_no_titles(kept[0]), hint="say in its recipe which they are: title=…; url=…")
    coming = [item for item in items if _is_coming(item, now)]
    return Document(
        title=jsonfeed.words(data, "title") if isinstance(data, dict) else "",
        base=body.url,
        items=tuple(coming),
        depends_on_now=any(item.event for item in items),
        whole_until=now + _AHEAD if _is_whole(data, entries, kept) else None,
        how=_how(kept, recipe) + ("" if len(kept) == len(entries) else f" ({len(kept)} of {len(entries)})"),
    )


def _is_whole(data: object, entries: Sequence[object], kept: Sequence[object]) -> bool:
    """True for a file that is the list: one that has more fields beside it may be a page of several.

    What `only` and `least` leave out may be there all the same.
    """
    is_file = isinstance(data, list) or (isinstance(data, dict) and len(data) == 1)
    return is_file and bool(kept) and len(kept) == len(entries)


def _how(entries: Sequence[Mapping[str, object]], recipe: Mapping[str, str]) -> str:
    """Which field of the first entries was taken for what."""
    used = {
        name: choice.strip()
        for name in _USUAL
        for choice in reversed((recipe.get(name) or _USUAL[name]).split("|"))
        if any(_written(entry, choice.strip()) for entry in entries[:20])
    }
    chosen = {name: recipe[name] for name in ("items", "only", "least") if name in recipe}
    return "by fields: " + "; ".join(f"{name}={value}" for name, value in (chosen | used).items())


def load(text: str) -> object:
    """The value of a JSON text; ParseError when it is none."""
    start = text.lstrip("\ufeff \t\r\n")
    if not start:
        raise ParseError("the answer is empty")
    if not start.startswith(("{", "[")):
        raise ParseError("this is not JSON")
    return jsonfeed.load(start)


def _no_titles(entry: Mapping[str, object]) -> str:
    names = ", ".join(one_line(str(name))[:30] for name in list(entry)[:8])
    return f"none of the list's fields is a title: {names}"


def _entries(data: object, path: str) -> list[object]:
    """The list: at the recipe's path, the whole, or under one of the usual names."""
    entries: object
    if path:
        found = list(_at(data, path.split(".")))
        entries = found[0] if len(found) == 1 and isinstance(found[0], list) else found
    elif isinstance(data, list):
        entries = data
    else:
        names = [name for name in _LISTS if isinstance(data, dict) and isinstance(data.get(name), list)]
        entries = data[names[0]] if names and isinstance(data, dict) else None
    if not isinstance(entries, list) or (path and not entries):
        where = f'at "{path}"' if path else "of items"
        raise ParseError(f"this is JSON, but it has no list {where}", hint="say in its recipe where: items=…")
    return entries


def _at(value: object, path: list[str], depth: int = 0) -> Iterator[object]:
    """What stands at a path; lists on the way are gone through, numbers take one of them."""
    if not path or depth > _MAX_DEPTH:
        yield value
        return
    name, *rest = path
    if isinstance(value, dict):
        if name in value:
            yield from _at(value[name], rest, depth + 1)
    elif isinstance(value, list):
        if re.fullmatch(r"-?[0-9]{1,4}", name):
            place = int(name)
            if -len(value) <= place < len(value):
                yield from _at(value[place], rest, depth + 1)
            return
        for one in value[:200]:
            yield from _at(one, path, depth + 1)


def _raw(entry: Mapping[str, object], recipe: Mapping[str, str], name: str) -> object:
    """The first of the field's alternatives that says something, as it stands in the list."""
    for choice in (recipe.get(name) or _USUAL[name]).split("|"):
        for value in _at(entry, choice.strip().split(".")):
            if value not in (None, "", [], {}):
                return value
    return None


def _words(entry: Mapping[str, object], recipe: Mapping[str, str], name: str) -> str:
    """The first of the field's alternatives that says something, as text."""
    choices = (recipe.get(name) or _USUAL[name]).split("|")
    return next((words for choice in choices if (words := _written(entry, choice.strip()))), "")


def _written(entry: Mapping[str, object], choice: str) -> str:
    """One alternative: a pattern with {fields} in it, or fields joined by commas."""
    if "{" in choice:
        names = re.findall(r"\{([^{}]{1,100})\}", choice)
        if not any(_text(entry, name) for name in names):
            return ""
        return one_line(re.sub(r"\{([^{}]{1,100})\}", lambda found: _text(entry, found[1]), choice))
    # Of a city that is a country one word is enough.
    found = (_text(entry, name.strip()) for name in choice.split(","))
    return ", ".join(dict.fromkeys(words for words in found if words))


def _text(entry: Mapping[str, object], path: str) -> str:
    values = _at(entry, path.split("."))
    flat = [one for value in values for one in (value if isinstance(value, list) else [value])]
    return ", ".join(str(one) for one in flat[:20] if isinstance(one, str | int | float) and one is not True)


def _is_wanted(entry: Mapping[str, object], recipe: Mapping[str, str]) -> bool:
    """True when the entry meets `only=FIELD word|word` and `least=FIELD number`."""
    path, _, words = recipe.get("only", "").partition(" ")
    if path:
        wanted = {word.strip().casefold() for word in words.split("|")}
        if wanted.isdisjoint(word.strip() for word in _text(entry, path).casefold().split(",")):
            return False
    path, _, least = recipe.get("least", "").partition(" ")
    return not path or _number(_text(entry, path)) >= _number(least)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _items(entry: Mapping[str, object], recipe: Mapping[str, str]) -> Iterable[Item]:
    """The entry as an item, and the end of its call for papers as another; none without a title."""
    title = title_text(_words(entry, recipe, "title"))
    if not title:
        return
    item = Item(
        guid=_words(entry, recipe, "guid"),
        url=_words(entry, recipe, "url"),
        title=title,
        description=_words(entry, recipe, "summary"),
        author=_words(entry, recipe, "author"),
        language=_words(entry, recipe, "language"),
        published=read_moment(_raw(entry, recipe, "published")),
    )
    starts, deadline = _raw(entry, recipe, "starts"), _raw(entry, recipe, "deadline")
    if event := _event(entry, recipe, starts, _raw(entry, recipe, "ends")):
        yield replace(item, event=event)
    elif not deadline:
        yield item
    if closing := _event(entry, recipe, deadline, None):
        words = f"{title}: call closes" if event else title
        link = _words(entry, recipe, "deadline_url") or item.url
        yield replace(item, title=words, url=link, event=replace(closing, is_deadline=True))


def _event(
    entry: Mapping[str, object], recipe: Mapping[str, str], first: object, last: object
) -> Event | None:
    starts, ends = read_moment(first), read_moment(last)
    if starts is None:
        return None
    all_day = is_day(first)
    if ends and all_day and is_day(last):
        # Lists name the last day, a calendar's end is the moment after it.
        ends += timedelta(days=1)
    place = title_text(_words(entry, recipe, "place"))[:200]
    online = _raw(entry, recipe, "online")
    usual = timedelta(days=1) if all_day else timedelta(0)
    return Event(
        starts_at=starts,
        ends_at=ends if ends and ends > starts + usual else None,
        all_day=all_day,
        place=place,
        online=online is True or bool(_ONLINE.search(f"{place} {online if isinstance(online, str) else ''}")),
    )


def _named(items: Iterable[Item]) -> list[Item]:
    """The events under names that stay when they are moved by days or get a venue: their words and year.

    The same event stands in the lists of several topics and is one; the place tells apart those that share
    a title and a year.
    """
    items = list(items)
    places: defaultdict[str, set[str]] = defaultdict(set)
    for item in items:
        if item.event and item.event.place:
            places[_name(item)].add(item.event.place.casefold())
    return [_under(item, _name(item), is_shared=len(places[_name(item)]) > 1) for item in items]


def _name(item: Item) -> str:
    if item.event is None:
        return ""
    kind = "deadline" if item.event.is_deadline else "event"
    return f"{kind}:{item.title.casefold()} {item.event.starts_at.year}"


def _under(item: Item, name: str, *, is_shared: bool) -> Item:
    if item.event is None:
        return item
    kind, _, words = f"{name} {item.event.place.casefold() if is_shared else ''}".partition(":")
    return replace(item, guid=f"{kind}:{hashlib.sha256(words.encode('utf-8', 'replace')).hexdigest()[:32]}")


def _is_coming(item: Item, now: datetime) -> bool:
    if item.event is None:
        return True
    ends = item.event.ends_at or item.event.starts_at + timedelta(days=item.event.all_day)
    return ends >= now - _BEHIND and item.event.starts_at < now + _AHEAD
