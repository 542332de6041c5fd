"""Messages as bytes: the header writer and the bodies, read back by the standard library's parser."""

import email
import email.policy
import re
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import parseaddr
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.deliver import encode
from digest.deliver.headers import write_header
from digest.domain import Message
from digest.errors import AddressError, DigestError, UsageError

LEAVE_HTTPS = f"<https://news.example.org/leave/{'k' * 60}/and/a/long/path/to/it>"
LEAVE_MAIL = f"<mailto:leave+{'k' * 45}@news.example.org>"

#: Printable in a header: anything but controls, surrogates and line or paragraph separators.
LINES = st.text(
    st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"], exclude_characters="\u0085"), max_size=200
)
BODIES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00\r"), max_size=2000)


def message(*headers: tuple[str, str], text: str = "Hello.\n", html: str = "", **changes: Any) -> Message:
    values: dict[str, Any] = {
        "sender": "bounce+1@example.org",
        "recipient": "reader@example.org",
        "message_id": "<47.1@example.org>",
    }
    return Message(headers=headers, text=text, html=html, **(values | changes))


def read(data: bytes) -> EmailMessage:
    parsed = email.message_from_bytes(data, policy=email.policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def part(parsed: EmailMessage, kind: str) -> str:
    body = parsed.get_body((kind,))
    assert isinstance(body, EmailMessage)
    content: str = body.get_content()
    return content.replace("\r\n", "\n")


def head_lines(data: bytes) -> list[bytes]:
    return data.partition(b"\r\n\r\n")[0].split(b"\r\n")


def assert_fit_for_the_wire(data: bytes) -> None:
    assert data.endswith(b"\r\n")
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)|\0", data)
    assert all(len(line) <= 998 for line in data.split(b"\r\n"))
    assert data.isascii()


@given(subject=LINES)
def test_any_subject_comes_back_as_it_was(subject: str) -> None:
    data = encode(message(("Subject", subject)))

    assert_fit_for_the_wire(data)
    assert all(len(line) <= 78 for line in head_lines(data))
    # The parser's own str() mends nothing but unfolds, so what differs is what was lost.
    assert read(data)["subject"] == subject


@given(name=LINES.map(lambda text: " ".join(text.strip('"<>').split())))
def test_any_display_name_comes_back_as_it_was(name: str) -> None:
    data = encode(message(("From", f"{name} <news@example.org>")))

    assert_fit_for_the_wire(data)
    assert all(len(line) <= 78 for line in head_lines(data))
    # Some releases of the new parser put a space between the encoded words of a phrase; the old one is right.
    read_name, address = parseaddr(email.message_from_bytes(data)["from"])
    assert (str(make_header(decode_header(read_name))), address) == (name, "news@example.org")


@given(text=BODIES, html=BODIES)
def test_any_bodies_come_back_as_they_were(text: str, html: str) -> None:
    data = encode(message(("Subject", "x"), text=text, html=html or "<p>"))

    assert_fit_for_the_wire(data)
    assert all(len(line) <= 76 for line in data.split(b"\r\n"))
    parsed = read(data)
    # In quoted-printable the last line break belongs to the boundary that follows it.
    assert part(parsed, "plain").removesuffix("\n") == text.removesuffix("\n")
    assert part(parsed, "html").removesuffix("\n") == (html or "<p>").removesuffix("\n")


ATOM = st.text(st.sampled_from("aZ09!#$%&'*+/=?^_`{|}~-"), min_size=1, max_size=30)


@given(
    words=st.lists(ATOM, min_size=1, max_size=4),
    local=st.text(st.sampled_from("aZ09!=?_.-"), min_size=1, max_size=70),
    domain=st.text(st.sampled_from("aZ09.-_"), min_size=1, max_size=30),
)
def test_a_plain_name_is_written_the_same_with_quotes_and_without(
    words: list[str], local: str, domain: str
) -> None:
    def written(name: str) -> bytes | str:
        try:
            return write_header("To", f"{name} <{local}@{domain}>")
        except DigestError as exc:
            return exc.what

    name = " ".join(words)

    assert written(name) == written(f'"{name}"')


def test_the_text_stands_before_the_html_and_a_message_without_html_is_one_part() -> None:
    both = read(encode(message(("Subject", "x"), html="<p>Hello.</p>")))
    one = read(encode(message(("Subject", "x"))))

    assert both.get_content_type() == "multipart/alternative"
    assert [inner.get_content_type() for inner in both.iter_parts()] == ["text/plain", "text/html"]
    assert one.get_content_type() == "text/plain"
    assert not both.defects
    assert not one.defects


def test_the_same_message_is_the_same_bytes_and_another_has_another_boundary() -> None:
    first, again = (encode(message(("Subject", "x"), html="<p>")) for _ in range(2))
    other = encode(message(("Subject", "x"), html="<p>", message_id="<47.2@example.org>"))

    assert first == again
    assert read(first).get_boundary() != read(other).get_boundary()


def test_polish_and_japanese_bodies_become_base64_and_english_ones_quoted_printable() -> None:
    def used(text: str) -> str:
        return str(read(encode(message(("Subject", "x"), text=text)))["content-transfer-encoding"])

    assert used("A week of news — and a café.\n" * 20) == "quoted-printable"
    assert used("今週のニュースと学びと催し\n" * 20) == "base64"
    assert used("źdźbło, gżegżółka, żółć, święć się\n" * 20) == "base64"


def test_lines_of_a_body_that_are_a_dot_or_end_in_blanks_survive() -> None:
    text = ".\n..\n.hidden\ntrailing \ntabs\t\n\n.\n"

    assert part(read(encode(message(("Subject", "x"), text=text))), "plain") == text


@pytest.mark.parametrize("blank", [" ", "\t", "  "])
def test_a_blank_at_the_end_of_a_long_line_does_not_make_it_too_long(blank: str) -> None:
    for length in range(60, 90):
        text = f"{'a' * length}é{blank}\nnext\n"
        data = encode(message(("Subject", "x"), text=text))

        assert max(map(len, data.split(b"\r\n"))) <= 76
        assert part(read(data), "plain") == text


def test_line_breaks_of_any_kind_in_a_body_become_crlf() -> None:
    data = encode(message(("Subject", "x"), text="a\rb\r\nc\nd"))

    assert data.endswith(b"\r\n\r\na\r\nb\r\nc\r\nd\r\n")


def test_list_unsubscribe_is_never_encoded_and_never_broken_inside_an_address() -> None:
    one_click = ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")
    data = encode(message(("List-Unsubscribe", f"{LEAVE_HTTPS}, {LEAVE_MAIL}"), one_click))

    assert f"List-Unsubscribe: {LEAVE_HTTPS},\r\n {LEAVE_MAIL}\r\n".encode() in data
    assert b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in data


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("From", "The Week in AI <news@example.org>", "From: The Week in AI <news@example.org>"),
        ("From", "news@example.org", "From: news@example.org"),
        ("From", "Week, The <news@example.org>", 'From: "Week, The" <news@example.org>'),
        ("From", '"Week, \\"The\\"" <news@example.org>', 'From: "Week, \\"The\\"" <news@example.org>'),
        ("To", "Jørgen <j@bücher.example>", "To: =?utf-8?q?J=C3=B8rgen?= <j@xn--bcher-kva.example>"),
        ("To", "=?utf-8?q?b?= <a@example.org>", "To: =?utf-8?q?=3D=3Futf-8=3Fq=3Fb=3F=3D?= <a@example.org>"),
        ("List-Id", "Ugens nyt <week.example.org>", "List-Id: Ugens nyt <week.example.org>"),
        ("List-Post", "NO", "List-Post: NO"),
        ("Feedback-ID", "47:week:issue:digest", "Feedback-ID: 47:week:issue:digest"),
        ("Subject", "", "Subject:"),
    ],
)  # fmt: skip
def test_a_header_is_written_as_its_kind_demands(name: str, value: str, line: str) -> None:
    assert line.encode() in head_lines(encode(message((name, value))))


@pytest.mark.parametrize("name", ["Subject", "From", "To", "List-Unsubscribe", "List-Id", "X-Anything"])
@pytest.mark.parametrize(
    "bad", ["\r\nBcc: x@example.org", "\n", "\r", "\0", "\x1b[2J", "\x85", "\u2028", "\ud800"]
)
def test_a_control_character_in_a_header_is_refused_by_name(name: str, bad: str) -> None:
    with pytest.raises(DigestError) as caught:
        encode(message((name, f"News{bad} <news@example.org>")))

    assert caught.value.what.startswith(f"header {name}: ")
    assert caught.value.what.isprintable()


@pytest.mark.parametrize(
    "address",
    ["", "news", "@example.org", "news@", "a b@example.org", "a@b@example.org",
     "a@exa mple.org", "a@example..org", "a@-", '"a"@example.org', "a,b@example.org", "a@bü cher.example",
     f"{'a' * 250}@example.org"],
)  # fmt: skip
def test_a_bad_address_is_refused_by_the_name_of_its_header(address: str) -> None:
    with pytest.raises(AddressError, match="header To: "):
        encode(message(("To", f"Reader <{address}>")))


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ([("Subject", "x"), ("subject", "y")], "stands twice"),
        ([("Bad name", "x")], "not the name of a header"),
        ([("Subject:", "x")], "not the name of a header"),
        ([("List-Help", "<https://bücher.example>")], "only ASCII"),
        ([("List-Help", f"<https://example.org/{'a' * 999}>")], "longer than 998"),
        ([("List-Id", "week.example.org")], "looks like Name"),
    ],
)
def test_what_cannot_be_a_header_is_refused(headers: list[tuple[str, str]], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        encode(message(*headers))


@pytest.mark.parametrize(
    "message_id", ["", "47", "<47>", "<a b@example.org>", "<47@example.org>x", "é@example.org"]
)
def test_a_bad_message_id_is_refused(message_id: str) -> None:
    with pytest.raises(UsageError, match="Message-ID"):
        encode(message(message_id=message_id))


def test_headers_that_are_written_here_are_not_written_twice() -> None:
    data = encode(
        message(("Message-ID", "<47.1@example.org>"), ("MIME-Version", "1.0"), ("Content-Type", "x/y"))
    )

    parsed = read(data)
    assert parsed.get_all("message-id") == ["<47.1@example.org>"]
    assert parsed.get_all("mime-version") == ["1.0"]
    assert parsed.get_all("content-type") == ['text/plain; charset="utf-8"']


def test_from_and_to_are_taken_from_the_message_when_its_headers_lack_them() -> None:
    parsed = read(encode(message(("Subject", "x"))))

    assert (parsed["from"], parsed["to"]) == ("bounce+1@example.org", "reader@example.org")


def test_a_local_part_beyond_ascii_stands_as_it_is() -> None:
    data = encode(message(("To", "Jørgen <jørgen@bücher.example>")))

    assert "<jørgen@xn--bcher-kva.example>".encode() in data
