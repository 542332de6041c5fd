"""`digest relays`, `status` and `doctor` say how fast mail may leave."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from commands import Digest, digest
from digest.domain import Pace
from digest.store import Store, pace

__all__ = ["digest"]

RELAYS = """\
[relays.main]
url = "file://outbox"
daily_cap = 400
per_second = 50

[relays.new]
url = "file://outbox"
warm_up = [200, 500]

[gather]
"""


def with_relays(digest: Digest) -> None:
    digest.change('url = "file://outbox"', "")
    digest.change("[gather]\n", RELAYS)


def keep(digest: Digest, *paces: Pace) -> None:
    async def work() -> None:
        async with Store(f"sqlite:///{digest.folder}/digest.db") as store, store.begin() as session:
            for one in paces:
                assert await pace.swap(session, one)

    asyncio.run(work())


def some(name: str, **values: Any) -> Pace:
    today = datetime.now(UTC).date().isoformat()
    return Pace(name=name, day=today, first_day=today, **values)


def test_a_house_with_one_relay_has_little_to_say(digest: Digest) -> None:
    found = digest.json("relays")

    (only,) = found["relays"]
    assert (only["name"], only["sent_today"], only["cap_today"], only["tokens"]) == ("smtp", 0, None, None)
    assert found["throttled"] == []


def test_relays_tell_what_they_carried_and_may_still_carry(digest: Digest) -> None:
    with_relays(digest)
    keep(digest, some("relay:main", sent=390), some("relay:new", sent=200))

    main, new = digest.json("relays")["relays"]
    told = digest.run("relays").stdout

    assert (main["sent_today"], main["cap_today"], main["tokens"]) == (390, 400, 10)
    assert (new["sent_today"], new["cap_today"], new["warm_up_day"], new["tokens"]) == (200, 200, 1, 0)
    assert "200 of 200 today, day 1 of its warm-up" in told


def test_a_throttled_domain_and_a_relay_that_rests_show_everywhere(digest: Digest) -> None:
    later = datetime.now(UTC) + timedelta(minutes=5)
    keep(
        digest,
        some("domain:gmail.com", per_second=2.5, met_at=5.0, reply="421 4.7.28 unusual rate"),
        some("relay:smtp", rests_until=later, reply="mx:25: Connection refused"),
    )

    (check,) = [one for one in digest.json("doctor")["checks"] if one["name"] == "pace"]

    for told in (digest.run("relays").stdout, digest.run("status").stdout, check["found"]):
        assert "gmail.com" in told
        assert "421 4.7.28 unusual rate" in told
        assert "could not be reached: mx:25: Connection refused" in told
    assert check["state"] == "warn"
    assert digest.json("status")["throttled"][0]["per_second"] == 2.5


def test_relays_beside_another_way_out_are_refused(digest: Digest, tmp_path: Path) -> None:
    digest.change("[gather]\n", RELAYS)

    said = digest.run("relays", code=2).stderr

    assert "there are [relays] and smtp.url; keep one" in said
