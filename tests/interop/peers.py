"""Descriptions of the topologies in conf/lab, with what a test changes in them."""
from lab.strongswan import merge
from lab.topology import read
from lab.wait import until

INNER_GATE, INNER_PEER = "10.0.1.1", "10.0.2.1"


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


def ping(host, destination, source=None, count=3):
    """Fails when one of the pings is not answered."""
    origin = ["-I", source] if source else []
    done = host.run("ping", "-n", "-i", "0.05", "-W", "1", "-c", str(count), *origin, destination, check=False)
    assert f"{count} received" in done.stdout, done.stdout + done.stderr


def ping_both_ways(lab):
    """Through the tunnel of conf/lab/pair.yaml."""
    ping(lab["gate"], INNER_PEER, INNER_GATE)
    ping(lab["peer"], INNER_GATE, INNER_PEER)


def charon_rekeys(peer, what):
    """The "child" or the "ike" that is in use, by its number: its name would mean those that go, too."""
    def asked():
        established = [sa for sa in peer.sas_list() if sa["state"] == "ESTABLISHED"]
        children = [c for sa in established for c in sa["child-sas"].values() if c["state"] == "INSTALLED"]
        found = children if what == "child" else established
        which = {f"{what}-id": found[-1]["uniqueid"]} if found else {}
        return which and peer.vici.request("rekey", which).get("success") == "yes"
    until(asked, 5, f"{what} to rekey at charon", 0.01)
