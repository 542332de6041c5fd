"""Messages: headers of an issue and of a notice, and what cannot get into them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from email import message_from_bytes, policy
from email.utils import parseaddr
from typing import Any

import pytest

import sample_issues as stories
from digest.deliver import encode
from digest.domain import Message, Subscriber, Subscription
from digest.errors import AddressError
from digest.render import Masthead, address, notice, open_templates, render

TEMPLATES = open_templates()
ISSUE = render(stories.week(), stories.MASTHEAD, TEMPLATES)
SAMPLE: dict[str, object] = {
    "confirm_url": "https://digest.example/n/weekly/confirm/1.abc.def",
    "requested_at": stories.UNTIL,
    "sections": ["News", "Learnings", "Events"],
    "left_at": "",
    "pace": "every Monday",
}


def to(
    reader: Subscription = stories.READER, masthead: Masthead = stories.MASTHEAD, **changes: Any
) -> Message:
    links = replace(stories.LINKS, **changes)
    return address(ISSUE, reader, masthead, links, issue_id=12, date=stories.UNTIL)


def named(name: str, email: str = "ada@reader.example") -> Subscription:
    return replace(stories.READER, subscriber=Subscriber(id=7, email=email, name=name))


def confirmation(values: dict[str, object] | None = None, recipient: Subscriber | None = None) -> Message:
    return notice(
        "confirm",
        values or SAMPLE,
        stories.MASTHEAD,
        recipient or stories.READER.subscriber,
        TEMPLATES,
        date=stories.UNTIL,
        message_key="12345/1",
    )


def test_an_issue_has_the_headers_that_bulk_mail_needs() -> None:
    headers = dict(to().headers)

    assert headers["List-Unsubscribe"] == f"<{stories.LINKS.one_click}>, <mailto:{stories.LINKS.leave_mail}>"
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert headers["List-Id"] == "The Week in AI <weekly.digest.example>"
    assert headers["List-Help"] == "<https://digest.example/n/weekly>"
    assert headers["List-Owner"] == "<mailto:mette@digest.example>"
    assert headers["List-Archive"] == "<https://digest.example/n/weekly/issues>"
    assert headers["List-Post"] == "NO"
    assert headers["Precedence"] == "bulk"
    assert headers["Date"] == "Mon, 23 Nov 2026 06:00:00 +0000"
    assert "Auto-Submitted" not in headers


def test_without_a_leave_address_one_way_out_remains() -> None:
    assert dict(to(leave_mail="").headers)["List-Unsubscribe"] == f"<{stories.LINKS.one_click}>"


def test_the_feedback_id_has_four_fields_and_nothing_of_the_reader() -> None:
    ours, other = (
        dict(to(reader).headers)["Feedback-ID"] for reader in (stories.READER, named("B", "b@c.example"))
    )

    assert ours == other
    assert ours.split(":")[:3] == ["12", "weekly", "issue"]
    assert 5 <= len(ours.split(":")[3]) <= 15


def test_a_retry_is_the_same_message_and_another_reader_another_one() -> None:
    assert to() == to()
    assert to().message_id != to(named("Bo")).message_id


@pytest.mark.parametrize(
    "name",
    ["Ada", "Ada, Countess", 'The "Enchantress"', "エイダ", "عائشة", "a\\b", "=?utf-8?q?x?=", "Zoë (x) <z>"],
)
def test_every_name_comes_back_from_the_encoded_mail(name: str) -> None:
    mail = message_from_bytes(encode(to(named(name))), policy=policy.default)
    address = mail["To"].addresses[0]

    assert (address.display_name, address.addr_spec) == (name, "ada@reader.example")


def test_line_breaks_in_a_name_stay_inside_it() -> None:
    recipient = dict(to(named("Ada\r\nBcc: all@example.org\x00")).headers)["To"]

    assert parseaddr(recipient) == ("Ada Bcc: all@example.org", "ada@reader.example")


@pytest.mark.parametrize(
    "email", ["a@b.example\r\nBcc: c@d.example", "a@b@c", "<a@b>", "a b@c.example", "ab", "a@b\x00"]
)
def test_an_address_that_could_break_a_header_is_one_clear_line(email: str) -> None:
    with pytest.raises(AddressError, match="cannot stand in a mail header"):
        to(named("", email))


def test_a_name_in_other_letters_is_left_out_of_the_list_id() -> None:
    masthead = replace(stories.MASTHEAD, name="週刊AI", from_address="news@bücher.example")

    message = to(masthead=masthead)

    assert dict(message.headers)["List-Id"] == "<weekly.xn--bcher-kva.example>"
    assert message.message_id.endswith("@xn--bcher-kva.example>")


def test_a_readers_values_are_escaped_in_the_page_and_plain_in_the_text() -> None:
    message = to(named("", "o'hara&co@reader.example"), leave="https://digest.example/?a=1&b=2")

    assert "o&#x27;hara&amp;co@reader.example" in message.html
    assert 'href="https://digest.example/?a=1&amp;b=2"' in message.html
    assert "\no'hara&co@reader.example\n" in message.text
    assert "\nhttps://digest.example/?a=1&b=2\n" in message.text


def test_an_encoded_issue_is_text_and_html_that_come_back_equal() -> None:
    message = to()

    mail = message_from_bytes(encode(message), policy=policy.default)
    parts = [part.get_content() for part in mail.iter_parts()]

    assert [part.replace("\r\n", "\n").rstrip("\n") for part in parts] == [
        message.text.rstrip("\n"),
        message.html.rstrip("\n"),
    ]


def test_a_notice_says_that_a_machine_wrote_it() -> None:
    headers = dict(confirmation().headers)

    assert headers["Auto-Submitted"] == "auto-generated"
    assert headers["X-Auto-Response-Suppress"] == "All"
    assert headers["Subject"] == "Confirm your sign-up to The Week in AI"
    assert not [name for name in headers if name.startswith("List-")]


def test_a_confirmation_has_a_button_and_the_link_in_both_parts() -> None:
    message = confirmation()

    assert f'<a class="ba" href="{SAMPLE["confirm_url"]}"' in message.html
    assert f"\n{SAMPLE['confirm_url']}\n" in message.text
    assert "(News, Learnings and Events)" in message.text


def test_a_stranger_cannot_write_into_the_confirmation_of_another() -> None:
    recipient = Subscriber(id=1, email="victim@reader.example", name="Cheap pills at https://spam.example")

    message = confirmation(recipient=recipient)

    assert "spam.example" not in str(message)


def test_someone_who_left_is_told_so() -> None:
    left = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)

    message = confirmation({**SAMPLE, "left_at": left})

    assert "You left on 3 March 2026" in message.html
    assert "You left on 3 March 2026" in message.text


def test_values_of_a_notice_are_escaped() -> None:
    message = confirmation({**SAMPLE, "sections": ["<b>News</b>"]})

    assert "&lt;b&gt;News&lt;/b&gt;" in message.html
    assert "<b>News</b>" in message.text


def test_times_are_told_in_the_newsletters_zone_whatever_zone_they_come_in() -> None:
    late = datetime(2026, 11, 22, 23, 30, tzinfo=timezone(timedelta(hours=-5)))

    assert "On 23 November 2026 somebody" in confirmation({**SAMPLE, "requested_at": late}).html


def test_the_draft_names_every_story_and_what_is_wrong() -> None:
    values: dict[str, object] = {
        "content": stories.week(),
        "review_url": "https://digest.example/review/1",
        "due_at": stories.UNTIL,
        "approve_at": "",
        "audience": 1204,
        "problems": [{"severity": "stop", "words": "no postal address"}],
        "issue_subject": ISSUE.subject,
        "questions": [f"Is <b>story {number}</b> news?" for number in range(7)],
        "questions_command": "digest questions 47",
        "changes": [],
    }

    message = notice(
        "draft",
        values,
        stories.MASTHEAD,
        stories.READER.subscriber,
        TEMPLATES,
        date=stories.UNTIL,
        message_key="1",
    )

    assert all(story.url in message.html and story.url in message.text for story in stories.week().stories)
    assert "28 items for 1,204 readers, due Mon 23 Nov at 07:00." in message.html
    assert "It is not sent before you approve it." in message.text
    assert "Stop: no postal address" in message.text
    assert "7 questions for you (digest questions 47):" in message.text
    assert "7 questions for you, answered with <b" in message.html
    assert "Is &lt;b&gt;story 4&lt;/b&gt; news?" in message.html
    assert "story 5" not in message.html
    assert "taken back" not in message.html + message.text
