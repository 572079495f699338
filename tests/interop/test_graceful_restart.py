"""RFC 4724 with FRR, either end restarts: the process is killed, its forwarding goes on; no tunnel."""
import pytest

from lab.topology import Topology, read
from lab.wait import until

STAYS = {"frr": "10.20.0.0/24", "frr6": "2001:db8:20::/48"}
GOES = {"frr": "10.21.0.0/24", "frr6": "2001:db8:21::/48"}  # told until the restart only


# Without coalesce-time 0: FRR 8.4 says End-of-RIB before its networks then.
def description(configured, restart_time):
    lab = read("bgp-beside")
    del lab["hosts"]["bird"], lab["links"]["two"]
    kedge = lab["hosts"]["router"]["kedge"]
    kedge["neighbors"] = [dict(n, **({"graceful-restart": configured} if configured else {}))
                          for n in kedge["neighbors"] if n["name"] in STAYS]
    frr = lab["hosts"]["frr"]["frr"]
    frr["bgpd"] = frr["bgpd"].replace(" coalesce-time 0\n", f""" bgp graceful-restart
 bgp graceful-restart preserve-fw-state
 bgp graceful-restart restart-time {restart_time}
""")
    for name, prefix in STAYS.items():
        frr["bgpd"] = frr["bgpd"].replace(f"network {prefix}\n", f"network {prefix}\n  network {GOES[name]}\n")
    return lab


def learned(lab):
    kedge = lab["router"].kedge
    for name in STAYS:
        kedge.wait_established(name)
        kedge.wait_route(STAYS[name], neighbor=name, installed=True)
        kedge.wait_route(GOES[name], neighbor=name, installed=True)
    return kedge


def told_no_longer(frr):
    for prefix in GOES.values():
        assert f"  network {prefix}\n" in frr.spec["bgpd"]
        frr.spec["bgpd"] = frr.spec["bgpd"].replace(f"  network {prefix}\n", "")


def test_a_route_outlasts_the_restart_of_frrs_bgpd(build):
    """Killed and started again: what it tells again never leaves our FIB, what it does not goes with End-of-RIB."""
    with Topology(description(True, 120)) as lab:
        kedge, frr = learned(lab), lab["frr"].frr
        told_no_longer(frr)
        mark = kedge.events.last_seq
        frr.bgpd.kill()
        for name in STAYS:
            stop = kedge.events.wait("bgp.stop", after=mark, neighbor=name)
            assert stop["detail"] == "connection closed: routes kept for 120 s (RFC 4724)"
        frr.start_bgpd()
        for name in STAYS:
            kedge.wait_established(name, after=mark)
            kedge.events.wait("route.del", after=mark, prefix=GOES[name], timeout=30)
            assert kedge.events.find("route.del", mark, prefix=STAYS[name]) is None
            assert kedge.events.find("route.set", mark, prefix=STAYS[name]) is None
            kedge.wait_route(STAYS[name], neighbor=name, installed=True)
        for prefix, family in (("10.10.0.0/24", "ipv4"), ("2001:db8:10::/48", "ipv6")):
            frr.wait_path(prefix, family=family)


@pytest.mark.parametrize("configured", [True, False])
def test_routes_go_with_a_bgpd_that_stays_away_and_at_once_where_nothing_is_configured(build, configured):
    with Topology(description(configured, 2)) as lab:
        kedge = learned(lab)
        mark = kedge.events.last_seq
        lab["frr"].frr.bgpd.kill()
        for name in STAYS:
            stop = kedge.events.wait("bgp.stop", after=mark, neighbor=name)
            assert ("kept for 2 s" in stop["detail"]) == configured
            kedge.events.wait("route.del", after=mark, prefix=STAYS[name])
        until(lambda: not kedge.routes("learned"), 5, "nothing is learned any more", 0.1)


def test_a_notification_ends_what_a_restart_would_have_kept(build):
    with Topology(description(True, 120)) as lab:
        kedge, frr = learned(lab), lab["frr"].frr
        mark = kedge.events.last_seq
        frr.configure("router bgp 65020", "neighbor 192.0.2.1 shutdown")
        stop = kedge.events.wait("bgp.stop", after=mark, neighbor="frr")
        assert stop["detail"].startswith("received Cease")
        kedge.events.wait("route.del", after=mark, prefix=STAYS["frr"])
        assert kedge.events.find("route.del", mark, prefix=STAYS["frr6"]) is None


OURS = (("10.10.0.0/24", "192.0.2.1", "ipv4"), ("2001:db8:10::/48", "2001:db8:1::1", "ipv6"))


def watch(frr):
    """What zebra does in the kernel from now on, as `ip monitor` writes it."""
    monitor = frr.host.spawn("monitor", ["ip", "-o", "monitor", "route"])

    def listens():
        for verb in ("add", "delete"):
            frr.host.ip("route", verb, "blackhole", "198.51.100.255")
        return "198.51.100.255" in monitor.log()
    until(listens, 10, "the monitor listens", 0.02)
    return monitor


def stale(frr, prefix, family):
    return [bool(path.get("stale")) for path in frr.paths(prefix, family=family)]


def test_frr_keeps_our_routes_while_a_killed_kedged_starts_again(build):
    """preserve: FRR takes R and F, keeps what it had, and its kernel is never told otherwise."""
    with Topology(description("preserve", 120)) as lab:
        kedge, frr = learned(lab), lab["frr"].frr
        for prefix, _, family in OURS:
            frr.wait_path(prefix, family=family)
        monitor = watch(frr)
        kedge.kill()
        for prefix, _, family in OURS:
            until(lambda p=prefix, f=family: stale(frr, p, f) == [True], 10, f"FRR keeps {prefix}", 0.05)
        kedge.start()
        for name in STAYS:
            kedge.wait_established(name)
        for prefix, address, family in OURS:
            until(lambda p=prefix, f=family: stale(frr, p, f) == [False], 30, f"{prefix} is told again", 0.05)
            flags = frr.neighbor(address)["gracefulRestartInfo"]
            assert flags["rBit"] and flags["remoteGrMode"] == "Restart"
        for prefix in STAYS.values():
            kedge.wait_route(prefix, installed=True)
        gone = [line for line in monitor.log().splitlines() if line.startswith("Deleted") and "198.51.100" not in line]
        assert not gone, gone


def test_frr_lets_our_routes_go_with_a_kedged_that_only_helps(build):
    with Topology(description(True, 120)) as lab:
        kedge, frr = learned(lab), lab["frr"].frr
        for prefix, _, family in OURS:
            frr.wait_path(prefix, family=family)
        kedge.kill()
        for prefix, _, family in OURS:
            until(lambda p=prefix, f=family: not frr.paths(p, family=f), 10, f"FRR lets {prefix} go", 0.05)
