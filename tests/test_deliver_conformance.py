"""Every fault at every step of a talk, over SMTP and LMTP, with and without pipelining; and real servers.

What must hold whatever a server does: one clear outcome, DEFERRED for a fault before the final dot and
UNCERTAIN for one after it, nothing of the next message on a line that is out of step, and no message twice.
"""

import re
from itertools import product
from pathlib import Path

import pytest
from pydantic import SecretStr

from digest.config import SmtpSettings
from digest.deliver import Envelope, open_transport
from digest.domain import Outcome, OutcomeKind
from digest.errors import ConfigError
from mailservers import (
    CERTIFICATE,
    DROP,
    HALF_CLOSE,
    LATE,
    STALL,
    TRICKLE,
    USUAL,
    Script,
    encrypted_server,
    recording_server,
    scripted_server,
    scripted_socket,
    smtp_sink,
)

DEFERRED, FAILED, SENT, UNCERTAIN = (
    OutcomeKind.DEFERRED,
    OutcomeKind.FAILED,
    OutcomeKind.SENT,
    OutcomeKind.UNCERTAIN,
)
#: "together" offers PIPELINING, "alone" does not.
WAYS = [*product(["smtp", "lmtp"], ["together", "alone"]), ("smtps", "together")]
HELLO = {"smtp": "EHLO", "lmtp": "LHLO", "smtps": "EHLO"}
SERVER = {"smtp": scripted_server, "lmtp": scripted_server, "smtps": encrypted_server}
STEPS = ["GREETING", "HELLO", "MAIL", "RCPT", "DATA", "DOT"]
#: What is no reply: the line can never be trusted again.
FAULTS = {
    "drops": DROP,
    "half-closes": HALF_CLOSE,
    "stalls": STALL,
    "answers too late": LATE,
    "half a reply": "250-one\r\n250-two",
    "words": "what?",
    "no code": "-1 x",
    "code too high": "999 x",
    "code too low": "199 x",
    "short code": "25",
    "bytes": "\x00\x01\udcff",
    "mixed codes": "250-one\r\n354 two",
    "no end": "250-" + "x" * 40_000,
    "unfit code": "299-one\r\n299",
}
SILENT = {STALL, LATE, FAULTS["half a reply"]}


def envelope(number: int, recipient: str = "") -> Envelope:
    return Envelope(
        key=number,
        sender="bounce@example.org",
        recipient=recipient or f"reader{number}@example.org",
        blocks=(f"Message-ID: <{number}@example.org>\r\nSubject: x\r\n\r\n.\r\n..\r\nHello.\r\n".encode(),),
        envelope_id=f"<{number}+a=b@example.org>",
    )


def settings(url: str, *, seconds: float = 20, dsn: bool = True) -> SmtpSettings:
    return SmtpSettings(
        url=SecretStr(url), connections=2, timeout_seconds=seconds, dot_timeout_seconds=seconds, dsn=dsn
    )


@pytest.fixture(autouse=True)
def trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The certificate of the scripted server is one of those that are trusted."""
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))


async def send(url: str, *numbers: int, seconds: float = 20) -> list[Outcome]:
    async with open_transport(settings(url, seconds=seconds)) as transport:
        return [await transport.send(envelope(number)) for number in numbers]


def script(scheme: str, pipelining: str, step: str, *replies: str) -> dict[str, str | list[str]]:
    """The replies of a server that is as usual but for one step."""
    hello = USUAL[HELLO[scheme]]
    if pipelining == "alone":
        hello = hello.replace("250-PIPELINING\r\n", "")
    told: dict[str, str | list[str]] = {HELLO[scheme]: hello}
    name = HELLO[scheme] if step == "HELLO" else step
    usual = told.get(name) or USUAL[name]
    assert isinstance(usual, str)
    return told | {name: [*replies, usual]}


def numbers_of(server: Script) -> list[int]:
    """Which messages arrived whole, in their order."""
    return [int(found[1]) for data in server.arrived if (found := re.search(rb"<(\d)@", data))]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(("scheme", "pipelining"), WAYS)
async def test_a_fault_at_any_step_has_one_outcome_and_costs_the_line(
    scheme: str, pipelining: str, step: str, fault: str
) -> None:
    reply = FAULTS[fault]
    seconds = 0.4 if reply in SILENT else 20
    async with SERVER[scheme](**script(scheme, pipelining, step, reply)) as server:
        url = f"{scheme}://127.0.0.1:{server.port}"
        async with open_transport(settings(url, seconds=seconds)) as transport:
            first = await transport.send(envelope(1))
        (second,) = await send(url, 2)

    # A code of the right class is an answer, however odd the rest of it is.
    is_answer = fault == "unfit code" and step not in {"GREETING", "HELLO", "DATA"}
    expected = UNCERTAIN if step == "DOT" else DEFERRED
    assert first.kind is (SENT if is_answer else expected)
    assert first.reply
    assert first.reply.isprintable()
    assert second.kind is SENT
    assert numbers_of(server) == ([1, 2] if step == "DOT" or is_answer else [2])


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA", "DOT"])
@pytest.mark.parametrize(("code", "kind"), [("450", DEFERRED), ("421", DEFERRED), ("550", FAILED)])
@pytest.mark.parametrize("form", ["plain", "many lines", "trickling"])
@pytest.mark.parametrize(("scheme", "pipelining"), WAYS)
async def test_a_refusal_at_any_step_in_any_form_is_understood(
    scheme: str, pipelining: str, form: str, code: str, kind: OutcomeKind, step: str
) -> None:
    told = {
        "plain": f"{code} {code[0]}.7.1 no",
        "many lines": f"{code}-{code[0]}.7.1 no\r\n{code}-\r\n{code} {code[0]}.7.1 really",
        "trickling": f"{TRICKLE}{code} {code[0]}.7.1 no",
    }
    async with SERVER[scheme](**script(scheme, pipelining, step, told[form])) as server:
        first, second = await send(f"{scheme}://127.0.0.1:{server.port}", 1, 2)

    assert (first.kind, second.kind) == (kind, SENT)
    assert first.reply.startswith(f"{code} {code[0]}.7.1 no")
    assert numbers_of(server) == ([1, 2] if step == "DOT" else [2])
    assert server.connections == (2 if code == "421" else 1)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("form", ["many lines", "trickling"])
@pytest.mark.parametrize(("scheme", "pipelining"), WAYS)
async def test_a_good_reply_in_any_form_is_understood(
    scheme: str, pipelining: str, form: str, step: str
) -> None:
    usual = script(scheme, pipelining, step)[HELLO[scheme] if step == "HELLO" else step][0]
    code, long = usual[:3], "-" if "\r\n" in usual else " "
    told = f"{TRICKLE}{usual}" if form == "trickling" else f"{code}-so far\r\n{code}{long}{usual[4:]}"
    async with SERVER[scheme](**script(scheme, pipelining, step, told)) as server:
        outcomes = await send(f"{scheme}://127.0.0.1:{server.port}", 1, 2)

    assert [one.kind for one in outcomes] == [SENT, SENT]
    assert (numbers_of(server), server.connections) == ([1, 2], 1)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("step", ["RSET", "QUIT"])
async def test_a_fault_after_the_outcome_changes_nothing_of_it(step: str, fault: str) -> None:
    seconds = 0.4 if FAULTS[fault] in SILENT else 20
    replies: dict[str, str | list[str]] = {
        "RCPT": ["550 5.1.1 nobody", "250 ok"],
        step: [FAULTS[fault], "250 ok"],
    }
    async with scripted_server(**replies) as server:
        url = f"smtp://127.0.0.1:{server.port}"
        async with open_transport(settings(url, seconds=seconds)) as transport:
            first = await transport.send(envelope(1))
        (second,) = await send(url, 2)

    assert (first.kind, first.reply, second.kind) == (FAILED, "550 5.1.1 nobody", SENT)
    assert numbers_of(server) == [2]


async def test_lmtp_speaks_over_a_socket_of_this_machine(tmp_path: Path) -> None:
    place = str(tmp_path / "lmtp")
    async with (
        scripted_socket(place) as server,
        open_transport(settings(f"lmtp://{place}")) as transport,
    ):
        outcome = await transport.send(envelope(1))
        said = await transport.check()

    assert (outcome.kind, numbers_of(server)) == (SENT, [1])
    assert server.commands[0].startswith("LHLO ")
    assert said == f"{place} no TLS, no login, PIPELINING 8BITMIME"


@pytest.mark.parametrize("url", ["lmtp://", "lmtp:///", "lmtp://user:pass@127.0.0.1", "lmtp://h/more"])
def test_an_lmtp_address_that_leads_nowhere_is_refused(url: str) -> None:
    with pytest.raises(ConfigError):
        open_transport(settings(url))


@pytest.mark.parametrize("dsn", [True, False])
@pytest.mark.parametrize("offered", [True, False])
async def test_bounces_are_asked_for_in_few_bytes_where_that_is_offered(offered: bool, dsn: bool) -> None:
    hello = USUAL["EHLO"].replace("250 8BITMIME", "250-8BITMIME\r\n250 DSN") if offered else USUAL["EHLO"]
    async with scripted_server(EHLO=hello) as server:
        way = settings(f"smtp://127.0.0.1:{server.port}", dsn=dsn)
        async with open_transport(way) as transport:
            await transport.send(envelope(1))

    mail, rcpt = server.commands[1:3]
    assert mail.endswith(" RET=HDRS ENVID=1+2Ba+3Db@example.org") is (offered and dsn)
    assert rcpt == "RCPT TO:<reader1@example.org>" + (" NOTIFY=FAILURE" if offered and dsn else "")


@pytest.mark.parametrize(("option", "shows"), [("-L", "lmtp"), ("", "smtp"), ("-p", "smtp"), ("-e", "smtp")])
async def test_postfixs_sink_gets_each_message_once_byte_for_byte(option: str, shows: str) -> None:
    async with smtp_sink(*([option] if option else [])) as sink:
        outcomes = await send(f"{shows}://{sink.place}", *range(1, 8))
        got = sink.bodies()

    assert [one.kind for one in outcomes] == [SENT] * 7
    assert [body.strip() for body in got] == [
        envelope(number).data.replace(b"\r\n", b"\n").strip() for number in range(1, 8)
    ]


@pytest.mark.parametrize("option", ["-r", "-f", "-q", "-Q"])
@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA", "."])
@pytest.mark.parametrize("scheme", ["smtp", "lmtp"])
async def test_postfixs_sink_is_understood_when_it_refuses_or_hangs_up(
    scheme: str, step: str, option: str
) -> None:
    more = ["-L"] if scheme == "lmtp" else []
    async with smtp_sink(*more, option, step) as sink:
        first, second = await send(f"{scheme}://{sink.place}", 1, 2)

    hung_up = UNCERTAIN if step == "." else DEFERRED
    expected = {"-r": DEFERRED, "-f": FAILED, "-q": hung_up, "-Q": DEFERRED}[option]
    assert (first.kind, second.kind) == (expected, expected)


async def test_aiosmtpd_gets_each_message_once_byte_for_byte() -> None:
    async with recording_server() as server:
        outcomes = await send(f"smtp://127.0.0.1:{server.port}", 1, 2, 3)

    assert [one.kind for one in outcomes] == [SENT] * 3
    assert [mail.data for mail in server.mails] == [envelope(number).data for number in (1, 2, 3)]
