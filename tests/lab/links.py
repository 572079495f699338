"""Links, addresses, routes and sysctls of the hosts."""
import itertools

from .errors import LabError
from .process import run

_indexes = itertools.count(100)


def set_sysctl(host, settings):
    """A kernel without one of the settings is told, not ignored: the topology asked for it."""
    host.run("sysctl", "-q", "-w", *(f"{key}={value}" for key, value in settings.items()))


def add_loopback(host, addresses):
    host.ip_all([["link", "set", "lo", "up"], *_addresses(addresses, "lo")])


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
    """Both ends are made in their namespaces, with an index of their own: the kernel takes a carrier's news of a device
    with its peer's index for not urgent and lets IPv6 wait for it, up to a second.
    """
    (first, one), (second, other) = ends
    index, peer = str(next(_indexes)), str(next(_indexes))
    run(["ip", "link", "add", one["dev"], "index", index, "netns", first.namespace.name, "type", "veth",
         "peer", "name", other["dev"], "index", peer, "netns", second.namespace.name])
    for host, end in ends:
        host.ip_all([*_addresses(end.get("addresses") or [], end["dev"]),
                     ["link", "set", "dev", end["dev"], "mtu", str(end.get("mtu", 1500)), "up"]])


def add_routes(host, routes):
    if routes:
        host.ip_all(["route", "add", *route.split()] for route in routes)


def silence(host):
    """No time-exceeded leaves this host: in a traceroute it is a star, as Azure's gateways are."""
    host.run("iptables", "-A", "OUTPUT", "-p", "icmp", "--icmp-type", "time-exceeded", "-j", "DROP")


def _addresses(addresses, device):
    """The commands that add them; IPv6 is there at once."""
    return [["address", "add", address, "dev", device, *(["nodad"] if ":" in address else [])] for address in addresses]
