import csv

import pytest

from conftest import KEY, NOW
from digest import subscribe
from digest.domain import SubscriptionState
from digest.errors import ConfigError, UsageError
from digest.house import House
from digest.store import notices, subscribers

PLAIN = "email,name,sections\nada@example.org,Ada,news;events\nbo@example.org,Bo Ø,\n"


async def load(house: House, data: bytes | str, *, confirmed: bool = True) -> subscribe.ImportReport:
    raw = data.encode() if isinstance(data, str) else data
    return await subscribe.import_csv(house, KEY, raw, confirmed=confirmed, basis="moved here", now=NOW)


async def exported(house: House) -> list[list[str]]:
    return list(csv.reader([line async for line in subscribe.export_csv(house, KEY)]))[1:]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1"])
async def test_a_file_in_any_encoding_goes_in(house: House, encoding: str) -> None:
    report = await load(house, PLAIN.encode(encoding))

    assert (report.added, report.refused) == (2, ())
    assert [(row[0], row[1], row[2], row[3]) for row in await exported(house)] == [
        ("ada@example.org", "Ada", "confirmed", "events news"),
        ("bo@example.org", "Bo Ø", "confirmed", ""),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "ada@example.org\nbo@example.org\n",
        "E-Mail;Name\r\nada@example.org;Ada\r\nbo@example.org;\r\n",
        "name\taddress\nAda\tada@example.org\n\n\nBo\tbo@example.org",
        "Ada,ada@example.org\rBo,bo@example.org\r",
        '"Email","Name"\n"ada@example.org","Lovelace, Ada"\n"bo@example.org",""\n',
    ],
)
async def test_delimiters_headers_and_line_ends_of_all_kinds_are_understood(house: House, text: str) -> None:
    report = await load(house, text)

    assert (report.added, report.refused) == (2, ())


async def test_a_bad_row_is_reported_with_its_line_and_the_rest_goes_in(house: House) -> None:
    rows = (
        "email,name,sections,language",
        "ada@example.org,Ada,,en",
        "no address,Who,,",
        "bo@exa\x00mple.org,Bo,,",
        "cy@example.org,Cy,gossip,",
        'dee@example.org,"a stray quote,,',
        "eve@example.org,Eve,,not a language",
        "x" * 10_001,
        "fay@example.org,=cmd(),NEWS,pt_BR",
        "ADA@example.org,again,,",
    )

    report = await load(house, "\n".join(rows))

    assert (report.added, report.already, report.kept_out) == (3, 1, 0)
    assert [line for line, _ in report.refused] == [3, 4, 5, 7, 8]
    words = dict(report.refused)
    assert words[3] == '"no address": An address looks like name@example.org.'
    assert words[5] == 'no section "gossip"'


async def test_a_cell_may_hold_line_breaks_and_the_next_rows_keep_their_numbers(house: House) -> None:
    text = (
        'name,email,notes\n"Ada\nLovelace",ada@example.org,"met in May,\n\nwants ""news"""\n'
        'Bo,bo@example.org,\nCy,nowhere,"one\ntwo"\n'
    )

    report = await load(house, text)

    assert report.added == 2
    assert [line for line, _ in report.refused] == [7]
    assert [(row[0], row[1]) for row in await exported(house)] == [
        ("ada@example.org", "Ada Lovelace"),
        ("bo@example.org", "Bo"),
    ]


async def test_two_stray_quotes_take_no_row_with_them(house: House) -> None:
    rows = (
        "email,name",
        'ada@example.org,"Ada',
        "bo@example.org,Bo",
        'cy@example.org,Cy"',
        "dee@example.org,Dee",
    )

    report = await load(house, "\n".join(rows))

    assert (report.added, report.refused) == (4, ())


async def test_importing_twice_adds_nobody_twice(house_on_each: House) -> None:
    first = await load(house_on_each, PLAIN)
    second = await load(house_on_each, PLAIN)

    assert (first.added, second.added, second.already) == (2, 0, 2)


async def test_an_import_without_consent_sends_each_a_confirmation(house: House) -> None:
    report = await load(house, PLAIN, confirmed=False)

    assert report.added == 2
    there = await subscribe.find(house, KEY, "ada@example.org")
    assert there.state is SubscriptionState.PENDING
    async with house.store.read() as session:
        assert await notices.waiting(session) == 2
    with pytest.raises(UsageError, match="where their consent comes from"):
        await subscribe.import_csv(house, KEY, PLAIN.encode(), confirmed=True, basis=" ", now=NOW)
    with pytest.raises(ConfigError):
        await subscribe.import_csv(house, "other", PLAIN.encode(), confirmed=False, now=NOW)


async def test_an_import_brings_back_nobody_who_left_or_is_barred(house: House) -> None:
    await load(house, PLAIN)
    await subscribe.leave_by_operator(house, KEY, "ada@example.org", now=NOW)
    async with house.store.begin() as session:
        await subscribers.suppress(session, house.email_hash("cy@example.org"), "complaint", "", now=NOW)

    report = await load(house, PLAIN + "cy@example.org,Cy,\n")

    assert (report.added, report.already, report.kept_out) == (0, 1, 2)
    assert (await subscribe.find(house, KEY, "ada@example.org")).state is SubscriptionState.LEFT


async def test_an_import_with_consent_confirms_who_waits_and_nobody_else(house_on_each: House) -> None:
    house = house_on_each
    for name in ("ada", "bo", "cy", "dee"):
        await subscribe.add(house, KEY, f"{name}@example.org", now=NOW)
    await subscribe.leave_by_operator(house, KEY, "bo@example.org", now=NOW)
    async with house.store.begin() as session:
        await subscribers.suppress(session, house.email_hash("cy@example.org"), "complaint", "", now=NOW)
    rows = "email,state\nada@example.org,\nbo@example.org,\ncy@example.org,\ndee@example.org,pending\n"

    report = await load(house, rows)
    again = await load(house, rows)

    assert (report.added, report.vouched, report.already, report.kept_out) == (0, 1, 1, 2)
    assert (again.vouched, again.already) == (0, 2)
    states = [
        (await subscribe.find(house, KEY, f"{name}@example.org")).state for name in ("ada", "bo", "cy", "dee")
    ]
    assert states == ["confirmed", "left", "pending", "pending"]
    ada = await subscribe.find(house, KEY, "ada@example.org")
    async with house.store.read() as session:
        lines = await subscribers.consents(session, ada.subscriber.id)
    assert [(line.action, line.wording) for line in lines] == [("asked", ""), ("imported", "moved here")]
    assert ada.confirmed_at == NOW


async def test_the_evidence_of_an_import_says_on_what_ground(house: House) -> None:
    await load(house, PLAIN)

    there = await subscribe.find(house, KEY, "ada@example.org")
    async with house.store.read() as session:
        (line,) = await subscribers.consents(session, there.subscriber.id)
    assert (line.action, line.form, line.wording) == ("imported", "import", "moved here")


async def test_progress_is_told_and_sums_up_to_all_rows(house: House) -> None:
    many = "".join(f"reader{number}@example.org\n" for number in range(2001))
    seen: list[int] = []

    report = await subscribe.import_csv(
        house, KEY, many.encode(), confirmed=True, basis="moved", now=NOW, progress=seen.append
    )

    assert (report.added, sum(seen), len(seen)) == (2001, 2001, 2)


async def test_an_export_is_safe_in_a_spreadsheet_and_comes_back_as_it_was(house: House) -> None:
    await load(house, 'email,name\n+ada@example.org,"=HYPERLINK(""x"")"\nbo@example.org,@bo\n')

    lines = [line async for line in subscribe.export_csv(house, KEY)]

    cells = [cell for row in csv.reader(lines) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
    assert "'+ada@example.org" in cells
    again = await load(house, "".join(lines))
    assert (again.added, again.already, again.refused) == (0, 2, ())


async def test_hours_come_in_and_go_out_again(house: House) -> None:
    rows = ("email,zone,hour", "ada@example.org,Asia/Tokyo,07", "bo@example.org,,", "cy@example.org,,24")

    report = await load(house, "\n".join(rows))

    assert report.refused == ((4, 'no hour "24" (0 to 23)'),)
    lines = [line async for line in subscribe.export_csv(house, KEY)]
    assert {row["email"]: (row["zone"], row["hour"]) for row in csv.DictReader(lines)} == {
        "ada@example.org": ("Asia/Tokyo", "7"),
        "bo@example.org": ("", ""),
    }


@pytest.mark.parametrize("data", [b"", b"\n\n", b"\xff\xfe", b"\x00" * 999, b",,,\n;;", b"email,name\n"])
async def test_a_file_with_nobody_in_it_adds_nobody(house: House, data: bytes) -> None:
    report = await load(house, data)

    assert (report.added, report.already) == (0, 0)


async def test_our_own_export_brings_nobody_back_who_left_or_was_barred(house: House) -> None:
    rows = (
        "email,name,state,barred",
        "stays@example.org,,confirmed,",
        "left@example.org,,left,",
        "waits@example.org,,pending,",
        "barred@example.org,,confirmed,complaint",
    )

    report = await load(house, "\n".join(rows))

    assert (report.added, report.kept_out, report.refused) == (2, 2, ())
    async with house.store.read() as session:
        found = [one async for page in subscribers.pages(session, KEY) for one in page]
    assert {one.subscriber.email.partition("@")[0]: one.exclusion for one in found} == {
        "stays": "",
        "left": "left",
        "waits": "not confirmed",
        "barred": "suppressed",
    }


@pytest.mark.parametrize(
    ("state", "barred", "expected"),
    [
        (None, None, {"stays", "left", "waits", "barred", "both"}),
        (SubscriptionState.CONFIRMED, None, {"stays", "barred"}),
        (SubscriptionState.CONFIRMED, False, {"stays"}),
        (SubscriptionState.LEFT, False, {"left"}),
        (SubscriptionState.PENDING, False, {"waits"}),
        (None, True, {"barred", "both"}),
    ],
)
async def test_an_export_can_hold_only_those_in_one_state(
    house_on_each: House, state: SubscriptionState | None, barred: bool | None, expected: set[str]
) -> None:
    house = house_on_each
    rows = "email,state\nstays@example.org,\nleft@example.org,left\nwaits@example.org,pending\n"
    await load(house, rows + "barred@example.org,\nboth@example.org,left\n")
    async with house.store.begin() as session:
        for name in ("barred", "both", "stranger"):
            email_hash = house.email_hash(f"{name}@example.org")
            await subscribers.suppress(session, email_hash, "complaint", "", now=NOW)

    lines = [line async for line in subscribe.export_csv(house, KEY, state=state, barred=barred)]

    assert {line.partition("@")[0] for line in lines[1:]} == expected
    async with house.store.read() as session:
        assert await subscribers.counts(session, KEY) == {
            "confirmed": 1,
            "left": 1,
            "pending": 1,
            "suppressed": 2,
        }
