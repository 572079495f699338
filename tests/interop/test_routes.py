"""Others' routes in kedge's kernel: FRR runs OSPF beside kedged, BIRD is the router inside. Next hops behind it,
networks and redistribution that follow OSPF, and what a storm of foreign routes may not do."""
import signal

import pytest

from lab.topology import Topology
from lab.wait import until

LOOPBACK = "10.99.0.1"  # of the router inside: where its iBGP session ends, and its routes' next hop

GATE = {
    "router": {"id": "192.0.2.5", "asn": 65010, "networks": [{"prefix": "10.40.0.0/24", "when": "in-kernel"},
                                                             {"prefix": "10.44.0.0/24", "when": "in-kernel"}],
               "redistribute": {"protocols": ["ospf"], "policy": "from-inside"}},
    "gateway": {"listen": ["192.0.2.5"], "dataplane": "none"},
    "neighbors": [{"name": "inside", "asn": 65010, "address": LOOPBACK, "local-address": "192.0.2.1",
                   "connect-retry": "1s", "import": "all", "export": "all"},
                  {"name": "outside", "asn": 65030, "address": "192.0.2.6", "connect-retry": "1s", "import": "all",
                   "export": "all"}],
    "policies": {"all": [{"permit": {}}],
                 "from-inside": [{"permit": {"match": {"prefix": ["10.41.0.0/16 le 24"]}, "set": {"metric": 30}}}]},
}

INSIDE = f"""
router id {LOOPBACK};
protocol device {{ scan time 1; }}
protocol direct {{ ipv4; interface "lo"; }}
protocol static lan {{ ipv4; route 10.40.0.0/24 unreachable; route 10.41.1.0/24 unreachable;
                       route 10.42.0.0/24 unreachable; }}
protocol static far {{ ipv4; route 10.50.0.0/24 unreachable; }}
protocol ospf v2 ospf1 {{
  ipv4 {{ export where source = RTS_DEVICE || proto = "lan"; import all; }};
  area 0 {{ interface "eth0" {{ type ptp; hello 1; dead 4; }}; }};
}}
protocol bgp gate {{
  local {LOOPBACK} as 65010; neighbor 192.0.2.1 as 65010; multihop; strict bind yes;
  connect delay time 1; connect retry time 1; error wait time 1, 2;
  ipv4 {{ next hop self; import all; export where proto = "far"; }};
}}
"""

OUTSIDE = """
router id 192.0.2.6;
protocol device {}
protocol bgp gate {
  local 192.0.2.6 as 65030; neighbor 192.0.2.5 as 65010;
  connect delay time 1; connect retry time 1; error wait time 1, 2;
  ipv4 { import all; export none; };
}
"""

OSPFD = """
interface gate0
 ip ospf network point-to-point
 ip ospf hello-interval 1
 ip ospf dead-interval 4
router ospf
 ospf router-id 192.0.2.1
 network 192.0.2.0/30 area 0
"""


@pytest.fixture(scope="module")
def site():
    hosts = {"gate": {"forward": True, "kedge": GATE, "frr": {"ospfd": OSPFD}},
             "inside": {"forward": True, "loopback": [f"{LOOPBACK}/32"], "bird": INSIDE},
             "outside": {"bird": OUTSIDE}}
    links = {"lan": {"gate": {"dev": "gate0", "addresses": ["192.0.2.1/30"]},
                     "inside": {"dev": "eth0", "addresses": ["192.0.2.2/30"]}},
             "wan": {"gate": {"dev": "wan0", "addresses": ["192.0.2.5/30"]},
                     "outside": {"dev": "eth0", "addresses": ["192.0.2.6/30"]}}}
    with Topology({"hosts": hosts, "links": links}) as lab:
        lab["gate"].kedge.wait_established("inside", 60)
        lab["gate"].kedge.wait_established("outside")
        yield lab


def known_outside(lab, prefix):
    return prefix in lab["outside"].bird.show("route")


def test_ospfs_routes_are_networks_and_redistributed_by_policy(site):
    """10.40 is a configured network, 10.41.1 passes the policy, 10.42 and the loopback don't."""
    outside = site["outside"].bird
    assert "BGP.origin: IGP" in outside.wait_route("10.40.0.0/24", timeout=30)
    text = outside.wait_route("10.41.1.0/24")
    assert "BGP.origin: Incomplete" in text and "BGP.med: 30" in text
    assert "10.42.0.0/24" in site["gate"].ip("route")
    assert not known_outside(site, "10.42.0.0/24") and not known_outside(site, LOOPBACK)


def test_what_ospf_loses_is_withdrawn_and_announced_again(site):
    inside, outside = site["inside"].bird, site["outside"].bird
    outside.wait_route("10.41.1.0/24", timeout=30)
    inside.command("disable lan")
    until(lambda: not known_outside(site, "10.40.0.0/24") and not known_outside(site, "10.41.1.0/24"), 20,
          "10.40 and 10.41.1 withdrawn", 0.1)
    inside.command("enable lan")
    outside.wait_route("10.40.0.0/24", timeout=20)
    outside.wait_route("10.41.1.0/24", timeout=20)


def test_a_storm_of_foreign_routes_is_read_again_and_ours_stay(site):
    """More news than the socket holds, while kedged stands still: what they were about is right all the same."""
    gate = site["gate"]
    gate.kedge.wait_route("10.50.0.0/24", timeout=60, installed=True)
    mark = gate.kedge.events.last_seq
    storm = [f"{{}} 172.{16 + i // 16384}.{i // 64 % 256}.{i % 64 * 4}/30 dev wan0" for i in range(30000)]
    gate.kedge.program.signal(signal.SIGSTOP)
    try:
        for verb in ("add", "del"):
            gate.run("ip", "-batch", "-", text_input="\n".join(f"route {r}" for r in storm).format(*[verb] * 30000))
        gate.ip("route", "add", "unreachable", "10.44.0.0/24")
    finally:
        gate.kedge.program.signal(signal.SIGCONT)
    said = gate.kedge.events.wait("kernel.error", 20, mark)
    assert "news of the kernel's routes were lost" in said["detail"]
    site["outside"].bird.wait_route("10.44.0.0/24", timeout=30)
    assert gate.kedge.events.find("route.del", mark) is None
    assert gate.kedge.neighbor("inside")["state"] == "Established"
    gate.ip("route", "del", "unreachable", "10.44.0.0/24")
    until(lambda: not known_outside(site, "10.44.0.0/24"), 10, "10.44 withdrawn", 0.1)


def test_a_next_hop_that_ospf_knows_is_used_until_it_doesnt(site):
    """The path goes with the route to its next hop, the session is still there; and both come back."""
    gate = site["gate"]
    gate.kedge.wait_route("10.50.0.0/24", timeout=30, installed=True)
    assert gate.ip_json("route", "get", "10.50.0.1")[0]["gateway"] == "192.0.2.2"
    mark = gate.kedge.events.last_seq
    site["inside"].bird.command("disable ospf1")
    gate.kedge.events.wait("route.del", 20, mark, prefix="10.50.0.0/24")
    assert gate.kedge.neighbor("inside")["state"] == "Established"
    row = next(r for r in gate.kedge.routes("learned", "inside") if r["prefix"] == "10.50.0.0/24")
    assert row["accepted"] and not row["best"]
    site["inside"].bird.command("enable ospf1")
    gate.kedge.events.wait("route.add", 60, mark, prefix="10.50.0.0/24")


def test_a_link_that_goes_down_takes_the_next_hops_over_it_along(site):
    """The kernel flushes OSPF's route silently (FRR takes its time to say so): kedge must not wait for it."""
    gate = site["gate"]
    gate.kedge.wait_route("10.50.0.0/24", timeout=60, installed=True)
    mark = gate.kedge.events.last_seq
    gate.ip("link", "set", "gate0", "down")
    gate.kedge.events.wait("route.del", 10, mark, prefix="10.50.0.0/24")
    until(lambda: not known_outside(site, "10.40.0.0/24"), 10, "10.40 withdrawn", 0.1)
    gate.ip("link", "set", "gate0", "up")
    gate.kedge.events.wait("route.add", 60, mark, prefix="10.50.0.0/24")
    site["outside"].bird.wait_route("10.40.0.0/24", timeout=30)
