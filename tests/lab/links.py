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


def is_segment(ends):
    """Whether a link needs a switch: more than two hosts."""
    return len(ends) > 2


def add_link(hosts, name, ends):
    """ends: {host: {dev, addresses, mtu}}. Two hosts have a wire; more have a switch, which is hosts[name]."""
    if len(ends) < 2:
        raise LabError(f"link {name}: two ends or more needed, {len(ends)} given")
    if not is_segment(ends):
        _add_wire([(hosts[host], end) for host, end in ends.items()])
        return
    switch = hosts[name]
    switch.ip("link", "add", "bridge0", "type", "bridge")
    switch.ip("link", "set", "bridge0", "up")
    for host, end in ends.items():
        port = {"dev": host[:15], "mtu": end.get("mtu", 1500)}
        _add_wire([(hosts[host], end), (switch, port)])
        switch.ip("link", "set", "dev", port["dev"], "master", "bridge0")


def _add_wire(ends):
    names = [f"kd{os.getpid()}.{next(_serial)}"[-15:] for _ in ends]
    run(["ip", "link", "add", names[0], "type", "veth", "peer", "name", names[1]])
    for temporary, (host, end) in zip(names, ends):
        run(["ip", "link", "set", temporary, "netns", host.namespace.name, "name", end["dev"]])
        for address in end.get("addresses") or []:
            host.ip("address", "add", address, "dev", end["dev"], *_nodad(address))
        host.ip("link", "set", "dev", end["dev"], "mtu", str(end.get("mtu", 1500)), "up")


def add_routes(host, routes):
    for route in routes:
        family = "-6" if ":" in route else "-4"
        host.ip(family, "route", "add", *route.split())


def silence(host):
    """No time-exceeded leaves this host: in a traceroute it is a star, as Azure's gateways are."""
    host.run("iptables", "-A", "OUTPUT", "-p", "icmp", "--icmp-type", "time-exceeded", "-j", "DROP")


def _nodad(address):
    return ["nodad"] if ":" in address else []
