"""Mail servers as a way out: what each of their replies, silences and hang-ups becomes."""

import asyncio
from urllib.parse import quote

import pytest
from pydantic import SecretStr

import mailservers
from digest.config import SmtpSettings
from digest.deliver import Envelope, encode, open_transport
from digest.deliver.pool import Relay
from digest.deliver.smtp import Account
from digest.domain import Message, Outcome, OutcomeKind
from digest.errors import TransportError
from mailservers import (
    CERTIFICATE,
    DROP,
    PASSWORD,
    STALL,
    USER,
    Recorder,
    Script,
    encrypted_server,
    recording_server,
    scripted_server,
)

LOGIN = f"{quote(USER, safe='')}:{quote(PASSWORD, safe='')}@"

#: A reply that is never whole.
HALF = "250-half\r\n250-more"

DEFERRED, FAILED, SENT, UNCERTAIN = (
    OutcomeKind.DEFERRED,
    OutcomeKind.FAILED,
    OutcomeKind.SENT,
    OutcomeKind.UNCERTAIN,
)


@pytest.fixture(params=["together", "one by one"], autouse=True)
def pipelining(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """True when the scripted server takes commands together: everything must hold in both ways."""
    if request.param == "one by one":
        alone = mailservers.USUAL["EHLO"].replace("250-PIPELINING\r\n", "")
        monkeypatch.setitem(mailservers.USUAL, "EHLO", alone)
    return bool(request.param == "together")


def envelope(number: int = 1, *, recipient: str = "", text: str = "Hello.") -> Envelope:
    message = Message(
        sender="bounce+1@example.org",
        recipient=recipient or f"reader{number}@example.org",
        message_id=f"<47.{number}@example.org>",
        headers=(("From", "The Week <news@example.org>"), ("Subject", "A week")),
        text=text,
        html=f"<p>{text}</p>",
    )
    return Envelope(key=number, sender=message.sender, recipient=message.recipient, blocks=(encode(message),))


def settings(
    server: Recorder | Script,
    *,
    scheme: str = "smtp",
    login: str = "",
    connections: int = 4,
    messages: int = 1000,
    seconds: float = 20,
) -> SmtpSettings:
    url = f"{scheme}://{login}127.0.0.1:{server.port}"
    return SmtpSettings(
        url=SecretStr(url),
        connections=connections,
        messages_per_connection=messages,
        timeout_seconds=seconds,
        dot_timeout_seconds=seconds,
    )


def patience(reply: str) -> float:
    """Seconds for a reply: few where none will come, else enough for the slowest machine."""
    return 0.7 if reply in {STALL, HALF} else 20


async def send(server: Script, *envelopes: Envelope, seconds: float = 20) -> list[Outcome]:
    async with open_transport(settings(server, seconds=seconds)) as transport:
        return [await transport.send(each) for each in envelopes]


async def test_a_message_arrives_byte_for_byte_with_its_envelope() -> None:
    sent = envelope(text=".\n..\nÉn uge.\n")
    async with recording_server() as server, open_transport(settings(server)) as transport:
        outcome = await transport.send(sent)

    (mail,) = server.mails
    assert outcome == Outcome(key=1, kind=SENT, reply="250 2.0.0 kept")
    assert (mail.sender, mail.recipient, mail.data) == (sent.sender, sent.recipient, sent.data)
    assert mail.options == (f"SIZE={len(sent.data)}",)


async def test_a_notice_may_have_the_null_sender() -> None:
    sent = Envelope(key=1, sender="", recipient="reader@example.org", blocks=(envelope().data,))
    async with recording_server() as server, open_transport(settings(server)) as transport:
        await transport.send(sent)

    assert [mail.sender for mail in server.mails] == ["<>"]


async def test_many_messages_share_a_connection_that_is_renewed_after_as_many_as_the_settings_say() -> None:
    async with recording_server() as server, open_transport(settings(server, messages=100)) as transport:
        for number in range(1, 202):
            await transport.send(envelope(number))

    assert len(server.mails) == 201
    assert [server.mails[at].connection for at in (0, 99, 100, 199, 200)] == [1, 1, 2, 2, 3]


async def test_there_are_never_more_connections_than_the_settings_allow() -> None:
    async with (
        recording_server() as server,
        open_transport(settings(server, connections=3)) as transport,
        asyncio.TaskGroup() as group,
    ):
        for number in range(40):
            group.create_task(transport.send(envelope(number)))

    assert len({mail.recipient for mail in server.mails}) == 40
    assert server.most_at_once <= 3


@pytest.mark.parametrize(("scheme", "tls"), [("smtps", "tls"), ("smtp+starttls", "starttls")])
async def test_a_trusted_server_gets_the_message_encrypted_and_after_a_login(
    scheme: str, tls: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    async with (
        recording_server(tls=tls, login=True) as server,
        open_transport(settings(server, scheme=scheme, login=LOGIN)) as transport,
    ):
        outcome = await transport.send(envelope())
        said = await transport.check()

    assert outcome.kind is SENT
    assert [mail.logged_in for mail in server.mails] == [True]
    assert said == f"127.0.0.1:{server.port} TLS 1.3, login ok, SIZE 8BITMIME"


@pytest.mark.parametrize(("scheme", "tls"), [("smtps", "tls"), ("smtp+starttls", "starttls")])
async def test_many_messages_share_an_encrypted_connection(
    scheme: str, tls: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    async with (
        recording_server(tls=tls) as server,
        open_transport(settings(server, scheme=scheme)) as transport,
    ):
        text = f"{'Hello. ' * 10}\n" * 2_000
        outcomes = [await transport.send(envelope(number, text=text)) for number in range(6)]

    assert [outcome.reply for outcome in outcomes] == ["250 2.0.0 kept"] * 6
    assert server.connections == 1


async def test_a_message_follows_a_refused_one_on_an_encrypted_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    refused, taken = "550 5.1.1 nobody", "250 ok"
    async with (
        encrypted_server(RCPT=[taken, refused, taken, taken, refused, taken]) as server,
        open_transport(settings(server, scheme="smtps")) as transport,
    ):
        outcomes = [await transport.send(envelope(number)) for number in range(6)]

    assert [outcome.kind for outcome in outcomes] == [SENT, FAILED, SENT, SENT, FAILED, SENT]
    assert server.connections == 1


@pytest.mark.parametrize(("scheme", "tls"), [("smtps", "tls"), ("smtp+starttls", "starttls")])
async def test_a_certificate_nobody_vouches_for_is_refused(scheme: str, tls: str) -> None:
    async with (
        recording_server(tls=tls) as server,
        open_transport(settings(server, scheme=scheme)) as transport,
    ):
        outcome = await transport.send(envelope())
        with pytest.raises(TransportError, match="certificate is not trusted: self-signed") as caught:
            await transport.check()

    assert (outcome.kind, server.mails) == (DEFERRED, [])
    assert "certificate is not trusted" in outcome.reply
    assert caught.value.is_permanent


async def test_a_server_without_starttls_gets_nothing_in_the_clear() -> None:
    async with (
        recording_server() as server,
        open_transport(settings(server, scheme="smtp+starttls")) as transport,
    ):
        outcome = await transport.send(envelope())

    assert (outcome.kind, server.mails) == (DEFERRED, [])
    assert outcome.reply.endswith("offers no STARTTLS")


async def test_tls_towards_a_server_that_speaks_plain_is_one_clear_line() -> None:
    async with (
        scripted_server() as server,
        open_transport(settings(server, scheme="smtps")) as transport,
    ):
        with pytest.raises(TransportError, match="TLS failed: "):
            await transport.check()


async def test_a_wrong_password_defers_with_the_servers_words_and_without_the_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    async with (
        recording_server(tls="tls", login=True) as server,
        open_transport(settings(server, scheme="smtps", login="news:wr0ng@")) as transport,
    ):
        outcome = await transport.send(envelope())
        with pytest.raises(TransportError, match="login refused: 535") as caught:
            await transport.check()

    assert (outcome.kind, server.mails) == (DEFERRED, [])
    assert "535 5.7.8" in outcome.reply
    assert "wr0ng" not in outcome.reply
    assert caught.value.is_permanent


@pytest.mark.parametrize("challenge", ["334 é", "334 =", "334 !!!!", "334", "250 what", DROP])
async def test_a_login_that_goes_astray_defers(challenge: str) -> None:
    able = "250-mx.example.org\r\n250 AUTH CRAM-MD5 LOGIN"
    async with (
        scripted_server(EHLO=able, AUTH=challenge) as server,
        open_transport(settings(server, login="news:s3cr3t@")) as transport,
    ):
        outcome = await transport.send(envelope())

    assert (outcome.kind, server.arrived) == (DEFERRED, [])
    assert outcome.reply.isprintable()


async def test_nobody_listening_is_one_clear_line() -> None:
    async with recording_server() as server:
        pass
    async with open_transport(settings(server)) as transport:
        outcome = await transport.send(envelope())
        with pytest.raises(TransportError, match="Connection refused"):
            await transport.check()

    assert (outcome.kind, outcome.reply) == (DEFERRED, f"127.0.0.1:{server.port}: Connection refused")


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA", "DOT"])
@pytest.mark.parametrize(
    ("reply", "kind"), [("450 4.2.1 not now", DEFERRED), ("550 5.1.1 nobody here", FAILED)]
)
async def test_a_refusal_at_any_step_keeps_the_words_and_the_connection(
    step: str, reply: str, kind: OutcomeKind
) -> None:
    async with scripted_server(**{step: [reply, "250 ok" if step != "DATA" else "354 go on"]}) as server:
        first, second = await send(server, envelope(1), envelope(2))

    assert first == Outcome(key=1, kind=kind, reply=reply)
    assert second.kind is SENT
    assert server.connections == 1
    assert server.commands.count("RSET") == (0 if step == "DOT" else 1)


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA", "DOT"])
async def test_421_at_any_step_defers_and_closes_the_connection(step: str) -> None:
    async with scripted_server(
        **{step: ["421 4.3.2 going down", "250 ok" if step != "DATA" else "354 go"]}
    ) as server:
        first, second = await send(server, envelope(1), envelope(2))

    assert first == Outcome(key=1, kind=DEFERRED, reply="421 4.3.2 going down")
    assert (second.kind, server.connections) == (SENT, 2)


@pytest.mark.parametrize("step", ["GREETING", "EHLO"])
@pytest.mark.parametrize("reply", ["421 4.7.0 too many of you", "554 5.7.1 not you", DROP, "hello", "299"])
async def test_a_server_that_does_not_let_us_in_defers(step: str, reply: str) -> None:
    async with scripted_server(**{step: reply, "HELO": reply}) as server:
        (outcome,) = await send(server, envelope())

    assert (outcome.kind, server.arrived) == (DEFERRED, [])
    assert outcome.reply.startswith(f"127.0.0.1:{server.port}: ")
    assert outcome.reply.isprintable()


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize("reply", [DROP, STALL, "what?", "-12 x", "999 x", "199 x", "2", "\x00\x01", HALF])
async def test_whatever_breaks_before_the_final_dot_defers_and_costs_the_connection(
    step: str, reply: str
) -> None:
    usual = "354 go on" if step == "DATA" else "250 ok"
    async with scripted_server(**{step: [reply, usual]}) as server:
        first, second = await send(server, envelope(1), envelope(2), seconds=patience(reply))

    assert (first.kind, second.kind) == (DEFERRED, SENT)
    assert (len(server.arrived), server.connections) == (1, 2)
    assert first.reply.isprintable()


@pytest.mark.parametrize("reply", [DROP, STALL, "what?", "354 go on", "999 x", HALF])
async def test_whatever_breaks_after_the_final_dot_is_uncertain_and_costs_the_connection(reply: str) -> None:
    async with scripted_server(DOT=[reply, "250 ok"]) as server:
        first, second = await send(server, envelope(1), envelope(2), seconds=patience(reply))

    assert (first.kind, second.kind) == (UNCERTAIN, SENT)
    assert (len(server.arrived), server.connections) == (2, 2)
    assert first.reply


async def test_an_answer_on_many_lines_becomes_one_line_with_its_enhanced_code_once() -> None:
    reply = "550-5.1.1 No such\r\n550-5.1.1 reader \x1b[31m here\r\n550 5.1.1 \udcff"
    async with scripted_server(RCPT=reply) as server:
        (outcome,) = await send(server, envelope())

    assert outcome.reply == "550 5.1.1 No such reader [31m here �"


async def test_an_endless_answer_is_cut_at_500_characters() -> None:
    async with scripted_server(RCPT="550 " + "no " * 2000) as server:
        (outcome,) = await send(server, envelope())

    assert outcome.kind is FAILED
    assert len(outcome.reply) in {499, 500}


async def test_a_server_that_wants_a_login_first_defers_because_no_reader_is_at_fault() -> None:
    async with scripted_server(MAIL="530 5.7.0 Authentication required") as server:
        (outcome,) = await send(server, envelope())

    assert (outcome.kind, outcome.reply) == (DEFERRED, "530 5.7.0 Authentication required")


async def test_an_older_server_that_only_knows_helo_is_spoken_to_in_its_way() -> None:
    async with scripted_server(EHLO="502 5.5.1 what") as server:
        (outcome,) = await send(server, envelope())

    assert outcome.kind is SENT
    assert "MAIL FROM:<bounce+1@example.org>" in server.commands


async def test_a_server_that_is_away_is_not_asked_again_for_each_message() -> None:
    async with scripted_server(GREETING="554 5.7.1 not you") as server:
        outcomes = await send(server, *(envelope(number) for number in range(20)))

    assert {(each.kind, each.reply) for each in outcomes} == {
        (DEFERRED, f"127.0.0.1:{server.port}: 554 5.7.1 not you")
    }
    assert server.connections == 1


async def test_a_server_that_is_back_after_the_rest_is_used_again() -> None:
    async with scripted_server(GREETING=["421 4.3.2 later", "220 hello"]) as server:
        account = Account(host="127.0.0.1", port=server.port, reply_seconds=20, dot_seconds=20)
        relay = Relay(account, connections=2, rest_seconds=0)
        outcomes = [await relay.send(envelope(number)) for number in (1, 2)]
        await relay.close()

    assert [each.kind for each in outcomes] == [DEFERRED, SENT]


async def test_fewer_connections_than_wished_for_carry_all_messages() -> None:
    async with (
        scripted_server(GREETING=["220 hello", "220 hello", "421 4.7.0 two are enough"]) as server,
        open_transport(settings(server, connections=8)) as transport,
    ):
        outcomes = await asyncio.gather(*(transport.send(envelope(number)) for number in range(50)))

    assert {each.kind for each in outcomes} == {SENT}
    assert len(server.arrived) == 50


async def test_a_connection_that_the_server_closed_while_idle_is_replaced() -> None:
    async with recording_server() as server, open_transport(settings(server)) as transport:
        await transport.send(envelope(1))
        await server.hang_up()
        outcome = await transport.send(envelope(2))

    assert outcome.kind is SENT
    assert server.connections == 2


@pytest.mark.parametrize("utf8", [True, False])
async def test_a_local_part_beyond_ascii_needs_a_server_that_takes_it(utf8: bool) -> None:
    sent = envelope(recipient="jørgen@bücher.example")
    async with recording_server(utf8=utf8) as server, open_transport(settings(server)) as transport:
        outcome = await transport.send(sent)

    assert outcome.kind is (SENT if utf8 else FAILED)
    assert [mail.recipient for mail in server.mails] == (["jørgen@xn--bcher-kva.example"] if utf8 else [])
    assert utf8 or outcome.reply == "the address needs SMTPUTF8, which the mail server lacks"


@pytest.mark.parametrize(
    ("recipient", "data"),
    [
        ("reader@example.org>\r\nRCPT TO:<other@example.org", b"x\r\n"),
        ("reader@example.org> SIZE=1", b"x\r\n"),
        ("", b"x\r\n"),
        ("reader@example.org", b"Subject: x\r\n\r\na\n.\nMAIL FROM:<a@example.org>\r\n"),
        ("reader@example.org", b"Subject: x\r\n\r\na\r.\r\n"),
        ("reader@example.org", b"Subject: x\r\n\r\na\0\r\n"),
        ("reader@example.org", b"Subject: x\r\n\r\nno end"),
        ("reader@example.org", b""),
    ],
)
async def test_what_could_smuggle_a_command_is_never_put_on_the_wire(recipient: str, data: bytes) -> None:
    bad = Envelope(key=1, sender="news@example.org", recipient=recipient, blocks=(data,))
    async with scripted_server() as server:
        first, second = await send(server, bad, envelope(2))

    assert (first.kind, second.kind) == (FAILED, SENT)
    assert sum(command.startswith("MAIL") for command in server.commands) == 1


async def test_a_message_that_is_withheld_before_the_dot_never_arrives() -> None:
    async def refuse() -> None:
        raise LookupError

    async with scripted_server() as server, open_transport(settings(server)) as transport:
        with pytest.raises(LookupError):
            await transport.send(envelope(1), intent=refuse)
        outcome = await transport.send(envelope(2))

    assert outcome.kind is SENT
    assert [b"47.2@" in data for data in server.arrived] == [True]


async def test_the_intent_is_asked_for_only_when_the_server_waits_for_the_dot() -> None:
    asked: list[int] = []

    async def note() -> None:
        asked.append(len(server.arrived))

    async with (
        scripted_server(RCPT=["550 5.1.1 nobody", "250 ok"], DATA=["451 4.3.0 later", "354 go on"]) as server,
        open_transport(settings(server)) as transport,
    ):
        kinds = [(await transport.send(envelope(number), intent=note)).kind for number in (1, 2, 3)]

    assert kinds == [FAILED, DEFERRED, SENT]
    assert asked == [0]


async def test_a_server_that_hangs_up_during_the_message_defers() -> None:
    async def hang_up() -> None:
        await server.hang_up()

    async with recording_server() as server, open_transport(settings(server)) as transport:
        outcome = await transport.send(envelope(), intent=hang_up)

    assert (outcome.kind, server.mails) == (DEFERRED, [])


async def test_a_cancelled_message_costs_its_connection_and_not_the_transport() -> None:
    async with (
        scripted_server(DATA=[STALL, "354 go on"]) as server,
        open_transport(settings(server)) as transport,
    ):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(transport.send(envelope(1)), 0.3)
        outcome = await transport.send(envelope(2))

    assert (outcome.kind, server.connections) == (SENT, 2)


async def test_the_end_of_a_transport_is_polite() -> None:
    async with scripted_server() as server:
        await send(server, envelope())

    assert server.commands[-1] == "QUIT"


async def test_commands_go_together_only_where_the_server_offers_it(pipelining: bool) -> None:
    async with scripted_server(MAIL="550 5.7.1 not you") as server:
        await send(server, envelope())

    commands = [command.split(" ")[0] for command in server.commands]
    refused = ["MAIL", "RCPT", "DATA"] if pipelining else ["MAIL"]
    assert commands == ["EHLO", *refused, "RSET", "QUIT"]


async def test_a_server_that_asks_for_a_message_to_nobody_gets_none() -> None:
    async with scripted_server(RCPT=["550 5.1.1 nobody", "250 ok"], EARLY="354 go on") as server:
        first, second = await send(server, envelope(1), envelope(2))

    assert (first.kind, first.reply) == (FAILED, "550 5.1.1 nobody")
    assert (second.kind, len(server.arrived)) == (SENT, 1)


@pytest.mark.parametrize("step", ["RCPT", "DATA"])
async def test_a_refusal_counts_although_the_line_breaks_right_after_it(step: str) -> None:
    after = {"EARLY": DROP} if step == "RCPT" else {}
    async with scripted_server(**{step: "550 5.1.1 nobody", "RSET": DROP}, **after) as server:
        (outcome,) = await send(server, envelope())

    assert outcome == Outcome(key=1, kind=FAILED, reply="550 5.1.1 nobody")


@pytest.mark.parametrize(
    "reply", ["250-yes\r\n550 no", "250 ok\r\n250 and more", "250-" + "x" * 40_000, "250 ok\r\n\xff"]
)
async def test_a_reply_that_is_not_one_reply_defers_and_costs_the_connection(reply: str) -> None:
    async with scripted_server(DATA=[reply, "354 go on"]) as server:
        first, second = await send(server, envelope(1), envelope(2))

    assert (first.kind, second.kind, server.connections) == (DEFERRED, SENT, 2)


async def test_an_answer_before_the_dot_is_no_answer_to_it() -> None:
    async with scripted_server(DATA=["354 go on\r\n250 2.0.0 taken", "354 go on"]) as server:
        first, second = await send(server, envelope(1), envelope(2))

    assert (first.kind, second.kind) == (DEFERRED, SENT)
    assert [b"47.2@" in data for data in server.arrived] == [True]


async def test_a_server_that_speaks_up_between_messages_is_called_anew() -> None:
    async with scripted_server(DOT=["250 ok\r\n421 4.4.2 timeout", "250 ok"]) as server:
        first, second = await send(server, envelope(1), envelope(2))

    assert (first.kind, second.kind, server.connections) == (SENT, SENT, 2)
