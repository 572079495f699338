"""Descriptions of the topologies in conf/lab, with what a test changes in them."""
from lab.ping import ping
from lab.strongswan import merge
from lab.topology import read
from lab.wait import until

INNER_GATE, INNER_PEER = "10.0.1.1", "10.0.2.1"
INNER6 = ("fd00:1::1", "fd00:2::1")  # of the gate and the peer
OUTER6_GATE, OUTER6_PEER = "2001:db8:1::1", "2001:db8:2::1"
EVERYTHING6 = ["0.0.0.0/0", "::/0"]


def tunnel_of(description, host):
    """The (only) tunnel in a host's kedge.yaml, to be changed in place."""
    return description["hosts"][host]["kedge"]["tunnels"][0]


def strongswan_pair(tunnel=None, connection=None, child=None, secrets=None, charon=None):
    """conf/lab/pair.yaml with changes: kedge's tunnel, strongSwan's connection, its child, secrets, settings."""
    description = read("pair")
    description["hosts"]["gate"]["kedge"]["tunnels"][0].update(tunnel or {})
    strongswan = description["hosts"]["peer"]["strongswan"]
    gate = merge(strongswan["connections"]["gate"], connection or {})
    gate["children"]["gate"] = merge(gate["children"]["gate"], child or {})
    strongswan["connections"]["gate"] = gate
    strongswan["secrets"] = secrets or strongswan["secrets"]
    strongswan["charon"] = charon or {}
    return description


def strongswan_pair6(role, inner6, **tunnel):
    """conf/lab/pair.yaml with IPv6 between the ends (IPv4 stays there, and is listened on)."""
    description = strongswan_pair(
        tunnel={"role": role, "local": OUTER6_GATE, "remote": OUTER6_PEER, "detect": "5s", **tunnel},
        connection={"local_addrs": [OUTER6_PEER], "remote_addrs": [OUTER6_GATE], "local": {"id": OUTER6_PEER},
                    "remote": {"id": OUTER6_GATE}},
        child={"local_ts": EVERYTHING6, "remote_ts": EVERYTHING6} if inner6 else {})
    hosts, links = description["hosts"], description["links"]
    links["left"]["gate"]["addresses"].append(f"{OUTER6_GATE}/64")
    links["left"]["internet"]["addresses"].append("2001:db8:1::2/64")
    links["right"]["peer"]["addresses"].append(f"{OUTER6_PEER}/64")
    links["right"]["internet"]["addresses"].append("2001:db8:2::2/64")
    hosts["gate"]["routes"].append("::/0 via 2001:db8:1::2")
    hosts["peer"]["routes"].append("::/0 via 2001:db8:2::2")
    gate = hosts["gate"]["kedge"]
    gate["gateway"]["listen"] = ["192.0.2.1", OUTER6_GATE]
    if inner6:
        inner_gate, inner_peer = INNER6
        gate["tunnels"][0]["address"] = inner_gate
        gate["tunnels"][0]["neighbor"]["address"] = inner_peer
        hosts["peer"]["loopback"].append(f"{inner_peer}/128")
        hosts["peer"]["strongswan"]["routes"].append(f"{inner_gate}/128 dev ipsec0 src {inner_peer}")
    return description


def kedge_pair(left=None, right=None, both=None):
    """conf/lab/kedge-pair.yaml with changes of the tunnels."""
    description = read("kedge-pair")
    for host, changes in (("left", left), ("right", right)):
        tunnel_of(description, host).update({**(both or {}), **(changes or {})})
    return description


def with_bgp(description):
    """Puts FRR on the strongSwan peer of conf/lab/pair.yaml; it announces 10.2.0.0/24."""
    description["hosts"]["peer"]["frr"] = {"bgpd": """
        route-map all permit 10
        router bgp 65020
         bgp router-id 10.0.2.1
         no bgp default ipv4-unicast
         no bgp network import-check
         coalesce-time 0
         neighbor 10.0.1.1 remote-as 65010
         neighbor 10.0.1.1 update-source 10.0.2.1
         neighbor 10.0.1.1 ebgp-multihop 255
         neighbor 10.0.1.1 timers connect 1
         address-family ipv4 unicast
          network 10.2.0.0/24
          neighbor 10.0.1.1 activate
          neighbor 10.0.1.1 route-map all in
          neighbor 10.0.1.1 route-map all out
    """}
    return description


def ping_both_ways(lab, gate=INNER_GATE, peer=INNER_PEER):
    """Through the tunnel of conf/lab/pair.yaml, between an inner address of each end."""
    ping(lab["gate"], peer, gate)
    ping(lab["peer"], gate, peer)


def charon_rekeys(peer, what, child=None):
    """The "child" or the "ike" that is in use, by its number: its name would mean those that go, too. child: the name
    of one among several children."""
    def asked():
        established = [sa for sa in peer.sas_list() if sa["state"] == "ESTABLISHED"]
        children = [c for sa in established for c in sa["child-sas"].values()
                    if c["state"] == "INSTALLED" and child in (None, c["name"])]
        found = children if what == "child" else established
        which = {f"{what}-id": found[-1]["uniqueid"]} if found else {}
        return which and peer.vici.request("rekey", which).get("success") == "yes"
    until(asked, 5, f"{what} to rekey at charon", 0.01)
