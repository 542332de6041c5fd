"""How long an issue takes to 1, 10 and 100 million readers, from unit costs measured here; what limits it.

First a real run on this machine gives the unit costs: processor time a message, signing, the database. Then a
simulation sends the issue in steps of batches over machines, connections, the round trip, the relays and
the database, and says what was busy. Its prediction for this machine is compared with a second real run, with
other numbers of readers and connections. Not measured: networks, relays that defer, machines other than this.
"""

import argparse
import asyncio
import json
import math
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from mailing import postgres, prepare, settings_for, sink

#: What a relay of the usual kind takes from one customer, messages a second.
RELAY_PER_SECOND = 500.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What one message costs, in seconds of one core; the mail server's share only where it runs here."""

    loop: float
    signing: float = 0.0
    server: float = 0.0
    #: What the database does for it: a claim, an intent, an outcome.
    database: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Who sends, to whom, over what."""

    readers: int
    machines: int = 1
    #: Cores of each machine that nobody else uses.
    cores: float = 2
    #: That send on each machine, each with a loop of its own.
    processes: int = 2
    connections: int = 50
    #: Seconds of a round trip, and how many of them a message needs where servers take commands together.
    round_trip: float = 0.02
    trips: int = 1
    #: Messages a second that the relays take together; 0 for no limit.
    relays: float = 0.0
    #: Cores of the database, which all machines share.
    database_cores: int = 4


def limits(costs: Costs, setting: Setting) -> dict[str, float]:
    """Messages a second that each part could carry alone."""
    work = costs.loop + costs.signing + costs.server
    found = {
        "loops": setting.machines * min(setting.cores, setting.processes) / costs.loop,
        "cores": setting.machines * setting.cores / work,
        "connections": setting.machines * setting.connections / (setting.round_trip * setting.trips + work),
    }
    if setting.relays:
        found["relays"] = setting.relays
    if costs.database:
        found["database"] = setting.database_cores / costs.database
    return found


def simulate(costs: Costs, setting: Setting, *, batch: int = 2000) -> dict[str, object]:
    """Seconds until the last message, and the part that was busy longest.

    Batches go to whichever machine is free first; within a machine a batch takes as long as its slowest
    part; relays and database are queues that all machines share.
    """
    alone = limits(costs, replace(setting, machines=1))
    of_machine = min(rate for name, rate in alone.items() if name not in {"relays", "database"})
    free = [0.0] * setting.machines
    shared = {name: 0.0 for name in ("relays", "database") if name in alone}
    left = setting.readers
    while left:
        count = min(batch, left)
        left -= count
        at = min(range(len(free)), key=free.__getitem__)
        done = free[at] + count / of_machine
        for name in shared:
            shared[name] = max(shared[name], free[at]) + count / alone[name]
            done = max(done, shared[name])
        free[at] = done
    every = limits(costs, setting)
    first = min(every, key=every.__getitem__)
    seconds = max(free)
    return {
        "readers": setting.readers,
        "machines": setting.machines,
        "hours": round(seconds / 3600, 2),
        "per_s": round(setting.readers / seconds),
        "gives_first": first,
    }


def machines_for(costs: Costs, setting: Setting, *, hours: float) -> dict[str, object]:
    """The fewest machines that are done in that time; what else is too slow when none are enough."""
    wanted = setting.readers / (hours * 3600)
    every = limits(costs, setting)
    short = [name for name in ("relays", "database") if name in every and every[name] < wanted]
    alone = min(rate for name, rate in every.items() if name not in {"relays", "database"})
    return {
        "readers": setting.readers,
        "within_hours": hours,
        "machines": math.ceil(wanted / alone),
        "relay_accounts": math.ceil(wanted / RELAY_PER_SECOND),
        "too_slow": short,
    }


def really(folder: Path, port: int, *, readers: int, connections: int, sign: str) -> dict[str, float]:
    """Figures of a real run in a process of its own."""
    file = folder / f"{readers}-{connections}-{sign}.db"
    asyncio.run(prepare(settings_for(f"sqlite:///{file}", "file:///nowhere"), readers=readers, stories=30))
    return run_child(folder, f"sqlite:///{file}", port, connections=connections, sign=sign)


def run_child(folder: Path, database: str, port: int, *, connections: int, sign: str) -> dict[str, float]:
    """Figures of a process that sends what is in the database."""
    script = Path(__file__).with_name("send.py")
    command = [sys.executable, str(script), "--child", database, f"smtp://127.0.0.1:{port}"]
    command += ["--connections", str(connections), "--sign", sign, "--keys", str(folder)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


class Others:
    """How many cores the rest of the machine used while something ran."""

    def __init__(self) -> None:
        self._busy, self._all = self._read()

    def cores(self, ours: float) -> float:
        """Cores that were used beside `ours`, in seconds of processor time, since the beginning."""
        busy, total = self._read()
        seconds = (total - self._all) / os.sysconf("SC_CLK_TCK") / (os.cpu_count() or 1)
        used = (busy - self._busy) / os.sysconf("SC_CLK_TCK")
        return max(used - ours, 0.0) / seconds

    @staticmethod
    def _read() -> tuple[int, int]:
        values = [int(part) for part in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
        return sum(values) - values[3] - values[4], sum(values)


def server_cost(pid: int) -> float:
    """Seconds of processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(options: argparse.Namespace, folder: Path) -> tuple[Costs, dict[str, object]]:
    """Unit costs from one run, and how well they predict another."""
    cores = os.cpu_count() or 1
    with sink() as port:
        server = sink_pid(port)
        before = server_cost(server)
        first = really(folder, port, readers=options.readers, connections=50, sign="none")
        at_server = (server_cost(server) - before) / options.readers
        signed = really(folder, port, readers=options.readers // 2, connections=50, sign=options.sign)
        costs = Costs(loop=first["cpu_ms"] / 1000, server=at_server)
        signing = max(signed["cpu_ms"] / 1000 - costs.loop, 0.0)
        others = Others()
        before = server_cost(server)
        readers = options.readers * 2
        real = really(folder, port, readers=readers, connections=20, sign="none")
        ours = real["cpu_ms"] / 1000 * readers + server_cost(server) - before
        # What else ran here is told to the simulation; at rest it is next to nothing.
        taken = others.cores(ours)
    here = Setting(
        readers=readers, cores=max(cores - taken, 0.05), processes=1, connections=20, round_trip=0.0
    )
    expected = simulate(costs, here)
    expected_per_s = float(str(expected["per_s"]))
    compared = {
        "cpu_ms": round(costs.loop * 1000, 3),
        "sign_ms": round(signing * 1000, 3),
        "server_ms": round(at_server * 1000, 3),
        "cores_taken_by_others": round(taken, 2),
        "predicted_per_s": round(expected_per_s),
        "real_per_s": round(real["per_s"]),
        "predicted_to_real": round(expected_per_s / real["per_s"], 2),
    }
    database = options.database_ms / 1000 if options.database_ms else database_cost(folder, options.readers)
    compared["database_ms"] = round(database * 1000, 3)
    return replace(costs, signing=signing, server=0.0, database=database), compared


def database_cost(folder: Path, readers: int) -> float:
    """Seconds of a core that a real PostgreSQL spends on one message: claim, intent, outcome."""
    with sink() as port, postgres() as fresh:
        database = fresh()
        asyncio.run(prepare(settings_for(database, "file:///nowhere"), readers=readers, stories=30))
        before = postgres_seconds()
        run_child(folder, database, port, connections=50, sign="none")
        return (postgres_seconds() - before) / readers


def postgres_seconds() -> float:
    """Processor time of the benchmark's PostgreSQL: its processes that live, and those that ended."""
    ticks = 0
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            place = str((entry / "cwd").readlink())
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if "digest-postgres-" in place:
            ticks += sum(int(field) for field in fields[11:15])
    return ticks / os.sysconf("SC_CLK_TCK")


def sink_pid(port: int) -> int:
    """The process that listens at the port, by its command line."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if b"smtp-sink" in line and f"127.0.0.1:{port}".encode() in line:
                return int(entry.name)
    sys.exit("the sink is gone")


def scenarios(costs: Costs) -> list[dict[str, object]]:
    """One, ten and a hundred million readers, over relays as they are usual and as they can be bought."""
    found: list[dict[str, object]] = []
    for readers, machines, accounts in (
        (1_000_000, 1, 1),
        (1_000_000, 1, 20),
        (10_000_000, 1, 20),
        (10_000_000, 4, 20),
        (100_000_000, 4, 60),
        (100_000_000, 16, 60),
    ):
        setting = Setting(readers=readers, machines=machines, relays=accounts * RELAY_PER_SECOND)
        found.append(simulate(costs, setting) | {"relay_accounts": accounts})
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readers", type=int, default=4000, help="of the first real run")
    parser.add_argument("--sign", choices=["none", "rsa", "ed25519", "both"], default="rsa")
    parser.add_argument(
        "--database-ms", type=float, default=0, help="PostgreSQL's own work for a message; 0 measures it"
    )
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        costs, compared = measure(options, Path(folder))
    print(compared)
    rows = scenarios(costs)
    needed = [machines_for(costs, Setting(readers=readers), hours=2) for readers in (10**6, 10**7, 10**8)]
    for row in rows + needed:
        print(row)
    if options.json:
        print(json.dumps(compared | {"scenarios": rows, "within_two_hours": needed}))


if __name__ == "__main__":
    main()
