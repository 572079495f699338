"""Links, addresses, routes and sysctls of the hosts."""
import itertools
import os

from .errors import LabError
from .process import run

_serial = itertools.count()


def set_sysctl(host, settings):
    """A kernel without one of the settings is told, not ignored: the topology asked for it."""
    host.run("sysctl", "-q", "-w", *(f"{key}={value}" for key, value in settings.items()))


def add_loopback(host, addresses):
    host.ip("link", "set", "lo", "up")
    for address in addresses:
        host.ip("address", "add", address, "dev", "lo", *_nodad(address))


def add_link(hosts, name, ends):
    """ends: {host: {dev, addresses, mtu}} with exactly two hosts."""
    if len(ends) != 2:
        raise LabError(f"link {name}: two ends needed, {len(ends)} given")
    (left, right) = ends.items()
    peers = []
    for side, (host, end) in zip("ab", (left, right)):
        peers.append((f"kd{os.getpid()}.{next(_serial)}{side}"[-15:], hosts[host], end))
    (first, second) = peers
    run(["ip", "link", "add", first[0], "type", "veth", "peer", "name", second[0]])
    for temporary, host, end in peers:
        run(["ip", "link", "set", temporary, "netns", host.namespace.name, "name", end["dev"]])
        for address in end.get("addresses") or []:
            host.ip("address", "add", address, "dev", end["dev"], *_nodad(address))
        host.ip("link", "set", end["dev"], "mtu", str(end.get("mtu", 1500)), "up")


def add_routes(host, routes):
    for route in routes:
        family = "-6" if ":" in route else "-4"
        host.ip(family, "route", "add", *route.split())


def _nodad(address):
    return ["nodad"] if ":" in address else []
