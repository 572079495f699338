"""BGP beside tunnels and over one, with FRR and with BIRD: both families, both directions, iBGP, preference."""
import signal

import pytest

from lab import mrt
from lab.kedge import binary
from lab.topology import Topology, read
from lab.wait import until
from peers import ping_both_ways, strongswan_pair, with_bgp

PEER_ROUTES = [("10.20.0.0/24", "frr", 65020), ("2001:db8:20::/48", "frr6", 65020),
               ("10.30.0.0/24", "bird", 65030), ("2001:db8:30::/48", "bird6", 65030)]


def neighbors_of(description):
    return {row["name"]: row for row in description["hosts"]["router"]["kedge"]["neighbors"]}


@pytest.fixture(scope="module")
def beside():
    with Topology.load("bgp-beside") as lab:
        for name in ("frr", "frr6", "bird", "bird6"):
            lab["router"].kedge.wait_established(name)
        yield lab


@pytest.mark.parametrize("prefix,neighbor,asn", PEER_ROUTES)
def test_kedge_learns_and_installs(beside, prefix, neighbor, asn):
    row = beside["router"].kedge.wait_route(prefix, neighbor=neighbor, installed=True)
    assert row["as_path"] == [asn] and row["best"] and row["origin"] == "igp"
    family = "-6" if ":" in prefix else "-4"
    assert prefix in beside["router"].ip(family, "route")


@pytest.mark.parametrize("prefix,family", [("10.10.0.0/24", "ipv4"), ("2001:db8:10::/48", "ipv6"),
                                           ("10.30.0.0/24", "ipv4"), ("2001:db8:30::/48", "ipv6")])
def test_frr_learns_from_kedge(beside, prefix, family):
    """kedge's own networks, and what it has from BIRD with its own AS in front."""
    path = beside["frr"].frr.wait_path(prefix, family=family)
    assert path["aspath"]["string"] == ("65010" if "10.10." in prefix or ":10::" in prefix else "65010 65030")
    assert path["valid"] and path["nexthops"][0]["accessible"]


@pytest.mark.parametrize("prefix", ["10.10.0.0/24", "2001:db8:10::/48", "10.20.0.0/24", "2001:db8:20::/48"])
def test_bird_learns_from_kedge(beside, prefix):
    text = beside["bird"].bird.wait_route(prefix)
    own = "10.10." in prefix or ":10::" in prefix
    assert ("BGP.as_path: 65010\n" if own else "BGP.as_path: 65010 65020\n") in text


def test_the_routes_forward_packets_of_both_families(beside):
    """FRR and BIRD reach each other through kedge's routes: ping from a learned prefix to another."""
    frr, bird = beside["frr"], beside["bird"]
    kedge = beside["router"].kedge
    for prefix, neighbor, _ in PEER_ROUTES:
        kedge.wait_route(prefix, neighbor=neighbor, installed=True)
    frr.frr.wait_path("10.30.0.0/24")
    frr.frr.wait_path("2001:db8:30::/48", family="ipv6")
    for host, address in ((frr, "10.20.0.1/32"), (frr, "2001:db8:20::1/128"),
                          (bird, "10.30.0.1/32"), (bird, "2001:db8:30::1/128")):
        host.ip("address", "add", address, "dev", "lo")
    bird.ip("route", "add", "10.20.0.0/24", "via", "192.0.2.5", "src", "10.30.0.1")
    bird.ip("-6", "route", "add", "2001:db8:20::/48", "via", "2001:db8:2::1")
    bird.run("ping", "-c", "1", "-W", "2", "-I", "10.30.0.1", "10.20.0.1")
    bird.run("ping", "-c", "1", "-W", "2", "-I", "2001:db8:30::1", "2001:db8:20::1")


def test_neighbors_show_what_was_negotiated(beside):
    kedge = beside["router"].kedge
    kedge.wait_route("10.20.0.0/24", neighbor="frr", installed=True)
    row = kedge.neighbor("frr")
    assert row["router_id"] == "192.0.2.2" and row["asn"] == 65020 and row["tunnel"] is None
    until(lambda: kedge.neighbor("frr")["prefixes_advertised"] >= 2, 10, "own and BIRD's prefix advertised", 0.1)
    assert row["prefixes_accepted"] == 1
    # FRR sends an update group's routes back to the member they came from: refused by our own AS in the path
    learned = [known for known in kedge.routes("learned", "frr")]
    assert [known["prefix"] for known in learned if 65010 not in known["as_path"]] == ["10.20.0.0/24"]
    capabilities = beside["frr"].frr.neighbor("192.0.2.1")["neighborCapabilities"]
    assert capabilities["4byteAs"] == "advertisedAndReceived"
    assert "ipv4Unicast" in capabilities["multiprotocolExtensions"]


def test_a_withdrawn_route_leaves_the_kernel(beside):
    frr = beside["frr"].frr
    frr.configure("router bgp 65020", "address-family ipv4 unicast", "network 10.21.0.0/24")
    beside["router"].kedge.wait_route("10.21.0.0/24", installed=True)
    beside["bird"].bird.wait_route("10.21.0.0/24")
    mark = beside["router"].kedge.events.last_seq
    frr.configure("router bgp 65020", "address-family ipv4 unicast", "no network 10.21.0.0/24")
    beside["router"].kedge.events.wait("route.del", 15, mark, prefix="10.21.0.0/24")
    assert "10.21.0.0/24" not in beside["router"].ip("route")
    until(lambda: "10.21.0.0/24" not in beside["bird"].bird.show("route"), 10, "BIRD forgets 10.21.0.0/24", 0.1)


def test_the_mrt_dump_holds_what_the_views_show(beside, tmp_path):
    """Read by a parser of the tests' own, and row for row by bgpdump."""
    kedge, host = beside["router"].kedge, beside["router"]
    for prefix, neighbor, _ in PEER_ROUTES:
        kedge.wait_route(prefix, neighbor=neighbor, installed=True)
    out = tmp_path / "table.mrt"
    kedge.cli("bgp", "mrt", "table", "--out", str(out))
    address = {row["name"]: row["address"] for row in kedge.json("bgp", "neighbors")["neighbors"]}
    learned = {(r["prefix"], address[r["neighbor"]], tuple(r["as_path"]), r["next_hop"])
               for r in kedge.routes("learned") if r["accepted"]}
    ours = {r["prefix"] for r in kedge.routes() if r["local"]}
    rows = mrt.table(out.read_bytes())
    assert {(p, peer, tuple(path), hop) for p, peer, path, hop in rows if peer != "0.0.0.0"} == learned
    assert {p for p, peer, _, _ in rows if peer == "0.0.0.0"} == ours and len(rows) == len(learned) + len(ours)
    lines = [line.split("|") for line in host.run("bgpdump", "-m", "-v", str(out)).stdout.splitlines()]
    dumped = {(f[5], f[3], tuple(int(asn) for asn in f[6].split()), f[8]) for f in lines if f[3] != "0.0.0.0"}
    assert dumped == learned and {f[0] for f in lines} == {"TABLE_DUMP2"} and len(lines) == len(rows)
    piped = host.run("sh", "-c", f"{binary('src', 'cli', 'kedge')} bgp mrt table --out - | bgpdump -m -v -").stdout
    assert len(piped.splitlines()) == len(rows)
    done = kedge.cli("bgp", "mrt", "table", "--out", "/dev/full", check=False)
    assert done.returncode == 1 and "/dev/full" in done.stderr
    done = kedge.cli("bgp", "mrt", "table", "--out", "/nonexistent/table.mrt", check=False)
    assert done.returncode == 1 and "/nonexistent/table.mrt" in done.stderr
    assert kedge.cli("bgp", "mrt", "table", check=False).returncode == 2


def test_the_mrt_of_messages_has_what_frr_says_and_what_bird_is_told(beside, tmp_path):
    """Begun in the middle of running sessions; the second one at a time is refused."""
    kedge, host, frr = beside["router"].kedge, beside["router"], beside["frr"].frr
    out, prefix = tmp_path / "updates.mrt", bytes([24, 10, 77, 0])
    program = host.spawn("mrt", [binary("src", "cli", "kedge"), "bgp", "mrt", "updates", "--out", str(out)])
    sides = {row["name"]: row["address"] for row in kedge.json("bgp", "neighbors")["neighbors"]}

    def seen(name, sent):
        return any(peer == sides[name] and was_sent == sent and kind == 2 and body.endswith(prefix)
                   for peer, was_sent, kind, body in mrt.messages(out.read_bytes()))

    def announced():
        """Again and again: when the tap began isn't told."""
        for word in ("no network", "network"):
            frr.configure("router bgp 65020", "address-family ipv4 unicast", f"{word} 10.77.0.0/24")
        return out.exists() and seen("frr", False) and seen("bird", True)
    frr.configure("router bgp 65020", "address-family ipv4 unicast", "network 10.77.0.0/24")
    until(announced, 20, "10.77.0.0/24 in and out", 0.3)
    done = kedge.cli("bgp", "mrt", "updates", "--out", "/dev/null", check=False)
    assert done.returncode == 1 and "already" in done.stderr
    frr.configure("router bgp 65020", "address-family ipv4 unicast", "no network 10.77.0.0/24")
    program.kill()
    text = host.run("bgpdump", "-m", str(out)).stdout
    assert f"|A|{sides['frr']}|65020|10.77.0.0/24|65020|IGP|" in text
    assert kedge.cli("status").returncode == 0  # the tap's end is nobody's loss


def test_many_routes_arrive_and_leave_together(beside):
    """Last of those that share a topology: 500 prefixes from FRR, then the session goes."""
    frr, kedge = beside["frr"].frr, beside["router"].kedge
    prefixes = [f"10.{100 + i // 256}.{i % 256}.0/24" for i in range(500)]
    frr.configure("router bgp 65020", "address-family ipv4 unicast", *(f"network {p}" for p in prefixes))
    until(lambda: kedge.neighbor("frr")["prefixes_accepted"] >= 500, 20, "500 prefixes accepted", 0.1)
    until(lambda: sum(p + " " in beside["router"].ip("route") for p in prefixes) == 500, 10, "500 installed", 0.2)
    mark = kedge.events.last_seq
    frr.configure("router bgp 65020", "neighbor 192.0.2.1 shutdown")
    kedge.events.wait("bgp.stop", 15, mark, neighbor="frr", reason="peer-cease")
    assert kedge.neighbor("frr")["state"] != "Established"
    until(lambda: "10.100.0.0/24" not in beside["router"].ip("route"), 10, "routes gone with the session", 0.05)
    assert "Administrative Shutdown" in str(kedge.events.find("bgp.stop", mark, neighbor="frr"))


@pytest.mark.parametrize("who", ["kedge connects", "the peer connects"])
def test_either_side_may_open_the_connection(build, who):
    description = read("bgp-beside")
    if who == "the peer connects":
        for row in description["hosts"]["router"]["kedge"]["neighbors"]:
            row["passive"] = True
    else:
        bird = description["hosts"]["bird"]
        bird["bird"] = bird["bird"].replace("connect delay time", "passive; connect delay time")
        frr = description["hosts"]["frr"]["frr"]
        frr["bgpd"] = frr["bgpd"].replace(" neighbor 192.0.2.1 timers connect 1", " neighbor 192.0.2.1 passive")
    lab = build(description)
    for name in ("frr", "bird", "bird6"):
        lab["router"].kedge.wait_established(name)
    passive = "sport" if who == "the peer connects" else "dport"
    sockets = lab["router"].run("ss", "-Htn", "state", "established", passive, "=", ":179").stdout
    assert "192.0.2.2" in sockets and "192.0.2.6" in sockets


def test_ibgp_with_frr_keeps_the_path_and_carries_the_preference(build):
    description = read("bgp-beside")
    neighbors_of(description)["frr"]["asn"] = 65010
    frr = description["hosts"]["frr"]["frr"]
    frr["bgpd"] = frr["bgpd"].replace("router bgp 65020", "router bgp 65010").replace(
        "route-map all permit 10", "route-map all permit 10\nroute-map high permit 10\n set local-preference 170\n",
        1).replace("neighbor 192.0.2.1 route-map all out", "neighbor 192.0.2.1 route-map high out")
    lab = build(description)
    row = lab["router"].kedge.wait_route("10.20.0.0/24", installed=True)
    assert row["as_path"] == [] and row["local_pref"] == 170
    path = lab["frr"].frr.wait_path("10.30.0.0/24")
    assert path["aspath"]["string"] == "65030" and path["locPrf"] == 100


def test_local_preference_of_a_policy_decides_over_the_path_length(build):
    """10.99.0.0/24 from both; BIRD's path is longer but its neighbor is preferred on import."""
    description = read("bgp-beside")
    kedge = description["hosts"]["router"]["kedge"]
    kedge["policies"]["prefer"] = [{"permit": {"set": {"local-preference": 150}}}]
    neighbors_of(description)["bird"]["import"] = "prefer"
    frr = description["hosts"]["frr"]["frr"]
    frr["bgpd"] = frr["bgpd"].replace("network 10.20.0.0/24", "network 10.20.0.0/24\n  network 10.99.0.0/24")
    bird = description["hosts"]["bird"]
    bird["bird"] = bird["bird"].replace("route 10.30.0.0/24 unreachable;",
                                        "route 10.30.0.0/24 unreachable; route 10.99.0.0/24 unreachable;").replace(
        "ipv4 { import all; export where source = RTS_STATIC; };",
        "ipv4 { import all; export filter { if source != RTS_STATIC then reject;"
        " bgp_path.prepend(65030); bgp_path.prepend(65030); accept; }; };")
    lab = build(description)
    row = lab["router"].kedge.wait_route("10.99.0.0/24", 30, neighbor="bird", installed=True)
    assert row["local_pref"] == 150 and row["as_path"] == [65030, 65030, 65030]
    learned = {r["neighbor"]: r for r in lab["router"].kedge.routes("learned") if r["prefix"] == "10.99.0.0/24"}
    assert learned["bird"]["best"] and not learned["frr"]["best"] and learned["frr"]["local_pref"] == 100
    lab["bird"].bird.command("disable router4")
    lab["router"].kedge.wait_route("10.99.0.0/24", 15, neighbor="frr", installed=True)


def test_an_ebgp_neighbor_without_policy_exchanges_nothing(build):
    """RFC 8212."""
    description = read("bgp-beside")
    for key in ("import", "export"):
        del neighbors_of(description)["frr"][key]
    lab = build(description)
    lab["router"].kedge.wait_established("frr")
    lab["router"].kedge.wait_route("10.30.0.0/24", installed=True)
    row = until(lambda: lab["router"].kedge.neighbor("frr"), 1, "the neighbor")
    assert row["prefixes_accepted"] == 0 and row["prefixes_advertised"] == 0
    assert lab["frr"].frr.paths("10.30.0.0/24") == []


def test_policies_filter_by_prefix_and_change_attributes(build):
    description = read("bgp-beside")
    kedge = description["hosts"]["router"]["kedge"]
    kedge["policies"]["to-frr"] = [{"deny": {"match": {"prefix": ["10.30.0.0/16 le 32"]}}},
                                   {"permit": {"set": {"metric": 42, "as-path-prepend": "65010 65010"}}}]
    neighbors_of(description)["frr"]["export"] = "to-frr"
    lab = build(description)
    path = lab["frr"].frr.wait_path("10.10.0.0/24")
    assert path["metric"] == 42 and path["aspath"]["string"] == "65010 65010 65010"
    lab["router"].kedge.wait_route("10.30.0.0/24", installed=True)
    assert lab["frr"].frr.paths("10.30.0.0/24") == []
    advertised = {row["prefix"] for row in lab["router"].kedge.routes("advertised", "frr")}
    assert "10.10.0.0/24" in advertised and "10.30.0.0/24" not in advertised


def test_a_wrong_as_is_refused_with_both_numbers_named(build):
    description = read("bgp-beside")
    neighbors_of(description)["frr"]["asn"] = 65099
    lab = build(description)
    event = lab["router"].kedge.events.wait("bgp.error", neighbor="frr")
    text = str(event) + lab["router"].kedge.neighbor("frr")["last_error"]
    assert "65020" in text and "65099" in text


def test_bgp_over_the_tunnel_with_frr_exchanges_routes(build):
    lab = build(with_bgp(strongswan_pair(tunnel={"role": "initiator"})))
    kedge = lab["gate"].kedge
    kedge.wait_up("peer")
    kedge.wait_established("peer")
    row = kedge.wait_route("10.2.0.0/24", interface="kedge0", installed=True)
    assert row["next_hop"] == "10.0.2.1" and row["as_path"] == [65020]
    assert kedge.neighbor("peer")["tunnel"] == "peer"
    path = lab["peer"].frr.wait_path("10.0.1.0/24")
    assert path["aspath"]["string"] == "65010" and path["nexthops"][0]["ip"] == "10.0.1.1"
    ping_both_ways(lab)


def test_the_hold_timer_ends_a_session_beside_the_tunnel(build):
    description = read("bgp-beside")
    neighbors_of(description)["bird"].update({"hold": "3s", "keepalive": "1s"})
    lab = build(description)
    lab["router"].kedge.wait_route("10.30.0.0/24", installed=True)
    mark = lab["router"].kedge.events.last_seq
    lab["bird"].bird.program.signal(signal.SIGSTOP)
    try:
        lab["router"].kedge.events.wait("route.del", 15, mark, prefix="10.30.0.0/24")
    finally:
        lab["bird"].bird.program.signal(signal.SIGCONT)
    assert "hold" in (lab["router"].kedge.neighbor("bird")["last_error"] +
                      str(lab["router"].kedge.events.all)).lower()
    lab["router"].kedge.wait_route("10.30.0.0/24", 30, installed=True)
