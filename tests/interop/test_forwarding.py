"""What the kernel forwards while a link goes down or kedged dies, judged by a ping that goes on all the time: two
neighbors announce the same prefix, the first is preferred."""
import re

import pytest

from lab.ping import Pinging
from lab.topology import Topology
from lab.wait import until
from peers import kedge_pair

TARGET, OURS = "10.60.0.1", "10.10.0.1"


def neighbor(name, address):
    return {"name": name, "asn": 65020, "address": address, "connect-retry": "1s", "export": "all",
            "import": "all" if name == "two" else "preferred"}


def bird(address, gate):
    return f"""
router id {address};
protocol device {{}}
protocol static lan {{ ipv4; route 10.60.0.0/24 unreachable; }}
protocol static leaving {{ ipv4; route 10.61.0.0/24 unreachable; }}
protocol bgp gate {{
  local {address} as 65020; neighbor {gate} as 65010;
  connect delay time 1; connect retry time 1; error wait time 1, 2;
  ipv4 {{ import all; export where source = RTS_STATIC; }};
}}
"""


@pytest.fixture
def site():
    kedge = {"router": {"id": "192.0.2.1", "asn": 65010, "networks": ["10.10.0.0/24"]},
             "gateway": {"listen": ["192.0.2.1"], "dataplane": "none"},
             "neighbors": [neighbor("one", "192.0.2.2"), neighbor("two", "192.0.2.6")],
             "policies": {"all": [{"permit": {}}], "preferred": [{"permit": {"set": {"local-preference": 200}}}]}}
    hosts = {"gate": {"loopback": [f"{OURS}/32"], "kedge": kedge}}
    links = {}
    for name, address, gate in (("one", "192.0.2.2", "192.0.2.1"), ("two", "192.0.2.6", "192.0.2.5")):
        hosts[name] = {"loopback": [f"{TARGET}/32"], "bird": bird(address, gate), "routes": [f"10.10.0.0/24 via {gate}"]}
        links[name] = {"gate": {"dev": f"{name}0", "addresses": [f"{gate}/30"]},
                       name: {"dev": "eth0", "addresses": [f"{address}/30"]}}
    with Topology({"hosts": hosts, "links": links}) as lab:
        for name in ("one", "two"):
            lab["gate"].kedge.wait_established(name)
        until(lambda: way(lab) == "one0" and "metric 21" in lab["gate"].ip("route", "show", "10.60.0.0/24"), 15,
              "10.60.0.0/24 over one0, and its backup")
        yield lab


def way(lab):
    found = lab["gate"].run("ip", "-j", "route", "get", TARGET, "from", OURS, check=False).stdout
    return (re.findall(r'"dev":"(\w+)"', found) or [None])[0]


def pinging(lab):
    """A hundred a second, once the first are answered."""
    ping = Pinging(lab["gate"], TARGET, OURS, 0.01)
    ping.answered(20)
    return ping


@pytest.mark.parametrize("where", ["here", "there"])
def test_a_link_that_goes_down_moves_the_traffic_without_a_gap(site, where):
    """Administratively here, or by its carrier. What is on the link at that moment may be lost, nothing else: the
    kernel's own flush leaves the route through the backup."""
    ping = pinging(site)
    mark = site["gate"].kedge.events.last_seq
    if where == "here":
        site["gate"].ip("link", "set", "one0", "down")
    else:
        site["one"].ip("link", "set", "eth0", "down")
    ping.answered(50)
    assert way(site) == "two0"
    site["gate"].kedge.events.wait("route.add", 15, mark, prefix="10.60.0.0/24", neighbor="two")
    ping.answered(20)
    lost = ping.lost()
    assert len(lost) <= 2, f"{lost} are lost"


def test_a_killed_kedged_takes_its_routes_over_and_no_packet_is_lost(site):
    """kill -9 and a new start: the route is never deleted, what was withdrawn meanwhile goes, and so do the old
    next-hop objects."""
    gate = site["gate"]
    gate.kedge.wait_route("10.61.0.0/24", installed=True)
    monitor = gate.spawn("monitor", ["ip", "-o", "monitor", "route"])
    old = {n["id"] for n in gate.ip_json("nexthop")}
    ping = pinging(site)
    gate.kedge.kill()
    for name in ("one", "two"):
        site[name].bird.command("disable leaving")
    ping.answered(30)
    assert "10.61.0.0/24" in gate.ip("route")
    gate.kedge.events.close()
    gate.kedge.start()
    until(lambda: "10.61.0.0/24" not in gate.ip("route"), 40, "the stale route gone", 0.1)
    until(lambda: not old & {n["id"] for n in gate.ip_json("nexthop")}, 10, "the old next-hop objects gone", 0.1)
    ping.answered(20)
    assert way(site) == "one0"
    assert ping.lost() == []
    assert "Deleted 10.61.0.0/24" in monitor.log() and "Deleted 10.60.0.0/24" not in monitor.log()


def test_tcp_over_a_tunnel_fits_it_at_both_ends(build):
    """Of the connection BGP runs on: what each end says it takes, whichever of them called."""
    lab = build(kedge_pair())
    for name, peer in (("left", "right"), ("right", "left")):
        lab[name].kedge.wait_established(peer)
    for name in ("left", "right"):
        mtu = lab[name].ip_json("link", "show", "kedge0")[0]["mtu"]
        text = lab[name].run("ss", "-tinH", "( sport = 179 or dport = 179 )").stdout
        told = [int(n) for n in re.findall(r"advmss:(\d+)", text)]
        assert told and all(n <= mtu - 40 < 1460 for n in told), (mtu, text)
