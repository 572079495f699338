"""BFD with FRR's bfdd and with BIRD, single-hop of both families, and through a tunnel; its verdict and BGP."""
import pytest

from lab.topology import Topology, read
from lab.wait import until
from peers import strongswan_pair, tunnel_of, with_bgp


def bfd_beside():
    """conf/lab/bgp-beside.yaml with BFD on all four sessions: 50 ms x 3."""
    description = read("bgp-beside")
    hosts = description["hosts"]
    for row in hosts["router"]["kedge"]["neighbors"]:
        row["hold"] = "180s"
        row["bfd"] = {"interval": "50ms", "any-source-port": row["name"].startswith("bird")}
    frr = hosts["frr"]["frr"]
    frr["bfdd"] = ""
    for address in ("192.0.2.1", "2001:db8:1::1"):
        frr["bgpd"] = frr["bgpd"].replace(f" neighbor {address} timers connect 1",
                                          f" neighbor {address} timers connect 1\n neighbor {address} bfd 3 50 50")
    bird = hosts["bird"]["bird"].replace("protocol device {}", "protocol device {}\n"
                                         "protocol bfd { interface \"*\" { interval 50 ms; multiplier 3; }; }")
    hosts["bird"]["bird"] = bird.replace("connect delay time 1;", "bfd on; connect delay time 1;")
    return description


@pytest.fixture(scope="module")
def beside():
    with Topology(bfd_beside()) as lab:
        for name in ("frr", "frr6", "bird", "bird6"):
            lab["router"].kedge.wait_established(name)
        yield lab


def bfd_state(lab, name):
    return (lab["router"].kedge.neighbor(name)["bfd"] or {}).get("state")


@pytest.mark.parametrize("name", ["frr", "frr6", "bird", "bird6"])
def test_the_session_comes_up_at_the_agreed_rate(beside, name):
    until(lambda: bfd_state(beside, name) == "Up", 10, f"BFD with {name} is up")
    row = until(lambda: next((bfd for bfd in [beside["router"].kedge.neighbor(name)["bfd"]]
                              if bfd["detect_ms"] == 150), None), 10, f"{name} agrees on 50 ms x 3")
    assert row["transmit_ms"] == 50 and row["receive_ms"] == 50 and row["failures"] == 0


def test_frr_sees_the_session_up_as_well(beside):
    def peers():
        return {row["peer"]: row["status"] for row in beside["frr"].frr.show("bfd peers", "bfdd")}
    until(lambda: all(peers().get(address) == "up" for address in ("192.0.2.1", "2001:db8:1::1")), 10,
          lambda: f"both up in FRR: {peers()}")


@pytest.mark.parametrize("host,name", [("frr", "frr"), ("bird", "bird")])
def test_a_silent_loss_stops_bgp_long_before_its_hold_time(beside, host, name):
    """All packets of the peer are dropped; hold is 180 s, BFD 150 ms."""
    kedge = beside["router"].kedge
    until(lambda: bfd_state(beside, name) == "Up", 10, f"BFD with {name} is up")
    mark = kedge.events.last_seq
    drop = ("OUTPUT", "-o", "eth0", "-j", "DROP")
    beside[host].run("iptables", "-A", *drop)
    try:
        stop = kedge.events.wait("bgp.stop", 10, mark, neighbor=name)
        down = kedge.events.find("bfd.state", mark, neighbor=name)
        assert stop["reason"] == "bfd-down" and down["seq"] < stop["seq"]
        assert stop["t_us"] - down["t_us"] < 10000  # one step, with the log's lines in between
    finally:
        beside[host].run("iptables", "-D", *drop)
    kedge.wait_established(name)


def test_bfd_taken_down_by_the_peers_administrator_is_no_failure(beside):
    """FRR says AdminDown; BGP goes on (RFC 5882 4.2)."""
    kedge, frr = beside["router"].kedge, beside["frr"].frr
    # after a loss both ends call at once: a collision may cost the session once more before it stands
    until(lambda: kedge.neighbor("frr")["state"] == "Established", 30, "BGP with FRR stands")
    until(lambda: bfd_state(beside, "frr") == "Up", 10, "BFD with FRR is up")
    failures = kedge.neighbor("frr")["bfd"]["failures"]
    mark = kedge.events.last_seq
    frr.configure_bfd("peer 192.0.2.1 interface eth0", "shutdown")
    until(lambda: bfd_state(beside, "frr") == "Down", 10, "BFD with FRR is down")
    row = kedge.neighbor("frr")
    assert row["bfd"]["failures"] == failures and row["state"] == "Established"
    assert kedge.events.find("bgp.stop", mark, neighbor="frr") is None
    frr.configure_bfd("peer 192.0.2.1 interface eth0", "no shutdown")
    until(lambda: bfd_state(beside, "frr") == "Up", 10, "BFD with FRR is up again")


@pytest.mark.parametrize("key,state", [("the same 20 octets!!", "Up"), ("another of 20 octets", "Down")])
def test_keyed_sha1_with_bird(key, state, tmp_path):
    """RFC 5880 6.7.4, meticulous: up with the same key, never with another."""
    path = tmp_path / "bfd.key"
    path.write_text("the same 20 octets!!\n")
    path.chmod(0o600)
    description = bfd_beside()
    for row in description["hosts"]["router"]["kedge"]["neighbors"]:
        if row["name"].startswith("bird"):
            row["bfd"].update({"auth": "meticulous-sha1", "key-id": 3, "key-file": str(path)})
    bird = description["hosts"]["bird"]
    own = f'multiplier 3; authentication meticulous keyed sha1; password "{key}" {{ id 3; }};'
    bird["bird"] = bird["bird"].replace("multiplier 3;", own, 1)
    with Topology(description) as lab:
        kedge = lab["router"].kedge
        kedge.wait_established("bird")
        if state == "Up":
            until(lambda: bfd_state(lab, "bird") == "Up", 10, "BFD with BIRD is up")
        else:
            kedge.events.wait("bfd.refused", 10, neighbor="bird")
            assert bfd_state(lab, "bird") == "Down"


def test_bfd_runs_through_a_tunnel_and_finds_a_dead_peer_before_ike():
    """FRR behind strongSwan, multihop BFD (RFC 5883) through the tunnel at 100 ms x 3; IKE's budget is 20 s."""
    description = with_bgp(strongswan_pair(tunnel={"role": "initiator", "detect": "20s"}))
    tunnel_of(description, "gate")["neighbor"]["bfd"] = {"interval": "100ms"}
    frr = description["hosts"]["peer"]["frr"]
    frr["bfdd"] = ""
    frr["bgpd"] = frr["bgpd"].replace(" neighbor 10.0.1.1 timers connect 1",
                                      " neighbor 10.0.1.1 timers connect 1\n neighbor 10.0.1.1 bfd 3 100 100")
    with Topology(description) as lab:
        kedge = lab["gate"].kedge
        kedge.wait_up("peer")
        kedge.wait_established("peer")
        until(lambda: (kedge.neighbor("peer")["bfd"] or {}).get("state") == "Up", 15, "BFD through the tunnel is up")
        mark = kedge.events.last_seq
        lab["peer"].strongswan.kill()
        stop = kedge.events.wait("bgp.stop", 10, mark, neighbor="peer")
        assert stop["reason"] == "bfd-down"
        assert kedge.events.find("tunnel.detect", mark) is None
