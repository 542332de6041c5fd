"""What a reader's program makes of a message: two parsers that share no code read it as it was meant."""

import email
import email.policy
from email.message import EmailMessage
from email.utils import parseaddr

from fast_mail_parser import parse_email
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import KEY, NOW
from digest.deliver import Compiled, encode
from digest.domain import Rendered, Subscriber, Subscription, SubscriptionState
from digest.render import Links, Masthead, address, pattern, personal

#: Names and titles as feeds and forms have them, the hostile ones among them.
NASTY = (
    "A title\r\nBcc: everybody@example.org",
    "=?utf-8?q?Already_encoded?=",
    '"Quoted", <angle@example.org>; (comment) \\',
    "日本語の題名が続いて折り返されるほど長いもの" * 4,
    "Zażółć gęślą jaźń, " * 8,
    "🎉 \u202eright to left\u202c \u200d \u00ad",
    "x" * 200,
    "{{ 7*7 }} {% raw %} %s %(name)s",
    ", ",
    ".",
    "",
)
WORDS = st.one_of(st.sampled_from(NASTY), st.text(st.characters(exclude_categories=["Cs"]), max_size=120))
BODIES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00\r"), max_size=600)
MASTHEAD = Masthead(
    key=KEY,
    name="The Week",
    from_address="news@example.org",
    from_name="The Week",
    reply_to="",
    postal_address="Havnegade 4",
    description="",
    language="en",
    zone="UTC",
    editor_name="",
    public_url="https://news.example.org",
    seal_key=b"k" * 32,
)
LINKS = Links(
    browser="https://news.example.org/n/week/issues/1",
    preferences="https://news.example.org/n/week/preferences/" + "p" * 60,
    leave="https://news.example.org/n/week/leave/" + "l" * 60,
    one_click="https://news.example.org/n/week/leave/" + "l" * 60,
    leave_mail="news+unsubscribe-" + "l" * 60 + "@example.org",
)


def messages(subject: str, name: str, text: str) -> tuple[bytes, bytes]:
    """A reader's message, joined from blocks and encoded by itself."""
    reader = Subscription(
        subscriber=Subscriber(id=7, email="ada@example.org", name=name),
        newsletter=KEY,
        state=SubscriptionState.CONFIRMED,
        confirmed_at=NOW,
    )
    rendered = Rendered(subject=subject, preheader="", html=f"<p>{text}</p>", text=f"{text}\n")
    own = personal(reader, MASTHEAD, LINKS, issue_id=1)
    shared = pattern(rendered, MASTHEAD, issue_id=1, date=NOW, is_dated=own.is_dated)
    alone = address(rendered, reader, MASTHEAD, LINKS, issue_id=1, date=NOW)
    return Compiled(shared).message(own), encode(alone)


@settings(max_examples=150)
@given(subject=WORDS, name=WORDS, text=BODIES)
def test_two_parsers_read_the_same_and_what_was_meant(subject: str, name: str, text: str) -> None:
    for data in messages(subject, name, text):
        ours = email.message_from_bytes(data, policy=email.policy.default)
        theirs = parse_email(data)
        assert isinstance(ours, EmailMessage)

        assert not ours.defects
        assert theirs.subject == str(ours["subject"] or "")
        assert sorted(theirs.headers) == sorted(set(ours.keys()))
        assert "bcc" not in {key.lower() for key in theirs.headers}
        for field in ("Message-ID", "List-Unsubscribe", "List-Unsubscribe-Post", "List-Id", "Date"):
            assert [" ".join(one.split()) for one in theirs.headers[field]] == [str(ours[field])]
        assert parseaddr(str(ours["to"]))[1] == "ada@example.org"
        assert [(one.address) for one in theirs.to] == ["ada@example.org"]
        bodies = [ours.get_body((kind,)) for kind in ("plain", "html")]
        assert [plain(one) for one in (*theirs.text_plain, *theirs.text_html)] == [
            plain(body.get_content()) for body in bodies if isinstance(body, EmailMessage)
        ]


def plain(text: str) -> str:
    """A body with the line breaks of this machine."""
    return text.replace("\r\n", "\n").removesuffix("\n")


@settings(max_examples=150)
@given(subject=WORDS, name=WORDS)
def test_no_header_line_is_too_long_and_the_way_out_is_raw(subject: str, name: str) -> None:
    for data in messages(subject, name, "Hello."):
        head = data.partition(b"\r\n\r\n")[0]
        lines = head.split(b"\r\n")

        assert head.isascii()
        assert all(len(line) <= 998 for line in lines)
        # Only what must not be broken is longer than 78: an address between angle brackets.
        assert all(len(line) <= 78 or b"<" in line for line in lines)
        way = data.partition(b"\r\nList-Unsubscribe: ")[2].partition(b"\r\nList-Unsubscribe-Post")[0]
        assert way.split() == [f"<{LINKS.one_click}>,".encode(), f"<mailto:{LINKS.leave_mail}>".encode()]
