"""kedge probe between two hosts with two ways: outages, the direction that lost, the way taken."""
import json
import re
import signal

import pytest
from lab import kedge
from lab.slow import SlowWire
from lab.wait import until

# host a - m1 - b, and a - m2 - b
TWO_WAYS = {
    "hosts": {
        "a": {"loopback": ["10.1.0.1/32", "2001:db8:1::1/128"]},
        "b": {"loopback": ["10.2.0.1/32", "2001:db8:2::1/128"]},
        "m1": {"forward": True},
        "m2": {"forward": True},
    },
    "links": {
        "a1": {"a": {"dev": "one", "addresses": ["192.0.2.1/30", "2001:db8:a1::1/64"]},
               "m1": {"dev": "left0", "addresses": ["192.0.2.2/30", "2001:db8:a1::2/64"]}},
        "b1": {"b": {"dev": "one", "addresses": ["192.0.2.5/30", "2001:db8:b1::1/64"]},
               "m1": {"dev": "right0", "addresses": ["192.0.2.6/30", "2001:db8:b1::2/64"]}},
        "a2": {"a": {"dev": "two", "addresses": ["192.0.2.9/30"]}, "m2": {"dev": "left0", "addresses": ["192.0.2.10/30"]}},
        "b2": {"b": {"dev": "two", "addresses": ["192.0.2.13/30"]}, "m2": {"dev": "right0", "addresses": ["192.0.2.14/30"]}},
    },
}
ROUTES = [("a", "10.2.0.1/32", "192.0.2.2", "10.1.0.1"), ("b", "10.1.0.1/32", "192.0.2.6", "10.2.0.1"),
          ("m1", "10.1.0.1/32", "192.0.2.1", None), ("m1", "10.2.0.1/32", "192.0.2.5", None),
          ("m2", "10.1.0.1/32", "192.0.2.9", None), ("m2", "10.2.0.1/32", "192.0.2.13", None),
          ("a", "2001:db8:2::1/128", "2001:db8:a1::2", "2001:db8:1::1"),
          ("b", "2001:db8:1::1/128", "2001:db8:b1::2", "2001:db8:2::1"),
          ("m1", "2001:db8:1::1/128", "2001:db8:a1::1", None), ("m1", "2001:db8:2::1/128", "2001:db8:b1::1", None)]


class Probe:
    """`kedge probe --json` on a host; what it says, line by line."""

    def __init__(self, host, *options):
        self.host = host
        self.program = host.spawn("probe", [kedge.kedge(), "--json", "probe", *options], pipe=True)

    def going(self):
        """Its way is told and packets are answered: what is lost from now on is an outage, as it has a good one before."""
        self.next("path")
        heard = received(self.host)
        until(lambda: received(self.host) >= heard + 30, 10, "answers beside those that tell the way", 0.01)

    def next(self, event):
        while True:
            line = self.program.line()
            assert line, f"kedge probe ended without {event}: {self.program.log()}"
            said = json.loads(line)
            if said["event"] == event:
                return said

    def end(self):
        self.program.signal(signal.SIGINT)
        summary = self.next("summary")
        return summary, self.program.process.wait()


def received(host):
    """Datagrams and ICMP messages that came in until now."""
    with open(f"/proc/{host.namespace.holder.pid}/net/snmp", encoding="ascii") as table:
        rows = [line.split() for line in table if line.startswith(("Icmp:", "Udp:"))]
    return sum(int(dict(zip(*pair))[name]) for pair, name in ((rows[:2], "InMsgs"), (rows[2:], "InDatagrams")))


@pytest.fixture
def ways(build):
    lab = build(TWO_WAYS)
    for host, prefix, via, src in ROUTES:
        lab[host].ip("route", "add", prefix, "via", via, *(["src", src] if src else []))
    for to in ("10.2.0.1", "2001:db8:2::1"):  # the neighbors on the way have found each other
        lab["a"].run("ping", "-c", "1", "-W", "10", to)
    return lab


def drop_on(router, source, at_least=20):
    """The router drops what comes from there until so many packets went that way."""
    rule = ["FORWARD", "-s", source, "-j", "DROP"]
    router.run("iptables", "-I", *rule)

    def dropped():
        listed = router.run("iptables", "-L", "FORWARD", "-v", "-n", "-x").stdout
        return int(re.search(r"(\d+)\s+\d+ DROP", listed).group(1)) >= at_least
    until(dropped, 10, f"{at_least} packets dropped", 0.005)
    router.run("iptables", "-D", *rule)


@pytest.mark.parametrize("to,origin,hops", [
    ("10.2.0.1", "10.1.0.1", ["192.0.2.2", "10.2.0.1"]),
    ("2001:db8:2::1", "2001:db8:1::1", ["2001:db8:a1::2", "2001:db8:2::1"])], ids=["IPv4", "IPv6"])
def test_what_is_not_disturbed_loses_nothing_and_its_way_is_named(ways, to, origin, hops):
    probe = Probe(ways["a"], "--to", to, "--from", origin, "--path", "--duration", "1s")
    assert probe.next("path")["hops"] == hops
    summary = probe.next("summary")
    assert summary["lost"] == 0 and summary["answered"] == summary["sent"] > 0 and summary["longest"] is None
    assert probe.program.process.wait() == 0


def test_an_outage_is_told_with_what_it_lost(ways):
    probe = Probe(ways["a"], "--to", "10.2.0.1", "--from", "10.1.0.1", "--path")
    probe.going()
    drop_on(ways["m1"], "10.1.0.1")
    outage = probe.next("outage")
    assert outage["lost"] >= 20 and "lost_out" not in outage   # ICMP does not say which way
    assert outage["outage_ms"] == pytest.approx(outage["first_good_ms"] - outage["last_good_ms"])
    assert outage["outage_ms"] >= 10 * outage["lost"]
    summary, code = probe.end()
    assert summary["outages"] == 1 and summary["lost"] == outage["lost"] and not summary["down"] and code == 0


@pytest.mark.parametrize("source,side,other", [("10.1.0.1", "lost_out", "lost_back"),
                                               ("10.2.0.1", "lost_back", "lost_out")], ids=["out", "back"])
def test_the_reflector_tells_which_direction_lost(ways, source, side, other):
    far = ways["b"].spawn("reflector", [kedge.kedge(), "probe", "--reflect", "--from", "10.2.0.1"], pipe=True)
    assert b"reflecting" in far.line()
    probe = Probe(ways["a"], "--to", "10.2.0.1", "--from", "10.1.0.1", "--udp", "--interval", "1ms", "--path")
    probe.going()
    drop_on(ways["m1"], source, 100)
    outage = probe.next("outage")
    assert outage[side] == outage["lost"] >= 100 and outage[other] == 0
    summary, _ = probe.end()
    assert summary[side] == outage["lost"] and summary[other] == 0


def test_another_way_is_told(ways):
    probe = Probe(ways["a"], "--to", "10.2.0.1", "--from", "10.1.0.1", "--path")
    assert probe.next("path")["hops"] == ["192.0.2.2", "10.2.0.1"]
    ways["a"].ip("route", "replace", "10.2.0.1/32", "via", "192.0.2.10", "src", "10.1.0.1")
    ways["b"].ip("route", "replace", "10.1.0.1/32", "via", "192.0.2.14", "src", "10.2.0.1")
    assert probe.next("path")["hops"] == ["192.0.2.10", "10.2.0.1"]
    summary, _ = probe.end()
    assert summary["path"] == ["192.0.2.10", "10.2.0.1"]


def test_nobody_there_is_failure_and_too_long_an_outage_as_well(ways):
    done = ways["a"].run(kedge.kedge(), "probe", "--to", "10.2.0.9", "--duration", "100ms", "--timeout", "100ms",
                         check=False)
    assert done.returncode == 1 and "answered 0" in done.stdout
    # Who looks for the way has more to wait for than its packets: it ends as well.
    done = ways["a"].run(kedge.kedge(), "probe", "--to", "10.2.0.9", "--duration", "50ms", "--timeout", "50ms", "--path",
                         check=False, timeout=10)
    assert done.returncode == 1 and "answered 0" in done.stdout
    probe = Probe(ways["a"], "--to", "10.2.0.1", "--from", "10.1.0.1", "--path", "--outage-max", "50ms")
    probe.going()
    drop_on(ways["m1"], "10.1.0.1")
    probe.next("outage")
    assert probe.end()[1] == 1


# a - wire - m - b: the wire takes 150 ms each way, and so every hop is 300 ms away
LONG_WAY = {
    "hosts": {"a": {"routes": ["default via 192.0.2.2"]}, "wire": {}, "m": {"forward": True},
              "b": {"routes": ["default via 192.0.2.5"]}},
    "links": {
        "near": {"a": {"dev": "one", "addresses": ["192.0.2.1/30"]}, "wire": {"dev": "left0"}},
        "far": {"wire": {"dev": "right0"}, "m": {"dev": "left0", "addresses": ["192.0.2.2/30"]}},
        "end": {"m": {"dev": "right0", "addresses": ["192.0.2.5/30"]}, "b": {"dev": "one", "addresses": ["192.0.2.6/30"]}},
    },
}


@pytest.fixture
def long_way(build):
    lab = build(LONG_WAY)
    with SlowWire(lab["wire"], "left0", "right0", 0.15):
        lab["a"].run("ping", "-c", "1", "-W", "10", "192.0.2.6")
        yield lab


def test_hops_that_take_longer_than_rounds_follow_one_another_are_seen(long_way):
    probe = Probe(long_way["a"], "--to", "192.0.2.6", "--path")
    assert probe.next("path")["hops"] == ["192.0.2.2", "192.0.2.6"]
    summary, code = probe.end()
    assert code == 0 and summary["rtt_ms"]["min"] >= 300 and summary["path"] == ["192.0.2.2", "192.0.2.6"]
    # Who waits less for an answer than it takes has none, of a hop or of the end.
    done = long_way["a"].run(kedge.kedge(), "--json", "probe", "--to", "192.0.2.6", "--path", "--timeout", "250ms",
                             "--duration", "300ms", check=False)
    assert done.returncode == 1 and '"path"' not in done.stdout, done.stdout
