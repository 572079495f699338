"""Builds a topology from a YAML file and takes it down again, whatever happens in between.

    with Topology.load("expressroute-backup") as lab:
        lab["vm"].run("ip", "route")
        lab.fault("peering-disabled")

The file (conf/lab/*.yaml) has these maps; conf/lab/README.md says which topologies there are. With
`extends: NAME` it is that topology with these laid over it, map by map, a null taking an entry out.

    hosts:
      onprem:
        forward: true                         # IPv4 and IPv6
        sysctl: {net.ipv4.conf.all.rp_filter: 0}
        loopback: [192.168.11.88/32]          # addresses of lo
        routes: [default via 198.51.100.254]  # as `ip route add` takes them
        silent: true                          # sends no ICMP time-exceeded
        reflect: 7007                         # kedge probe --reflect on this UDP port
        kedge: {...}                          # kedge.yaml
        strongswan: {...}  frr: {...}  bird: {...}   # see those modules
    links:                                    # two hosts: a wire; more: a switch, a host of the link's name
      internet: {onprem: {dev: wan0, addresses: [198.51.100.1/24], mtu: 1500}, azure: {...}}
    faults:                                   # commands on hosts, and those that undo them
      circuit-cut: {msee: {break: [ip link set onprem0 down], mend: [ip link set onprem0 up]}}

Namespaces are named kd<pid>-<host>, or kd<pid>-<n>-<host> from the second topology of a process on.
"""
import atexit
import copy
import itertools
import os
import shutil
import signal
import sys
import tempfile

import yaml

from . import bird, frr, kedge, links, reflect, strongswan
from .errors import LabError
from .host import Host

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FILES = os.path.join(ROOT, "conf", "lab")
SERVICES = {"kedge": kedge.Kedge, "strongswan": strongswan.StrongSwan, "frr": frr.Frr, "bird": bird.Bird,
            "reflect": reflect.Reflector}
SYSCTL = {"net.ipv4.conf.all.rp_filter": 0, "net.ipv4.conf.default.rp_filter": 0,
          "net.ipv6.conf.all.accept_dad": 0, "net.ipv6.conf.default.accept_dad": 0,
          "net.ipv4.nexthop_compat_mode": 0}
_serial = itertools.count()
live = []  # the topologies that are up, for who wants their logs


def read(name):
    """The description in conf/lab/<name>.yaml, as a structure a test may change before it is built."""
    with open(os.path.join(FILES, f"{name}.yaml"), encoding="utf-8") as source:
        description = yaml.safe_load(source)
    base = description.pop("extends", None)
    return overlay(read(base), description) if base else description


def overlay(base, changes):
    """base with changes laid over it, map by map; null takes an entry out."""
    out = dict(base)
    for key, value in changes.items():
        if value is None:
            out.pop(key, None)
        else:
            out[key] = overlay(out[key], value) if isinstance(value, dict) and isinstance(out.get(key), dict) else value
    return out


def topologies():
    """The names of those in conf/lab."""
    return sorted(name[:-len(".yaml")] for name in os.listdir(FILES) if name.endswith(".yaml"))


def need_root():
    if os.geteuid() != 0:
        raise LabError("network namespaces need root: run it as root or through sudo")


class Topology:
    """Built by `with`; self[name] is a Host."""

    def __init__(self, description, start=True):
        """start: whether the programs start by themselves (else by start_services)."""
        self.description = copy.deepcopy(description)
        self.hosts = {}
        self.directory = None
        self._start = start
        self._signals = {}

    @classmethod
    def load(cls, name, **options):
        return cls(read(name), **options)

    def __getitem__(self, name):
        return self.hosts[name]

    def __enter__(self):
        need_root()
        self._catch_signals()
        atexit.register(self.down)
        live.append(self)
        try:
            self._build()
            if self._start:
                self.start_services()
        except BaseException as error:
            if isinstance(error, Exception):
                self.report()
            self.down()
            raise
        return self

    def __exit__(self, kind, *_):
        if kind is not None and issubclass(kind, Exception):
            self.report()
        self.down()

    def _catch_signals(self):
        """SIGTERM and SIGHUP unwind like Ctrl-C does, so that `with` can clean up."""
        def leave(number, _frame):
            raise SystemExit(128 + number)

        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) == signal.SIG_DFL:
                self._signals[number] = signal.signal(number, leave)

    def _build(self):
        serial = next(_serial)
        prefix = f"kd{os.getpid()}-{serial}-" if serial else f"kd{os.getpid()}-"
        self.directory = tempfile.mkdtemp(prefix="kedge-lab-")
        os.chmod(self.directory, 0o755)
        wires = self.description.get("links") or {}
        switches = {name: None for name, ends in wires.items() if links.is_segment(ends)}
        for name, host in {**self.description["hosts"], **switches}.items():
            self.hosts[name] = Host(name, prefix + name, os.path.join(self.directory, name))
            self._prepare(self.hosts[name], host or {})
        for name, ends in wires.items():
            links.add_link(self.hosts, name, ends)
        for name, host in self.description["hosts"].items():
            links.add_routes(self.hosts[name], (host or {}).get("routes") or [])

    @staticmethod
    def _prepare(made, host):
        settings = {**SYSCTL, **(host.get("sysctl") or {})}
        if host.get("forward"):
            settings.update({"net.ipv4.ip_forward": 1, "net.ipv6.conf.all.forwarding": 1})
        links.set_sysctl(made, settings)
        links.add_loopback(made, host.get("loopback") or [])
        if host.get("silent"):
            links.silence(made)

    def start_services(self, *only):
        """Starts the programs of all hosts, or of the hosts named, in the order of the file."""
        for name, host in self.description["hosts"].items():
            if only and name not in only:
                continue
            for kind, service in SERVICES.items():
                if kind in (host or {}) and getattr(self.hosts[name], kind) is None:
                    setattr(self.hosts[name], kind, service(self.hosts[name], host[kind]))
                    getattr(self.hosts[name], kind).start()

    def fault(self, name):
        """Breaks what the description's fault of this name says; mend(name) undoes it."""
        self._inflict(name, "break")

    def mend(self, name):
        self._inflict(name, "mend")

    def _inflict(self, name, which):
        faults = self.description.get("faults") or {}
        if name not in faults:
            raise LabError(f"no fault {name}; there are: {', '.join(faults) or 'none'}")
        for host, commands in faults[name].items():
            for command in commands[which]:
                self.hosts[host].run(*kedge.words(command))

    def report(self, out=sys.stderr, lines=60):
        """The end of every program's log, for the reader of a failed run."""
        for host in self.hosts.values():
            for program in host.programs:
                tail = program.log().rstrip().splitlines()[-lines:]
                state = "running" if program.alive() else f"exit {program.process.returncode}"
                print(f"--- {program.name} ({state})", *tail, sep="\n", file=out)

    def down(self):
        """Ends the programs, removes the namespaces and the directory. Signals wait meanwhile."""
        if self.directory is None:
            return
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK,
                                         {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
        try:
            while self.hosts:
                _, host = self.hosts.popitem()
                try:
                    host.down()
                except (LabError, OSError) as error:
                    print(f"lab: {host.name}: {error}", file=sys.stderr)
            shutil.rmtree(self.directory, ignore_errors=True)
            self.directory = None
            live.remove(self)
            atexit.unregister(self.down)
            for number, handler in self._signals.items():
                signal.signal(number, handler)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
