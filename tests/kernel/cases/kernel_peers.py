"""Descriptions with strongSwan on the kernel's ESP (kernel-netlink, XFRM interfaces), and what they are judged by."""
import copy
from contextlib import contextmanager

from lab import xfrm
from lab.probe import PathProbe
from lab.sniff import IPPROTO_ESP, IPPROTO_UDP
from lab.wait import until
from peers import strongswan_pair

DATAPLANES = ["tun", "xfrm"]    # kedge's; every case holds for each of them
IF_ID = 42
IKE = "aes128gcm16-prfsha256-x25519"    # cheap: the cases are about ESP
ESP, IKE_500, NATT = ("esp",), ("udp", 500, 500), ("udp", 4500, 4500)


def kernel_pair(dataplane, esp, tunnel=None, connection=None, child=None):
    """conf/lab/pair.yaml with strongSwan's ESP in the kernel; no timer of charon's runs unless a test sets it. As
    initiator a charon with MOBIKE goes to port 4500 in IKE_AUTH, NAT or not (RFC 4555 3.3): it is off here."""
    description = strongswan_pair(
        tunnel={"ike": [IKE], "esp": [esp], "detect": "20s", **(tunnel or {})},
        connection={"rekey_time": "0s", "mobike": False, **(connection or {})}, child={"rekey_time": "0s", **(child or {})})
    on_the_kernel(description, dataplane, IKE, esp)
    return description


def on_the_kernel(description, dataplane, ike, esp):
    """Puts strongSwan's ESP into the kernel, with these proposals, and kedge's where dataplane says."""
    description["hosts"]["gate"]["kedge"]["gateway"]["dataplane"] = dataplane
    strongswan = description["hosts"]["peer"]["strongswan"]
    strongswan["kernel"] = {"ipsec0": IF_ID}
    strongswan["connections"]["gate"]["proposals"] = [ike]
    strongswan["connections"]["gate"]["children"]["gate"].update(
        {"esp_proposals": [esp], "if_id_in": str(IF_ID), "if_id_out": str(IF_ID)})


def add_tunnel(description, number, esp=None):
    """One more tunnel of the pair, number from 2 on, to an outer and an inner address of the peer's of its own."""
    outer, gate, peer = f"198.51.100.{64 + number}", f"10.0.1.{number}", f"10.0.2.{number}"
    here, there = description["hosts"]["gate"]["kedge"], description["hosts"]["peer"]
    tunnel = copy.deepcopy(here["tunnels"][0])
    tunnel.update(name=f"peer{number}", remote=outer, interface=f"kedge{number - 1}", address=gate)
    tunnel["neighbor"]["address"] = peer
    swan = there["strongswan"]
    connection = copy.deepcopy(swan["connections"]["gate"])
    connection.update(local_addrs=[outer], local={"auth": "psk", "id": outer})
    if_id = str(IF_ID + number)
    child = {**connection["children"]["gate"], "if_id_in": if_id, "if_id_out": if_id}
    if esp:
        tunnel["esp"] = child["esp_proposals"] = [esp]
    connection["children"] = {f"gate{number}": child}
    here["tunnels"].append(tunnel)
    swan["connections"][f"gate{number}"] = connection
    swan["kernel"][f"ipsec{number}"] = IF_ID + number
    swan["routes"].append(f"{gate}/32 dev ipsec{number} src {peer}")
    there["loopback"] += [f"{peer}/32", f"{outer}/32"]
    description["hosts"]["internet"].setdefault("routes", []).append(f"{outer}/32 via 198.51.100.1")
    return outer, gate, peer


@contextmanager
def masquerade(lab, device, ports):
    """A NAT in between, with this device on its other side; it has these ports. Its flows go with the device's link."""
    nat = lab["internet"]
    rule = ("POSTROUTING", "-o", device, "-p", "udp", "-j", "MASQUERADE", "--to-ports", ports)
    for todo in ("-I", "-D"):
        nat.run("iptables", "-t", "nat", todo, *rule)
        nat.ip("link", "set", device, "down")
        nat.ip("link", "set", device, "up")
        if todo == "-I":
            yield


def on_the_wire(packets, peer=None):
    """ESP and the UDP ports of what passed the gate's outer device, to and from one address of the peer, or all."""
    return {ESP if p.protocol == IPPROTO_ESP else ("udp", *sorted(p.ports)) for p in packets
            if p.interface == "wan0" and p.protocol in (IPPROTO_ESP, IPPROTO_UDP) and
            (peer is None or peer in (p.source, p.destination))}


def refused(lab):
    """What came in at the peer and its kernel dropped, since the tunnels are up: {counter of xfrm_stat: how many}."""
    now = xfrm.counters(lab["peer"])
    return {name: count - lab.dropped.get(name, 0) for name, count in now.items()
            if name.startswith("XfrmIn") and count != lab.dropped.get(name, 0)}


@contextmanager
def no_loss(lab, interval=0.02):
    """Echo requests from the gate through the tunnel as long as the block takes; every one is answered."""
    with PathProbe(lab["gate"], "10.0.2.1", lab["gate"], {"kedge0": "vpn"}, interval) as probe:
        until(lambda: sum(s.answered is not None for s in probe.samples) > 20, 5, "answered echo requests", 0.02)
        since = len(probe.samples)
        yield probe
        sent = probe.samples[since:]
        until(lambda: all(s.answered for s in sent), 5,
              lambda: f"{sum(not s.answered for s in sent)} of {len(sent)} echo requests lost", 0.05)
