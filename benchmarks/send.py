"""Messages a second on the real path (ledger, personal values, SMTP), beside the wire and plain loops.

The sink is Postfix's smtp-sink on the same machine, the wire is Postfix's smtp-source at the same size and
the same number of connections. Peers run in the same rounds, in turn; figures are medians of the rounds.
With --round-trip the server is a small one in Python that answers so many milliseconds later, as one far
away does; then the wire is what smtp-source reaches with the same server, which sends no commands together.
Not measured: networks, TLS, real mail servers, which all are slower than a sink.
"""

import argparse
import asyncio
import json
import resource
import shutil
import smtplib
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import nullcontext
from email.message import EmailMessage
from io import StringIO
from pathlib import Path

import aiosmtplib
import jinja2

from digest import eventloop
from digest.deliver import encode, new_keys
from digest.house import open_house
from digest.log import Log
from digest.publish import message_for, send
from mailing import content, postgres, prepare, settings_for, sink, the_issue, tool

_WHO = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
PLAIN = """<h1>{{ content.newsletter }}</h1><p>For {{ email }}</p>{% for story in content.stories %}
<h2><a href="{{ story.url }}">{{ story.title }}</a></h2><p>{{ story.summary }}</p>
<p>{{ story.source }}, {{ story.published_at }}</p>{% endfor %}
<p><a href="https://news.example.org/leave/{{ email }}">Leave</a></p>{{ filler }}"""


def keys_for(sign: str, folder: Path) -> dict[str, str] | None:
    """The setting `smtp.dkim` for what is to be signed with."""
    if sign == "none":
        return None
    if not any(folder.glob("*.pem")):
        new_keys(folder, domain="example.org", selector="bench")
    files = {"rsa_key": "dkim-rsa.pem", "ed25519_key": "dkim-ed25519.pem"}
    wanted = {
        name: str(folder / file) for name, file in files.items() if sign in {"both", name.split("_")[0]}
    }
    return {"domain": "example.org", "selector": "bench"} | wanted


async def ours(
    database: str, url: str, options: argparse.Namespace, dkim: dict[str, str] | None
) -> dict[str, float]:
    """What this process, and those that it starts, need to send the whole issue."""
    settings = settings_for(
        database, url, connections=options.connections, dkim=dkim, processes=options.processes
    )
    async with open_house(settings, log=Log(StringIO())) as house:
        issue = await the_issue(house)
        cpu, start = _processor_seconds(), time.perf_counter()
        report = await send(house, issue)
        seconds, cpu = time.perf_counter() - start, _processor_seconds() - cpu
    if set(report.states) != {"sent"}:
        sys.exit(f"not all were sent: {report.states}")
    count = report.states["sent"]
    peak = max(resource.getrusage(who).ru_maxrss for who in _WHO) / 1024
    return {"per_s": count / seconds, "cpu_ms": cpu / count * 1000, "peak_mb": peak}


def _processor_seconds() -> float:
    """Of this process and those that it started and that ended."""
    used = [resource.getrusage(who) for who in _WHO]
    return sum(one.ru_utime + one.ru_stime for one in used)


def in_a_child(database: str, url: str, options: argparse.Namespace, keys: Path) -> dict[str, float]:
    """`ours` in a process of its own, so that its memory is its own."""
    command = [sys.executable, __file__, "--child", database, url, "--connections"]
    command += [str(options.connections), "--sign", options.sign, "--keys", str(keys)]
    command += ["--processes", str(options.processes)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def wire(port: int, *, count: int, size: int, connections: int) -> float:
    """Messages a second of smtp-source."""
    command = [tool("smtp-source"), "-s", str(connections), "-m", str(count), "-l", str(size)]
    start = time.perf_counter()
    subprocess.run(
        [*command, "-f", "news@example.org", "-t", "reader@example.org", f"127.0.0.1:{port}"], check=True
    )
    return count / (time.perf_counter() - start)


def plain_message(template: jinja2.Template, number: int, *, stories: int, size: int) -> EmailMessage:
    """What a loop of a few lines makes for each reader."""
    email = f"reader{number}@example.org"
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "news@example.org", email, "The Week in AI"
    known = {"content": content(stories), "email": email}
    page = template.render(known, filler="")
    page = template.render(known, filler="x y " * (max(size - len(page), 0) // 4))
    message.set_content(f"For {email}")
    message.add_alternative(page, subtype="html")
    return message


async def plain(port: int, *, count: int, connections: int, stories: int, size: int) -> float:
    """Messages a second of aiosmtplib, EmailMessage and Jinja, on as many connections."""
    template = jinja2.Template(PLAIN, autoescape=True)
    numbers = iter(range(count))

    async def work() -> None:
        async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port) as client:
            for number in numbers:
                await client.send_message(plain_message(template, number, stories=stories, size=size))

    start = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(connections)))
    return count / (time.perf_counter() - start)


def standard(port: int, *, count: int, stories: int, size: int) -> float:
    """Messages a second of smtplib, EmailMessage and Jinja."""
    template = jinja2.Template(PLAIN, autoescape=True)
    start = time.perf_counter()
    with smtplib.SMTP("127.0.0.1", port) as client:
        for number in range(count):
            client.send_message(plain_message(template, number, stories=stories, size=size))
    return count / (time.perf_counter() - start)


async def size_of_one(database: str) -> int:
    """Bytes of one message of the issue."""
    async with open_house(settings_for(database, ""), log=Log(StringIO())) as house:
        return len(encode(await message_for(house, await the_issue(house))))


def a_database(folder: Path, fresh: Callable[[], str] | None, options: argparse.Namespace) -> str:
    """The readers and the approved issue in a database of their own; on SQLite a copy of the first."""
    if fresh is None:
        for file in folder.glob("round.db*"):
            file.unlink()
        shutil.copy(folder / "ready.db", folder / "round.db")
        return f"sqlite:///{folder / 'round.db'}"
    database = fresh()
    settings = settings_for(database, "file:///nowhere")
    asyncio.run(prepare(settings, readers=options.readers, stories=options.stories))
    return database


def measure(options: argparse.Namespace, folder: Path) -> dict[str, object]:
    """All figures, medians of the rounds."""
    ready = f"sqlite:///{folder / 'ready.db'}"
    asyncio.run(
        prepare(settings_for(ready, "file:///nowhere"), readers=options.readers, stories=options.stories)
    )
    size = asyncio.run(size_of_one(ready))
    rounds: list[dict[str, float]] = []
    same = {"stories": options.stories, "size": size // 2}
    with (
        sink(options.round_trip) as port,
        postgres() if options.store == "postgres" else nullcontext() as fresh,
    ):
        url = f"smtp://127.0.0.1:{port}"
        for number in range(options.rounds):
            database = a_database(folder, fresh, options)
            figures = in_a_child(database, url, options, folder)
            figures["wire_per_s"] = wire(
                port, count=options.readers, size=size, connections=options.connections
            )
            few = min(100 if options.round_trip else 400, options.readers)
            figures["plain_per_s"] = asyncio.run(
                plain(port, count=few, connections=options.connections, **same)
            )
            figures["smtplib_per_s"] = standard(port, count=few, **same)
            figures["ratio_to_wire"] = figures["per_s"] / figures["wire_per_s"]
            figures["ratio_to_plain"] = figures["per_s"] / figures["plain_per_s"]
            rounds.append(figures)
            print(f"round {number + 1}:", {name: round(value, 2) for name, value in figures.items()})
    medians = {name: round(statistics.median(one[name] for one in rounds), 3) for name in rounds[0]}
    return {
        "readers": options.readers,
        "bytes": size,
        "connections": options.connections,
        "sign": options.sign,
        "processes": options.processes,
        "store": options.store,
        "round_trip_ms": options.round_trip,
        **medians,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readers", type=int, default=20_000)
    parser.add_argument("--stories", type=int, default=30)
    parser.add_argument("--connections", type=int, default=50)
    parser.add_argument("--sign", choices=["none", "rsa", "ed25519", "both"], default="none")
    parser.add_argument(
        "--round-trip", type=float, default=0, metavar="MS", help="the server answers so late"
    )
    parser.add_argument("--store", choices=["sqlite", "postgres"], default="sqlite")
    parser.add_argument(
        "--processes", type=int, default=0, help="0, the default: as the settings' default has it"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--child", nargs=2, metavar=("DATABASE", "URL"), help=argparse.SUPPRESS)
    parser.add_argument("--keys", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        database, url = options.child
        dkim = keys_for(options.sign, options.keys)
        print(json.dumps(eventloop.run(ours(database, url, options, dkim))))
        return
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(options, Path(folder))
    if options.json:
        print(json.dumps(figures))


if __name__ == "__main__":
    main()
