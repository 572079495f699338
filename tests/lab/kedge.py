"""kedged and kedge, the programs under test: start, commands with --json, and the event stream to wait on.

    kedge: {...}      # kedge.yaml as a map (or as text, to test bad ones)

The build directory is $KEDGE_BUILD, else build/ at the top of the checkout.
"""
import json
import os
import select
import shlex
import socket
import time

import yaml

from .errors import LabError, LabTimeout
from .wait import deadline_in, until

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SOCKET = "/run/kedge/kedge.sock"


def binary(*parts):
    """A built program: $KEDGE_BUILD (or build/) and parts."""
    path = os.path.join(ROOT, os.environ.get("KEDGE_BUILD", "build"), *parts)
    if not os.access(path, os.X_OK):
        raise LabError(f"{path} is not built: meson setup build && meson compile -C build")
    return path


def kedged():
    return binary("src", "io", "kedged")


def kedge():
    return binary("src", "cli", "kedge")


def words(command):
    """The words of a line of the topology; one that begins with kedge means the built one."""
    first, *rest = shlex.split(command)
    return [kedge() if first == "kedge" else first, *rest]


class Events:
    """What `kedge events --follow --json` says, in order and without gaps, from the daemon's start on."""

    def __init__(self, host):
        self.host = host
        self.all = []       # every event, by seq
        self._buffer = b""
        self._program = host.spawn("events", [kedge(), "events", "--follow", "--json"], pipe=True)
        done = host.run(kedge(), "events", "--json", check=False)
        for line in done.stdout.splitlines():
            self._add(json.loads(line))

    def _add(self, event):
        """The follower may begin with history, and overlaps the first look at it."""
        if all(event["seq"] != known["seq"] for known in reversed(self.all[-2000:])):
            self.all.append(event)
            self.all.sort(key=lambda known: known["seq"])

    def _read(self, timeout):
        """False when nothing came in time, or no more will."""
        pipe = self._program.process.stdout
        if not select.select([pipe], [], [], max(timeout, 0))[0]:
            return False
        part = os.read(pipe.fileno(), 65536)
        self._buffer += part
        *lines, self._buffer = self._buffer.split(b"\n")
        for line in lines:
            self._add(json.loads(line))
        return bool(part)

    def close(self):
        """No more events: for a daemon that is started again."""
        self._program.kill()

    def drain(self):
        while self._read(0):
            pass
        return self.all

    @property
    def last_seq(self):
        """A mark: wait(..., after=mark) looks only at what comes later."""
        self.drain()
        return self.all[-1]["seq"] if self.all else -1

    def find(self, event, after=-1, **fields):
        """The first event of this name (and fields) after a mark that has happened by now, or None."""
        self.drain()
        for known in self.all:
            if known["seq"] > after and known["event"] == event and \
                    all(known.get(key) == value for key, value in fields.items()):
                return known
        return None

    def wait(self, event, timeout=15, after=-1, **fields):
        """The first such event, waiting for it if need be."""
        deadline = deadline_in(timeout)
        while True:
            found = self.find(event, after, **fields)
            if found:
                return found
            left = deadline - time.monotonic()
            if left <= 0 or not self._read(left):
                seen = [f"{e['event']} {e.get('state', '')}{e.get('reason', '')}" for e in self.all[-12:]]
                raise LabTimeout(f"kedge on {self.host.name}: no {event} {fields} within {timeout:g} s; last: {seen}")


class Kedge:
    def __init__(self, host, spec):
        self.host = host
        self.spec = spec
        self.env = {}  # of the next start, e.g. CREDENTIALS_DIRECTORY
        self.program = self.events = None

    def config_text(self):
        if isinstance(self.spec, str):
            return self.spec
        spec = dict(self.spec)
        if isinstance(spec.get("gateway"), dict):  # several gateways share this machine's /var/lib
            spec["gateway"] = {"state-directory": os.path.join(self.host.directory, "state"), **spec["gateway"]}
        return yaml.safe_dump(spec, sort_keys=False)

    def start(self):
        self.spawn()
        until(self._answers, 10, "kedged's control socket", 0.02)
        self.events = Events(self.host)

    def spawn(self):
        """Starts kedged without waiting for anything; for runs that are meant to fail."""
        os.makedirs(self.host.namespace.path(os.path.dirname(SOCKET)), exist_ok=True)
        path = self.host.write("kedge.yaml", self.config_text(), 0o600)
        self.program = self.host.spawn("kedged", [kedged(), "-c", path], env=self.env)
        return self.program

    def _answers(self):
        if not self.program.alive():
            raise LabError(f"kedged ended with {self.program.process.returncode}: {self.program.log()[-2000:]}")
        with socket.socket(socket.AF_UNIX) as asked:
            return asked.connect_ex(self.host.namespace.path(SOCKET)) == 0

    def agent(self, host, name):
        """Starts `kedge probe --agent` on another host, at this daemon's socket: its /run, as seen from there."""
        program = host.spawn("agent", [kedge(), "--socket", f"/proc/{self.program.pid}/root{SOCKET}", "probe", "--agent", name])
        until(lambda: "waits for drills" in program.log(), 20, f"the agent {name}", 0.02)
        return program

    def cli(self, *arguments, check=True, timeout=30):
        """Runs kedge; the CompletedProcess."""
        return self.host.run(kedge(), *arguments, check=check, timeout=timeout)

    def json(self, *arguments):
        return json.loads(self.cli(*arguments, "--json").stdout)

    def tunnel(self, name):
        """The tunnel's row of `kedge status`."""
        return next(row for row in self.json("status")["tunnels"] if row["name"] == name)

    def neighbor(self, name):
        return next(row for row in self.json("bgp", "neighbors")["neighbors"] if row["name"] == name)

    def routes(self, *arguments):
        return self.json("routes", *arguments)["routes"]

    def wait_up(self, tunnel, timeout=20, after=-1):
        return self.events.wait("tunnel.state", timeout, after, tunnel=tunnel, state="up")

    def wait_established(self, neighbor, timeout=30, after=-1):
        return self.events.wait("bgp.state", timeout, after, neighbor=neighbor, state="Established")

    def wait_route(self, prefix, timeout=15, **fields):
        """The row of `kedge routes` for a prefix, once it has these fields."""
        def found():
            return next((row for row in self.routes() if row["prefix"] == prefix and
                         all(row.get(key) == value for key, value in fields.items())), None)
        return until(found, timeout, lambda: f"route {prefix} {fields}; there are {self.routes()}", 0.1)

    def log(self):
        return self.program.log()

    def stop(self, timeout=10):
        """SIGTERM; the exit status. The last events are read first to last."""
        status = self.program.stop(timeout)
        if self.events:
            self.events.drain()
        return status

    def kill(self):
        self.program.kill()
