"""A drill between two ways to a host, a link and a tunnel, measured from another host: what its result says of packets,
ways and times, and that an expectation knows what it is about."""
import os
import re

import pytest
import yaml

from lab.kedge import kedge
from lab.topology import Topology
from lab.wait import until

VM, SERVER, VM6 = "10.20.0.1", "10.1.0.2", "2001:db8:20::1"


def speaker(router_id, asn, network, link, inner, outer, far_inner, far_outer, far_link, far_asn):
    common = {"connect-retry": "1s", "export": "all"}
    return {"gateway": {"listen": [outer], "dataplane": "tun"},
            "router": {"id": router_id, "asn": asn, "networks": [network]},
            "tunnels": [{"name": "onprem", "local": outer, "remote": far_outer, "auth": {"psk": "of the lab, this one"},
                         "ike": ["aes256gcm16-prfsha256-x25519"], "esp": ["aes256gcm16"], "retry": "1s",
                         "interface": "kedge0", "address": inner,
                         "neighbor": {"asn": far_asn, "address": far_inner, "import": "all", **common}}],
            "neighbors": [{"name": "primary", "address": far_link, "asn": far_asn, "hold": "9s", "import": "first",
                           "bfd": {"interval": "1s", "multiplier": 3}, **common}],
            "policies": {"all": [{"permit": {}}], "first": [{"permit": {"set": {"local-preference": 150}}}]},
            "drills": {"paths": [{"name": "expressroute", "neighbors": ["primary"], "hops": ["10.9.1.0/30"]},
                                 {"name": "vpn", "neighbors": ["onprem"], "hops": ["10.0.0.0/24"]}]}}


# server - router = far - vm, by the link "one" and by a tunnel over the link "two"
TWO_WAYS = {
    "hosts": {
        "server": {"routes": ["default via 10.1.0.1"]},
        "router": {"forward": True, "routes": [f"{VM6}/128 via 2001:db8:91::2"], "kedge": speaker("10.1.0.1", 65020, "10.1.0.0/24", "one", "10.0.0.1", "192.0.2.1",
                                                     "10.0.0.2", "192.0.2.2", "10.9.1.2", 65010)},
        "far": {"forward": True, "kedge": speaker("10.20.0.254", 65010, "10.20.0.0/24", "one", "10.0.0.2", "192.0.2.2",
                                                  "10.0.0.1", "192.0.2.1", "10.9.1.1", 65020)},
        "vm": {"routes": ["default via 10.20.0.254", "default via 2001:db8:20::254"]},
    },
    "links": {
        "lan": {"server": {"dev": "eth0", "addresses": [f"{SERVER}/24"]}, "router": {"dev": "lan", "addresses": ["10.1.0.1/24"]}},
        "one": {"router": {"dev": "one", "addresses": ["10.9.1.1/30", "2001:db8:91::1/64"]},
                "far": {"dev": "one", "addresses": ["10.9.1.2/30", "2001:db8:91::2/64"]}},
        "two": {"router": {"dev": "two", "addresses": ["192.0.2.1/30"]}, "far": {"dev": "two", "addresses": ["192.0.2.2/30"]}},
        "vnet": {"far": {"dev": "vnet", "addresses": ["10.20.0.254/24", "2001:db8:20::254/64"]},
                 "vm": {"dev": "eth0", "addresses": [f"{VM}/24", f"{VM6}/64"]}},
    },
}
PROBE = {"agent": "server", "from": SERVER, "to": VM, "every": "10ms"}


class Drills:
    def __init__(self, lab):
        self.lab = lab
        self.kedge = lab["router"].kedge
        for host in ("router", "far"):
            for name in ("primary", "onprem"):
                lab[host].kedge.wait_established(name)
        for host, prefix in (("router", "10.20.0.0/24"), ("far", "10.1.0.0/24")):
            lab[host].kedge.wait_route(prefix, local_pref=150, installed=True)
            until(lambda host=host: lab[host].kedge.routes("learned", "onprem"), 15, "the tunnel's route", 0.05)
        self.kedge.agent(lab["server"], "server")

    def run(self, steps, check=True, **head):
        text = yaml.safe_dump({"drill": "two-ways", "probe": PROBE, **head, "steps": steps}, sort_keys=False)
        done = self.kedge.cli("drill", "run", self.lab["router"].write("drill.yaml", text), check=check, timeout=60)
        return done, self.kedge.json("drill", "show")


@pytest.fixture(scope="module")
def drills():
    with Topology(TWO_WAYS) as lab:
        yield Drills(lab)


def moments(result, kind, **fields):
    return [mark for mark in result["marks"] if mark["kind"] == kind and
            all(mark[key] == value for key, value in fields.items())]


class Cut:
    """What the router forwards is dropped, by a program beside the drill that a step of it begins and waits for."""

    def __init__(self, router, *what):
        self.router, self.what = router, what
        self.fifos = [os.path.join(router.directory, name) for name in ("begin", "done")]
        for path in self.fifos:
            if os.path.exists(path):
                os.unlink(path)
            os.mkfifo(path)

    def step(self, seconds=None):
        """Back after so long, or (None) with the drill."""
        drop = "iptables -w {} FORWARD " + " ".join(self.what) + " -j DROP"
        begin, done = self.fifos
        mend = f"sleep {seconds}; {drop.format('-D')};" if seconds else ""
        self.router.spawn("cut", ["/bin/sh", "-c", f"read x < {begin}; {drop.format('-I')}; {mend} echo > {done}"])
        return {"exec": {"do": ["/bin/sh", "-c", f"echo > {begin}; read x < {done}"], "undo": ["/bin/true"]}}

    def mend(self):
        self.router.run("iptables", "-w", "-D", "FORWARD", *self.what, "-j", "DROP")


def test_a_shutdown_is_measured_from_the_last_good_packet_to_the_restore(drills):
    result = drills.run([{"shutdown": {"neighbor": "primary"}}, {"expect": {"path": "vpn", "within": "10s"}},
                         {"hold": "300ms"}, {"restore": "all"},
                         {"expect": {"path": "expressroute", "within": "20s"}}, {"hold": "500ms"}])[1]
    assert result["verdict"] == "passed", result
    assert [result["paths"][result[key]]["name"] for key in ("before", "during", "after")] == [
        "expressroute", "vpn", "expressroute"]
    loss = result["loss"]
    assert loss["sent"] == loss["answered"] + loss["lost"] == sum(b["answered"] + b["lost"] for b in result["buckets"])
    assert result["probe_to"] == VM and result["probe_from"] == "server" and loss["answered"] > 20
    stopped, restored = moments(result, "bgp-stop")[0], moments(result, "restore")[0]
    moved = next(mark for mark in moments(result, "fib") if mark["at_us"] >= stopped["at_us"])
    assert moved["what"] == stopped["what"] == "primary"
    assert 0 < stopped["at_us"] <= moved["at_us"] < restored["at_us"] <= result["length_us"]
    first, last = moments(result, "first-good", source="dataplane"), moments(result, "last-good", source="dataplane")
    assert stopped["at_us"] < first[0]["at_us"] < restored["at_us"]
    assert first[0]["at_us"] + 200_000 < last[-1]["at_us"] < result["length_us"]  # it was held for 300 ms
    assert (first[0]["what"], first[0]["precision_us"]) == ("onprem", 0)


def test_a_link_that_falls_silent_is_told_from_the_last_good_packet_over_detection_and_routes_to_the_first(drills):
    link = ["PREROUTING", "-t", "raw", "-i", "one", "-j", "DROP"]
    step = {"exec": {"do": ["/usr/sbin/iptables", "-w", "-A", *link], "undo": ["/bin/sh", "-c", "iptables -w -D "
                     + " ".join(link) + " || true"]}}
    for host in ("router", "far"):
        until(lambda host=host: drills.lab[host].kedge.neighbor("primary")["bfd"]["state"] == "Up", 15, "BFD up", 0.05)
    result = drills.run([step, {"expect": {"path": "vpn", "within": "20s"}}, {"restore": "all"},
                         {"expect": {"path": "expressroute", "within": "20s"}}])[1]
    assert result["verdict"] == "passed", result
    order = [moments(result, kind, source=source)[0] for kind, source in (
        ("last-good", "probe"), ("detection", "daemon"), ("bgp-stop", "daemon"), ("fib", "daemon"), ("first-good", "probe"),
        ("restore", "daemon"))]
    times = [mark["at_us"] for mark in order]
    # The first packet may have left before the kernel's word that the last route has moved.
    assert times[:4] == sorted(times[:4]) and times[1] < times[4] < times[5] > times[3], result["marks"]
    assert [mark["what"] for mark in order[1:4]] == ["primary"] * 3
    assert order[0]["precision_us"] == order[4]["precision_us"] == 10_000  # as far as packets are apart
    assert times[4] - times[0] == result["loss"]["longest_us"] >= 1_000_000
    back = [mark for mark in moments(result, "fib") if mark["at_us"] >= times[5]]
    assert back and back[0]["what"] == "" and len(moments(result, "bgp-stop")) == 1, result["marks"]


@pytest.mark.parametrize("bound,reason", [({"loss_max": 0}, "packets lost; allowed: 0"),
                                          ({"outage_max": "100ms"}, "allowed: 100 ms")], ids=["loss", "outage"])
def test_an_outage_that_is_just_over_is_known_to_the_next_expectation(drills, bound, reason):
    done, result = drills.run([Cut(drills.lab["router"]).step(0.3), {"expect": {"path": "expressroute", **bound, "within": "10s"}}], check=False)
    assert done.returncode == 1 and result["verdict"] == "failed" and reason in result["reason"], result["reason"]
    assert result["loss"]["lost"] > 0 and result["loss"]["longest_us"] >= 300_000


def test_an_outage_within_its_bounds_passes_and_one_before_the_drill_is_none_of_its(drills):
    result = drills.run([Cut(drills.lab["router"]).step(0.1), {"expect": {"path": "expressroute", "outage_max": "20s", "within": "20s"}},
                         {"shutdown": {"neighbor": "onprem"}}, {"expect": {"path": "expressroute", "loss_max": 0}}])[1]
    assert result["verdict"] == "passed" and result["loss"]["lost"] > 0, result


def test_silence_fails_a_bound_before_anything_is_restored_by_itself(drills):
    cut = Cut(drills.lab["router"], "-o", "one")
    result = drills.run([cut.step(), {"expect": {"outage_max": "200ms", "within": "300s"}}], check=False)[1]
    cut.mend()
    assert result["verdict"] == "failed" and "an outage of" in result["reason"], result["reason"]
    page = drills.kedge.cli("drill", "report", "--out", "-").stdout
    assert f"<dd>{result['loss']['lost']}<small>of {result['loss']['sent']} sent" in page


def test_without_its_agent_a_drill_disturbs_nothing(drills):
    done, _ = drills.run([{"shutdown": {"neighbor": "primary"}}], check=False, probe={"agent": "vm", "to": VM})
    assert done.returncode == 1 and 'no agent "vm"' in done.stderr and "there are server" in done.stderr
    assert drills.kedge.neighbor("primary")["state"] == "Established"


OWN = {"from": "10.1.0.1", "to": VM, "every": "5ms"}  # kedged itself, which is the router
FAILOVER = [{"shutdown": {"neighbor": "primary"}}, {"expect": {"path": "vpn", "within": "10s"}}, {"hold": "1s"},
            {"restore": "all"}, {"expect": {"path": "expressroute", "within": "20s"}}, {"hold": "1s"}]


def hops(result):
    """The ways that packets were seen to take, in their order, each once."""
    seen = [[path["name"], path["hops"]] for path in result["paths"] if path["source"] == "probe"]
    return [way for n, way in enumerate(seen) if n == 0 or seen[n - 1] != way]


def test_kedged_measures_from_an_address_of_its_own_and_sees_the_hops_without_an_agent(drills):
    drills.lab["far"].run("sysctl", "-q", "-w", "net.ipv4.icmp_ratelimit=0")  # each of its rounds is answered
    result = drills.run(FAILOVER, probe=OWN)[1]
    loss = result["loss"]
    assert result["verdict"] == "passed" and result["probe_from"] == "10.1.0.1", result
    assert loss["sent"] == loss["answered"] + loss["lost"] == sum(b["answered"] + b["lost"] for b in result["buckets"])
    assert loss["answered"] > 20 and 0 < loss["rtt_p50_us"] < 1_000_000
    assert [result["paths"][result[key]]["name"] for key in ("before", "during", "after")] == [
        "expressroute", "vpn", "expressroute"]
    link, tunnel = ["expressroute", ["10.9.1.2", VM]], ["vpn", ["10.0.0.2", VM]]
    assert hops(result) == [link, tunnel, link], result["paths"]
    shown = drills.kedge.cli("drill", "show").stdout
    assert re.search(f"vpn +probe +10.0.0.2 {VM}\n", shown), shown
    assert f"<code>10.0.0.2 {VM}</code>" in drills.kedge.cli("drill", "report", "--out", "-").stdout


def test_kedged_measures_and_sees_the_hops_of_ipv6_as_well(drills):
    drills.lab["router"].run("ping", "-c", "1", "-W", "10", VM6)  # the neighbors on the way have found each other
    result = drills.run([{"hold": "300ms"}], probe={"from": "2001:db8:91::1", "to": VM6})[1]
    assert result["loss"]["lost"] == 0 < result["loss"]["answered"] == result["loss"]["sent"]
    assert hops(result) == [["", ["2001:db8:91::2", VM6]]], result["paths"]


def test_a_hop_that_says_nothing_is_a_hop_to_kedged(drills):
    rule = ["OUTPUT", "-p", "icmp", "--icmp-type", "time-exceeded", "-j", "DROP"]
    drills.lab["far"].run("iptables", "-w", "-I", *rule)
    result = drills.run([{"shutdown": {"neighbor": "onprem"}}, {"expect": {"path": "expressroute"}}, {"hold": "500ms"}],
                        probe=OWN)[1]
    drills.lab["far"].run("iptables", "-w", "-D", *rule)
    assert hops(result) == [["", [None, VM]]], result["paths"]  # and so no way's name: that is our route's
    assert result["paths"][result["during"]]["name"] == "expressroute" and result["verdict"] == "passed"


def test_towards_a_reflector_kedged_tells_which_way_lost(drills):
    far = drills.lab["far"]
    reflector = drills.lab["vm"].spawn("reflector", [kedge(), "probe", "--reflect", "--from", VM], pipe=True)
    assert b"reflecting" in reflector.line()
    result = drills.run([Cut(far, "-s", VM).step(0.2), {"expect": {"path": "expressroute", "within": "20s"}},
                         {"hold": "1s"}], probe={**OWN, "udp": 8624})[1]
    reflector.kill()
    loss = result["loss"]
    assert result["verdict"] == "passed" and result["probe_udp"], result
    assert loss["lost_back"] == loss["lost"] >= 20 and loss["lost_out"] == 0 and loss["counted"]
    assert hops(result)[0] == ["expressroute", ["10.9.1.2", VM]]
    shown = drills.kedge.cli("drill", "show").stdout
    assert f"packets: 0 on the way out, {loss['lost']} on the way back" in shown, shown


@pytest.mark.parametrize("probe,reason", [({"from": SERVER}, f"kedged can't probe from {SERVER}"),
                                          ({"udp": 65536}, "65535")], ids=["address", "port"])
def test_what_kedged_cannot_measure_disturbs_nothing(drills, probe, reason):
    done, _ = drills.run(FAILOVER, check=False, probe={**OWN, **probe})
    assert done.returncode == 1 and reason in done.stdout + done.stderr, done.stdout + done.stderr
    assert drills.kedge.neighbor("primary")["state"] == "Established"
