"""What keeps strangers off a BGP session: GTSM, with FRR and with BIRD."""
from lab.topology import read
from lab.wait import until


def neighbors_of(description):
    return {row["name"]: row for row in description["hosts"]["router"]["kedge"]["neighbors"]}


def with_gtsm(description, frr=True):
    for row in neighbors_of(description).values():
        row["ttl-security"] = 1
    bird = description["hosts"]["bird"]
    bird["bird"] = bird["bird"].replace("connect delay time", "ttl security on; connect delay time")
    if frr:
        bgpd = description["hosts"]["frr"]["frr"]
        for peer in ("192.0.2.1", "2001:db8:1::1"):
            bgpd["bgpd"] = bgpd["bgpd"].replace(f" neighbor {peer} timers connect 1",
                                                f" neighbor {peer} timers connect 1\n neighbor {peer} ttl-security hops 1")
    return description


def dropped(host):
    row = [line for line in host.run("nstat", "-az", "TcpExtTCPMinTTLDrop").stdout.splitlines() if "MinTTL" in line]
    return int(row[0].split()[1])


def test_sessions_with_ttl_security_at_both_ends_come_up(build):
    """RFC 5082, both families, with FRR and with BIRD; a hop's worth less and BIRD itself would refuse us."""
    lab = build(with_gtsm(read("bgp-beside")))
    for name in ("frr", "frr6", "bird", "bird6"):
        lab["router"].kedge.wait_established(name)
    lab["frr"].frr.wait_path("10.30.0.0/24")
    lab["frr"].frr.wait_path("2001:db8:30::/48", family="ipv6")


def test_what_comes_with_a_smaller_ttl_is_dropped(build):
    """FRR sends with TTL 1, as eBGP does: no session with it, in either role; BIRD's, with 255, come up."""
    lab = build(with_gtsm(read("bgp-beside"), frr=False))
    for name in ("bird", "bird6"):
        lab["router"].kedge.wait_established(name)
    until(lambda: dropped(lab["router"]) >= 6, 30, "segments of FRR dropped", 0.2)
    for name in ("frr", "frr6"):
        assert lab["router"].kedge.neighbor(name)["state"] != "Established"
