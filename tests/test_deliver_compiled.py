"""Messages of an issue encoded once: joined with a reader's values they are what encoding each would give."""

import email
import email.policy
import re
from dataclasses import replace
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.deliver import Compiled, encode
from digest.domain import Message, Pattern, Personal
from digest.errors import AddressError, UsageError

WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00\r"), max_size=300)
VALUES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=200)
PLACES = ("email", "leave", "browser")


def pieces(fixed: list[str]) -> tuple[str, ...]:
    """Fixed texts with places between them, each place used again and again."""
    out = [fixed[0]]
    for number, text in enumerate(fixed[1:]):
        out += [PLACES[number % 3], text]
    return tuple(out)


BODIES = st.lists(WORDS, min_size=1, max_size=6).map(pieces)


def pattern(text: tuple[str, ...] = ("Hello.\n",), html: tuple[str, ...] = ("<p>Hello.</p>\n",)) -> Pattern:
    return Pattern(
        sender="news@example.org",
        headers=(
            ("From", "The Week <news@example.org>"),
            ("To", ""),
            ("Subject", "Ugens nyt — 今週"),
            ("Message-ID", ""),
            ("List-Unsubscribe", ""),
            ("List-Post", "NO"),
            ("Feedback-ID", "47:week:issue:digest"),
        ),
        text=text,
        html=html,
    )


def personal(number: int = 1, **values: str) -> Personal:
    there = dict.fromkeys(PLACES, "") | values
    address = f"reader{number}@example.org"
    return Personal(
        recipient=address,
        message_id=f"<47.{number}@example.org>",
        headers={
            "To": f"Jørgen {number} <{address}>",
            "List-Unsubscribe": f"<https://news.example.org/leave/{number}>, <mailto:{number}@example.org>",
        },
        values=there,
        escaped={name: f"&lt;{value}" for name, value in there.items()},
        is_dated=True,
    )


def addressed(shared: Pattern, own: Personal) -> Message:
    """The same message with nothing shared."""

    def joined(texts: tuple[str, ...], values: dict[str, str]) -> str:
        return "".join(values[text] if index % 2 else text for index, text in enumerate(texts))

    return Message(
        sender=shared.sender,
        recipient=own.recipient,
        message_id=own.message_id,
        headers=tuple((name, value or own.headers.get(name, "")) for name, value in shared.headers),
        text=joined(shared.text, own.values),
        html=joined(shared.html, own.escaped),
    )


def read(data: bytes) -> list[tuple[str, str] | str | None]:
    """Headers and bodies without what may differ: the choice of encoding, soft line breaks."""
    parsed = email.message_from_bytes(data, policy=email.policy.default)
    assert isinstance(parsed, EmailMessage)
    assert not parsed.defects
    found: list[tuple[str, str] | str | None] = [
        (name, str(value)) for name, value in parsed.items() if name != "Content-Transfer-Encoding"
    ]
    for part in parsed.walk():
        if not part.is_multipart():
            payload = part.get_payload(decode=True)
            assert isinstance(payload, bytes)
            # In quoted-printable the last line break belongs to the boundary that follows it.
            found.append(payload.decode().replace("\r\n", "\n").removesuffix("\n"))
    return found


@settings(max_examples=200)
@given(text=BODIES, html=BODIES, values=st.tuples(VALUES, VALUES, VALUES))
def test_a_joined_message_reads_like_one_that_was_encoded_by_itself(
    text: tuple[str, ...], html: tuple[str, ...], values: tuple[str, str, str]
) -> None:
    shared = pattern(text, ("<p>" + html[0], *html[1:]))
    email, leave, browser = values
    own = personal(email=email, leave=leave, browser=browser)

    data = Compiled(shared).message(own)

    assert read(data) == read(encode(addressed(shared, own)))
    assert data.isascii()
    assert data.endswith(b"\r\n")
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)|\0", data)
    lines = data.partition(b"\r\n\r\n")[2].split(b"\r\n")
    assert all(len(line) <= 76 and not line.startswith(b".") for line in lines)


@pytest.mark.parametrize("text", ["A week of news. ", ".", "..... .\n", "今週のニュースと学びと催し。"])
def test_blocks_of_every_length_meet_values_of_every_length(text: str) -> None:
    for length in range(160):
        fixed = (text * 20)[:length]
        shared = pattern((fixed, "email", fixed[: length // 3], "leave", fixed), (fixed, "browser", fixed))
        own = personal(email="a" * (length % 80), leave="é" * (length % 7), browser="b " * (length % 40))

        data = Compiled(shared).message(own)

        assert read(data) == read(encode(addressed(shared, own)))
        assert all(len(line) <= 76 for line in data.partition(b"\r\n\r\n")[2].split(b"\r\n"))


def test_each_body_has_the_encoding_that_suits_its_fixed_text() -> None:
    shared = pattern(("今週のニュースと学びと催し\n" * 20,), ("<p>A week of news.</p>\n" * 20,))

    data = Compiled(shared).message(personal())

    assert re.findall(rb"Content-Transfer-Encoding: (\S+)", data) == [b"base64", b"quoted-printable"]


def test_the_same_reader_gets_the_same_bytes_and_all_share_the_boundary() -> None:
    first, again = (Compiled(pattern()).message(personal()) for _ in range(2))
    other = Compiled(pattern()).message(personal(2))

    assert first == again
    assert first != other
    assert re.findall(rb"boundary=\S+", first) == re.findall(rb"boundary=\S+", other)


def test_what_is_long_and_the_same_for_all_is_held_once() -> None:
    compiled = Compiled(pattern(("A week of news.\n" * 200, "email", ".\n"), ("<p>News</p>\n" * 200,)))

    first, other = compiled.blocks(personal()), compiled.blocks(personal(2))

    assert b"".join(first) == compiled.message(personal())
    assert first != other
    assert len(first) < 8
    shared = [one for one, two in zip(first, other, strict=True) if one is two]
    assert sum(map(len, shared)) > sum(map(len, first)) * 3 // 4


def test_a_pattern_without_html_makes_messages_of_one_part() -> None:
    shared = pattern(("Hello ", "email", ".\n"), ())
    own = personal(email="reader@example.org")

    data = Compiled(shared).message(own)

    assert read(data) == read(encode(addressed(shared, own)))
    assert b"multipart" not in data


def test_a_bad_header_is_refused_by_name_whoever_it_belongs_to() -> None:
    bad = replace(personal(), headers={"To": "Reader <reader@exa mple.org>"})
    with pytest.raises(AddressError, match="header To"):
        Compiled(pattern()).message(bad)
    with pytest.raises(UsageError, match="header List-Unsubscribe"):
        Compiled(pattern()).message(
            replace(personal(), headers=personal().headers | {"List-Unsubscribe": "<a>\r\nBcc: <b>"})
        )
    with pytest.raises(UsageError, match="header Subject"):
        Compiled(replace(pattern(), headers=(("Subject", "a\nb"),)))
    with pytest.raises(UsageError, match="Message-ID"):
        Compiled(pattern()).message(replace(personal(), message_id="47"))
