"""Descriptions with strongSwan on the kernel's ESP (kernel-netlink, XFRM interfaces), and what they are judged by."""
from contextlib import contextmanager

from lab.probe import PathProbe
from lab.sniff import IPPROTO_ESP, IPPROTO_UDP
from lab.wait import until
from peers import strongswan_pair

DATAPLANES = ["tun"]    # kedge's; every case holds for each of them
IF_ID = 42
IKE = "aes128gcm16-prfsha256-x25519"    # cheap: the cases are about ESP
ESP, IKE_500, NATT = ("esp",), ("udp", 500, 500), ("udp", 4500, 4500)


def kernel_pair(dataplane, esp, tunnel=None, connection=None, child=None):
    """conf/lab/pair.yaml with strongSwan's ESP in the kernel; no timer of charon's runs unless a test sets it."""
    description = strongswan_pair(
        tunnel={"ike": [IKE], "esp": [esp], "detect": "20s", **(tunnel or {})},
        connection={"rekey_time": "0s", **(connection or {})}, child={"rekey_time": "0s", **(child or {})})
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


def bring_up(lab):
    """Starts what isn't started, charon first (kedge's first call is answered), and waits for the tunnel, initiated
    by whoever does that in this description."""
    lab.start_services("peer")
    lab.start_services()
    if lab.description["hosts"]["gate"]["kedge"]["tunnels"][0].get("role") == "responder":
        assert lab["peer"].strongswan.initiate("gate") is None
    lab["gate"].kedge.wait_up("peer")


def on_the_wire(packets, device="wan0"):
    """ESP and the UDP ports of what passed a device."""
    return {ESP if p.protocol == IPPROTO_ESP else ("udp", *sorted(p.ports)) for p in packets
            if p.interface == device and p.protocol in (IPPROTO_ESP, IPPROTO_UDP)}


def refused(host):
    """The counters of /proc/net/xfrm_stat that are not zero: what came in and the kernel dropped, and why."""
    rows = (line.split() for line in host.run("cat", "/proc/net/xfrm_stat").stdout.splitlines())
    return {name: int(count) for name, count in rows if name.startswith("XfrmIn") and count != "0"}


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
