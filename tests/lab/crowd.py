"""Many peers of one kedged, each a program of tests/bench: BFD's far ends, a full table's source and destination.

The speaker has SPEAKER on wan0, the other host SOURCE, DESTINATION and, without configuring them one by one, all of
FIELD. neighbors() is kedged's side of it.
"""
import ipaddress
import json

from .kedge import binary
from .wait import until

SPEAKER, SOURCE, DESTINATION, FIELD = "10.9.0.254", "10.9.0.1", "10.9.0.2", "10.9.16.0/20"
AS, SOURCE_AS, DESTINATION_AS = 65000, 65001, 65002  # as in tests/bench/bgp.c
FIRST = ipaddress.ip_network(FIELD)[1]


def topology(**service):
    """service: what runs at the speaker."""
    return {"hosts": {"speaker": service, "load": {}},
            "links": {"wire": {"speaker": {"dev": "wan0", "addresses": [f"{SPEAKER}/16"]},
                               "load": {"dev": "wan0", "addresses": [f"{SOURCE}/16", f"{DESTINATION}/16"]}}}}


def config(install, sessions=0, fast=0):
    """kedge.yaml: the table's two peers, and BFD with `sessions` more, the first `fast` at 10 ms x 3."""
    tables = [("source", SOURCE, SOURCE_AS), ("destination", DESTINATION, DESTINATION_AS)]
    neighbors = [{"name": name, "asn": asn, "address": address, "local-address": SPEAKER, "hold": "0s",
                  "passive": True, "import": "all", "export": "all"} for name, address, asn in tables]
    neighbors += [{"name": f"b{n}", "asn": 65003, "address": str(FIRST + n), "local-address": SPEAKER, "passive": True,
                   "bfd": {"interval": "10ms" if n < fast else "300ms"}} for n in range(sessions)]
    return {"router": {"id": SPEAKER, "asn": AS, "install": install},
            "gateway": {"listen": [SPEAKER], "dataplane": "none"},
            "policies": {"all": [{"permit": {}}]}, "neighbors": neighbors}


def _table(routes, group, seed):
    return [binary("tests", "bench_bgp"), SPEAKER, SOURCE, DESTINATION, str(routes), str(group), str(seed)]


def table(host, routes, group=100, seed=1, timeout=120):
    """A full table in and out (tests/bench/bgp.c), to its end; what it measured."""
    return json.loads(host.run(*_table(routes, group, seed), timeout=timeout).stdout)


class Table:
    """A full table in and out, whose sessions stay until stop(); `measured` once the last route is back."""

    def __init__(self, host, routes, group=100, seed=1):
        self._program = host.spawn("table", [*_table(routes, group, seed), "stay"], pipe=True)
        line = self._program.line(120)
        if not line:
            raise AssertionError(f"the table did not get through: {self._program.log()}")
        self.measured = json.loads(line)

    def stop(self):
        self._program.stop()


def installed(host):
    """Prefixes in the host's main IPv4 routing table."""
    table = host.run("sh", "-c", "sed -n '/^Main:/,/Prefixes/s/.*Prefixes: *//p' /proc/net/fib_triestat").stdout
    return int(table or 0)


def wait_installed(host, routes, timeout=120):
    until(lambda: installed(host) >= routes, timeout, lambda: f"{installed(host)} of {routes} routes in the kernel", 0.5)


class Field:
    """The far ends (tests/bench/bfd.c), from the moment all sessions are Up to stop()."""

    def __init__(self, host, sessions, fast):
        host.ip("route", "replace", "local", FIELD, "dev", "wan0")
        self._program = host.spawn("field", [binary("tests", "bench_bfd"), SPEAKER, str(FIRST), str(sessions),
                                             str(fast)], pipe=True)
        line = self._program.line(60)
        if line != b"up\n":
            raise AssertionError(f"not all BFD sessions came up: {line!r} {self._program.log()}")

    def stop(self):
        """What they saw."""
        self._program.process.terminate()
        return json.loads(self._program.line())
