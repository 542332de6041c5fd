"""Readers from the command line: one at a time, and many as CSV."""

import csv
import zlib
from pathlib import Path

import pytest

from commands import Digest, digest
from digest.cli.files import is_binary

__all__ = ["digest"]

CONFIRMED = ("--confirmed", "--basis", "a test")


def test_a_reader_waits_for_their_confirmation(digest: Digest) -> None:
    assert "waits for their confirmation" in digest.run("subscribers", "add", "ada@example.org").stderr

    shown = digest.run("subscribers", "show", "ada@example.org").stdout
    assert "gets no issue: not confirmed" in shown


async def test_a_time_line_tells_causes_before_effects_within_one_second(digest: Digest) -> None:
    digest.run("subscribers", "add", "ada@example.org")
    second, same = (
        "2026-11-02 08:00:00",
        "subscriber_id, newsletter, ip, user_agent, form, wording, wording_hash",
    )
    digest.sql("UPDATE consent SET at = ?", f"{second}.600000")
    digest.sql("UPDATE notice SET created_at = ?", f"{second}.000000")
    digest.sql(
        f"INSERT INTO consent ({same}, at, action) SELECT {same}, ?, 'confirmed' FROM consent",
        f"{second}.900000",
    )

    line = [
        one["what"].split(" by ")[0] for one in digest.json("explain", "reader", "ada@example.org")["history"]
    ]

    assert [words.split(",")[0] for words in line] == ["asked", "mail confirm queued", "confirmed"]


def test_a_confirmed_reader_needs_a_basis(digest: Digest) -> None:
    assert "--basis" in digest.run("subscribers", "add", "ada@example.org", "--confirmed", code=2).stderr

    digest.run("subscribers", "add", "ada@example.org", "--name", "Ada", *CONFIRMED)
    shown = digest.json("subscribers", "show", "ada@example.org")
    assert (shown["name"], shown["state"]) == ("Ada", "confirmed")
    assert '"a test"' in shown["history"][0]["what"]


def test_adding_who_is_there_says_so_and_a_basis_confirms_who_waits(digest: Digest) -> None:
    digest.run("subscribers", "add", "ada@example.org")

    again = digest.run("subscribers", "add", "ada@example.org").stderr
    vouched = digest.run("subscribers", "add", "ada@example.org", *CONFIRMED).stderr
    last = digest.run("subscribers", "add", "ada@example.org").stderr

    assert "already   ada@example.org, waits for their confirmation since" in again
    assert "confirmed ada@example.org, who waited for it" in vouched
    assert "already   ada@example.org, confirmed since" in last
    assert "added" not in again + vouched + last


def test_an_import_on_a_basis_says_whom_it_confirmed(digest: Digest) -> None:
    digest.run("subscribers", "add", "ada@example.org")

    result = digest.run("subscribers", "import", "-", *CONFIRMED, stdin="ada@example.org\nbo@example.org\n")

    assert "added     1; 1 confirmed who waited, 0 were there already" in result.stderr


@pytest.mark.parametrize(
    "email", ["ada", "a\r\nb@example.org", "a\0b@example.org", "a>b@example.org", "", "@"]
)
def test_what_is_no_address_is_one_clear_line(digest: Digest, email: str) -> None:
    err = digest.run("subscribers", "add", email, code=2).stderr

    assert err.splitlines()[0].startswith("error[A001]")


def test_a_common_slip_is_offered(digest: Digest) -> None:
    assert "is it gmail.com?" in digest.run("subscribers", "add", "ada@gmial.com").stderr


def test_a_removal_is_remembered_and_can_be_undone(digest: Digest) -> None:
    digest.run("subscribers", "add", "ada@example.org", *CONFIRMED)

    assert "--yes" in digest.run("subscribers", "remove", "ada@example.org", code=2).stderr
    assert "subscribers undo" in digest.run("subscribers", "remove", "ada@example.org", "--yes").stderr
    assert "already" in digest.run("subscribers", "remove", "ada@example.org", "--yes").stderr
    assert "left on" in digest.run("subscribers", "add", "ada@example.org", *CONFIRMED, code=1).stderr
    assert "confirmed again" in digest.run("subscribers", "undo", "ada@example.org").stderr


def test_erasing_leaves_nothing_and_twice_is_safe(digest: Digest) -> None:
    digest.run("subscribers", "add", "ada@example.org", *CONFIRMED)

    digest.run("subscribers", "erase", "ada@example.org", "--yes")

    assert "is not subscribed" in digest.run("subscribers", "show", "ada@example.org", code=1).stderr
    assert "nobody" in digest.run("subscribers", "erase", "ada@example.org", "--yes").stderr


def test_a_csv_in_utf_16_goes_in_and_its_bad_rows_are_named_by_line(digest: Digest, tmp_path: Path) -> None:
    file = tmp_path / "readers.csv"
    file.write_bytes("email;name\nada@example.org;Ada\nnobody;X\nbo@example.org;ボー\n".encode("utf-16"))

    result = digest.run("subscribers", "import", str(file), *CONFIRMED, code=4)

    assert "line 3" in result.stderr
    assert "added     2;" in result.stderr
    assert "ボー" in digest.run("subscribers", "list").stdout


@pytest.mark.parametrize("data", [b"", b"email,name\n"])
def test_a_csv_that_names_nobody_says_so_and_promises_no_mail(
    digest: Digest, tmp_path: Path, data: bytes
) -> None:
    (tmp_path / "none.csv").write_bytes(data)

    said = digest.run("subscribers", "import", str(tmp_path / "none.csv")).stderr

    assert "nobody is named in" in said
    assert "confirmation mails" not in said


@pytest.mark.parametrize(
    "data",
    [
        b"PK\x03\x04\x14\x00\x06\x00" + bytes(range(256)) * 20,
        b"SQLite format 3\x00" + bytes(4000),
        zlib.compress(bytes(range(256)) * 3),
    ],
)
def test_a_file_that_is_no_text_is_one_clear_line(digest: Digest, tmp_path: Path, data: bytes) -> None:
    (tmp_path / "readers.xlsx").write_bytes(data)

    said = digest.run("subscribers", "import", str(tmp_path / "readers.xlsx"), code=2).stderr

    assert "readers.xlsx is no CSV: it is not text" in said
    assert len(said.splitlines()) == 2


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "utf-16-be", "shift-jis", "cp1251"])
def test_text_in_other_letters_is_text(encoding: str) -> None:
    assert not is_binary("email;name\nbo@example.org;Привет\n".encode(encoding) * 500)
    assert not is_binary("ada@example.org\n".encode(encoding))


def test_an_import_brings_back_nobody_who_left(digest: Digest) -> None:
    digest.run("subscribers", "add", "ada@example.org", *CONFIRMED)
    digest.run("subscribers", "remove", "ada@example.org", "--yes")

    result = digest.run("subscribers", "import", "-", *CONFIRMED, stdin="ada@example.org\nbo@example.org\n")

    assert "added     1; 0 were there already, 1 left" in result.stderr
    assert (
        digest.json("subscribers", "list", "--state", "left")["subscribers"][0]["email"] == "ada@example.org"
    )


def test_lists_can_be_cut_and_filtered_and_exported(digest: Digest, tmp_path: Path) -> None:
    addresses = "".join(f"r{number}@example.org\n" for number in range(5))
    digest.run("subscribers", "import", "-", *CONFIRMED, stdin=addresses)
    digest.run("subscribers", "add", "waiting@example.org", "--name", "=1+1")

    found = digest.json("subscribers", "list", "--limit", "2")
    assert len(found["subscribers"]) == 2
    assert found["counts"] == {"confirmed": 5, "pending": 1}
    rows = list(
        csv.DictReader(digest.run("subscribers", "list", "--csv", "--state", "pending").stdout.splitlines())
    )
    assert [(row["email"], row["name"]) for row in rows] == [("waiting@example.org", "'=1+1")]
    assert "wrote     6 readers" in digest.run("subscribers", "export", str(tmp_path / "all.csv")).stderr
    assert (tmp_path / "all.csv").read_text() == digest.run("subscribers", "export").stdout


def test_a_reader_who_is_not_there_is_named(digest: Digest) -> None:
    for command in ("show", "remove", "undo"):
        assert "is not subscribed" in digest.run("subscribers", command, "x@example.org", code=1).stderr
