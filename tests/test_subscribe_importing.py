"""Lists that are longer than one statement, one transaction or one piece of a file."""

import csv
import io
from pathlib import Path

import pytest

from conftest import KEY, NOW, settings_for
from digest import subscribe
from digest.domain import SubscriptionState
from digest.house import House, open_house
from digest.log import Log
from digest.store import notices, subscribers
from digest.subscribe.table import Row, read_rows

#: Whom a list may well name, and what a statement might trip over.
NAMES = ("O'Hara", 'Ada "the Countess"', "back\\slash", "%s :name ?", "null", "🙂 Ünïcødé", "[1]", "{}")


def rows_of(text: str) -> list[Row]:
    return list(read_rows(io.BytesIO(text.encode())))


async def all_of(house: House) -> dict[str, str]:
    async with house.store.read() as session:
        found = [one async for page in subscribers.pages(session, KEY) for one in page]
    return {one.subscriber.email: one.exclusion for one in found}


async def test_names_come_in_letter_by_letter(house_on_each: House) -> None:
    out = io.StringIO("email,name\n")
    out.seek(0, io.SEEK_END)
    csv.writer(out).writerows([(f"reader{at}@example.org", name) for at, name in enumerate(NAMES)])

    await subscribe.import_csv(
        house_on_each, KEY, out.getvalue().encode(), confirmed=True, basis="moved", now=NOW
    )

    for at, name in enumerate(NAMES):
        there = await subscribe.find(house_on_each, KEY, f"reader{at}@example.org")
        assert there.subscriber.name == name


async def test_a_long_list_is_counted_row_by_row_whoever_is_there_already(house_on_each: House) -> None:
    house = house_on_each
    for name in ("waits", "left", "barred"):
        await subscribe.add(house, KEY, f"{name}@example.org", now=NOW)
    await subscribe.leave_by_operator(house, KEY, "left@example.org", now=NOW)
    async with house.store.begin() as session:
        for name in ("barred", "unknown"):
            email_hash = house.email_hash(f"{name}@example.org")
            await subscribers.suppress(session, email_hash, "complaint", "", now=NOW)
    known = "".join(f"{name}@example.org\n" for name in ("waits", "left", "barred", "unknown", "no address"))
    many = "".join(f"reader{number % 2500}@example.org\n" for number in range(3000))

    report = await subscribe.import_csv(
        house, KEY, (many + known).encode(), confirmed=True, basis="moved", now=NOW
    )

    assert (report.added, report.vouched, report.already, report.kept_out) == (2500, 1, 500, 3)
    assert [line for line, _ in report.refused] == [3005]
    found = await all_of(house)
    assert len(found) == 2503
    assert "unknown@example.org" not in found
    assert found["waits@example.org"] == ""


@pytest.mark.parametrize("between", [0, 2500])
@pytest.mark.parametrize("is_first", [True, False])
async def test_whom_one_row_of_a_file_bars_no_other_row_lets_in(
    house_on_each: House, between: int, *, is_first: bool
) -> None:
    house = house_on_each
    rows = [
        "ada@example.org,",
        *(f"reader{at}@example.org," for at in range(between)),
        "Ada@Example.org,complaint",
    ]
    lines = [rows[-1], *rows[1:-1], rows[0]] if is_first else rows

    report = await subscribe.import_csv(
        house, KEY, "\n".join(["email,barred", *lines]).encode(), confirmed=True, basis="moved", now=NOW
    )

    there = {email.lower(): why for email, why in (await all_of(house)).items()}
    assert there["ada@example.org"] == "suppressed"
    assert report.added + report.already + report.kept_out == between + 2


async def test_a_list_without_consent_asks_each_once_and_nobody_who_is_barred(house_on_each: House) -> None:
    rows = "email,barred\nada@example.org,\nbo@example.org,complaint\ncy@example.org,\n"

    for _ in range(2):
        await subscribe.import_csv(house_on_each, KEY, rows.encode(), confirmed=False, now=NOW)

    async with house_on_each.store.begin() as session:
        queued = await notices.claim(session, limit=9, lease=NOW - NOW, now=NOW)
    assert sorted((one.name, one.recipient) for one in queued) == [
        ("confirm", "ada@example.org"),
        ("confirm", "cy@example.org"),
    ]


async def test_a_reader_of_another_newsletter_keeps_their_name_and_gets_this_one_too(
    database_url: str, tmp_path: Path
) -> None:
    one = {"from_address": "news@example.org", "address": "Havnegade 4, 8000 Aarhus"}
    settings = settings_for(
        database_url, tmp_path, newsletters={KEY: {"name": "A", **one}, "month": {"name": "B", **one}}
    )
    async with open_house(settings, log=Log(io.StringIO())) as house:
        await subscribe.add(house, "month", "ada@example.org", name="Ada", now=NOW)

        report = await subscribe.import_csv(
            house,
            KEY,
            b"Someone,ada@example.org\nBo,bo@example.org\n",
            confirmed=True,
            basis="moved",
            now=NOW,
        )

        there = await subscribe.find(house, KEY, "ada@example.org")
        other = await subscribe.find(house, "month", "ada@example.org")
    assert report.added == 2
    assert (there.state, there.subscriber.name) == (SubscriptionState.CONFIRMED, "Ada")
    assert (other.state, other.subscriber.id) == (SubscriptionState.PENDING, there.subscriber.id)


async def test_an_import_that_was_broken_off_is_gone_on_with(house: House) -> None:
    count = 40_000
    many = "".join(f"reader{number}@example.org\n" for number in range(count)).encode()
    done = 0

    def break_off(rows: int) -> None:
        nonlocal done
        done += rows
        if done > count // 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await subscribe.import_csv(
            house, KEY, many, confirmed=True, basis="moved", now=NOW, progress=break_off
        )
    before = len(await all_of(house))
    report = await subscribe.import_csv(house, KEY, many, confirmed=True, basis="moved", now=NOW)

    assert 0 < before < count
    assert (report.added, report.already) == (count - before, before)
    assert len(await all_of(house)) == count


def test_rows_of_a_file_of_many_pieces_keep_their_lines() -> None:
    text, expected, line = ["email,name"], [], 2
    for number in range(12_000):
        breaks = number % 18 if number % 7 == 0 else 0
        name = '"' + "a\n" * breaks + 'z"' if breaks else "b" * (number % 60)
        text.append(f"reader{number}@example.org,{name}")
        expected.append((line, f"reader{number}@example.org", "a\n" * breaks + "z" if breaks else name))
        line += breaks + 1

    rows = rows_of("\n".join(text))

    assert [(row.line, row.email, row.name) for row in rows] == expected


def test_a_file_stays_open_and_is_read_from_its_beginning() -> None:
    file = io.BytesIO(b"ada@example.org\n")
    file.seek(9)

    rows = list(read_rows(file))

    assert [row.email for row in rows] == ["ada@example.org"]
    assert not file.closed


def test_bytes_that_are_no_utf_8_at_the_very_end_of_a_long_file_are_latin_1() -> None:
    many = b"".join(b"reader%d@example.org,Ada\n" % number for number in range(20_000))

    rows = list(read_rows(io.BytesIO(b"email,name\n" + many + b"last@example.org,Bj\xf8rn\n")))

    assert (len(rows), rows[-1].name) == (20_001, "Bjørn")
