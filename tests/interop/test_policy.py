"""Policies held against what FRR and BIRD make of the same routes: attributes both ways with BIRD, kedge's route-map
text decided by FRR itself, iBGP, an Azure gateway's rules between a site and ExpressRoute, graceful shutdown under a ping."""
import re

import pytest

from lab.probe import PathProbe
from lab.topology import read
from lab.wait import until

BIRD_EXPORT = "ipv4 { import all; export where source = RTS_STATIC; };"


def described():
    description = read("bgp-beside")
    hosts = description["hosts"]
    return description, hosts["router"]["kedge"], hosts["frr"]["frr"], hosts["bird"]


def neighbor(kedge, name):
    return next(row for row in kedge["neighbors"] if row["name"] == name)


def learned(kedge, name, prefix, **fields):
    """The row of what a neighbor told, once it is there with these fields."""
    def found():
        return next((row for row in kedge.routes("learned", name) if row["prefix"] == prefix and
                     all(row.get(key) == value for key, value in fields.items())), None)
    return until(found, 30, lambda: f"{prefix} {fields} from {name}: {kedge.routes('learned', name)}", 0.1)


def test_all_kinds_of_communities_and_the_metric_cross_with_bird(build):
    description, kedge, _, bird = described()
    bird["bird"] = bird["bird"].replace(BIRD_EXPORT, """ipv4 { import all; export filter {
        if source != RTS_STATIC then reject;
        bgp_community.add((65030, 1)); bgp_community.add((65030, 2));
        bgp_ext_community.add((rt, 65030, 70000)); bgp_ext_community.add((ro, 192.0.2.6, 7));
        bgp_large_community.add((65030, 4294967295, 3)); bgp_med = 17; accept; }; };""")
    kedge["policies"]["in"] = [
        {"deny": {"match": {"extcommunity": ["rt:65030:70001"]}}},
        {"permit": {"match": {"community": ["65030:1 65030:2"], "extcommunity": ["soo:192.0.2.6:*"],
                              "large-community": ["65030:*:3"]},
                    "set": {"delete-community": ["65030:2"], "delete-extcommunity": ["rt:65030:*"],
                            "extcommunity": "rt:65010:1 additive", "local-preference": 120}}}]
    kedge["policies"]["out"] = [{"permit": {"set": {
        "community": "65010:7 no-export", "extcommunity": "rt:4200000000:9 soo:65010:4294967295",
        "large-community": "65010:1:2", "metric": 4294967295, "as-path-prepend": "65010 65099"}}}]
    neighbor(kedge, "bird").update({"import": "in", "export": "out"})
    lab = build(description)
    row = learned(lab["router"].kedge, "bird", "10.30.0.0/24", accepted=True)
    assert row["communities"] == ["65030:1"] and row["large_communities"] == ["65030:4294967295:3"]
    assert sorted(row["ext_communities"]) == ["rt:65010:1", "soo:192.0.2.6:7"]
    assert row["med"] == 17 and row["local_pref"] == 120
    text = lab["bird"].bird.wait_route("10.10.0.0/24", "BGP.community")
    assert re.search(r"BGP.community: \(65010,7\) \(65535,65281\)", text)
    assert re.search(r"BGP.ext_community: \(rt, 4200000000, 9\) \(ro, 65010, 4294967295\)", text)
    assert re.search(r"BGP.large_community: \(65010, 1, 2\)", text)
    assert re.search(r"BGP.med: 4294967295", text) and re.search(r"BGP.as_path: 65010 65010 65099\n", text)


ROUTES = ["10.40.0.0/16", "10.40.0.0/17", "10.40.1.0/24", "10.40.1.0/25", "10.40.1.0/26", "10.41.0.0/16",
          "10.42.0.0/24", "10.43.0.0/24", "10.44.0.0/24", "10.45.0.0/24", "10.46.0.0/24"]
TAGS = {"10.42.0.0/24": "set community 65020:1 65020:2", "10.43.0.0/24": "set community 65020:1",
        "10.44.0.0/24": "set as-path prepend 65020 65099 65098", "10.45.0.0/24": "set large-community 65020:5:6",
        "10.46.0.0/24": "set extcommunity rt 65020:100"}
POLICIES = {
    "lengths": [{"deny": {"match": {"prefix": ["10.40.0.0/16 ge 25 le 25", "10.41.0.0/16"]}}},
                {"permit": {"match": {"prefix": ["10.40.0.0/16 le 25", "10.40.0.0/15 ge 26"]},
                            "set": {"local-preference": 130, "metric": 5}}}],
    "paths": [{"deny": {"match": {"as-path": ["_65099_65098$", "^65021"]}}},
              {"permit": {"set": {"as-path-prepend": "65020 65020"}}}],
    "communities": [{"permit": {"match": {"community": ["65020:1 65020:2"]},
                                "set": {"community": "65010:1 65010:2 additive", "local-preference": 140}}},
                    {"permit": {"match": {"community": ["65020:1"]}, "set": {"community": "none", "metric": 9}}},
                    {"permit": {"match": {"large-community": ["65020:*:6"]},
                                "set": {"delete-large-community": ["65020:5:*"]}}},
                    {"permit": {"match": {"extcommunity": ["rt:65020:100"]}, "set": {"local-preference": 150}}}],
}


@pytest.mark.parametrize("name", POLICIES)
def test_frr_decides_by_the_text_of_a_policy_as_kedge_does(build, name):
    """FRR tells kedge its routes; kedge passes them on to a second FRR, whose import is kedge's text of the policy."""
    description, kedge, frr, _ = described()
    kedge["policies"].update(POLICIES)
    neighbor(kedge, "frr")["import"] = name
    tags = "".join(f"ip prefix-list p{i} permit {prefix}\nroute-map tag permit {10 + i}\n"
                   f" match ip address prefix-list p{i}\n {line}\n"
                   for i, (prefix, line) in enumerate(TAGS.items())) + "route-map tag permit 99\n"
    frr["bgpd"] = tags + frr["bgpd"].replace("neighbor 192.0.2.1 route-map all out",
                                             "neighbor 192.0.2.1 route-map tag out").replace(
        "  network 10.20.0.0/24", "\n".join(f"  network {prefix}" for prefix in ROUTES))
    # the judge hears the same routes from the same FRR, over a session of their own
    description["hosts"]["judge"] = {"frr": {"bgpd": """
        route-map all permit 10
        router bgp 65010
         bgp router-id 192.0.2.9
         neighbor 192.0.2.10 remote-as 65020
         neighbor 192.0.2.10 timers connect 1
         address-family ipv4 unicast
          neighbor 192.0.2.10 route-map all out
          neighbor 192.0.2.10 soft-reconfiguration inbound
        """.replace("\n        ", "\n")}}
    description["links"]["three"] = {"judge": {"dev": "eth0", "addresses": ["192.0.2.9/30"]},
                                     "frr": {"dev": "eth1", "addresses": ["192.0.2.10/30"]}}
    frr["bgpd"] = frr["bgpd"].replace(" address-family ipv4 unicast\n", """ neighbor 192.0.2.9 remote-as 65010
 neighbor 192.0.2.9 timers connect 1
 address-family ipv4 unicast
  neighbor 192.0.2.9 activate
  neighbor 192.0.2.9 route-map all in
  neighbor 192.0.2.9 route-map tag out
""", 1)
    lab = build(description)
    router, judge = lab["router"].kedge, lab["judge"].frr
    text = router.json("bgp", "policy", name)["policies"][0]["route_map"]
    done = judge.configure(*text, "exit", "router bgp 65010", "address-family ipv4 unicast",
                           f"neighbor 192.0.2.10 route-map {name} in")
    assert done.returncode == 0 and "%" not in done.stdout, done.stdout
    judge.wait_established("192.0.2.10")
    judge.command("clear bgp ipv4 unicast * soft in")

    def theirs():
        return {prefix: path for prefix in ROUTES for path in judge.paths(prefix)}

    def ours():
        return {row["prefix"]: row for row in router.routes("learned", "frr") if row["prefix"] in ROUTES}

    until(lambda: len(ours()) == len(ROUTES), 30, "FRR's routes at kedge", 0.1)
    taken = {prefix for prefix, row in ours().items() if row["accepted"]}
    until(lambda: set(theirs()) == taken, 30, lambda: f"the same routes: FRR {sorted(theirs())}, kedge {sorted(taken)}", 0.1)
    assert taken and taken != set(ROUTES)
    for prefix, path in theirs().items():
        row = ours()[prefix]
        assert " ".join(map(str, row["as_path"])) == path["aspath"]["string"], prefix
        assert row["local_pref"] == path.get("locPrf", 100), prefix
        assert row["med"] in (path.get("metric"), None) and (row["med"] or 0) == path.get("metric", 0), prefix
        assert " ".join(sorted(row["communities"])) == " ".join(
            sorted(path.get("community", {}).get("string", "").split())), prefix
        assert " ".join(row["large_communities"]) == path.get("largeCommunity", {}).get("string", ""), prefix


@pytest.mark.parametrize("itself", [True, False])
def test_next_hop_self_on_ibgp_is_what_frr_resolves_through(build, itself):
    description, kedge, frr, _ = described()
    neighbor(kedge, "frr").update({"asn": 65010, "next-hop-self": itself})
    kedge["policies"]["prefer"] = [{"permit": {"set": {"local-preference": 222, "metric": 3}}}]
    neighbor(kedge, "frr")["export"] = "prefer"
    frr["bgpd"] = frr["bgpd"].replace("router bgp 65020", "router bgp 65010")
    lab = build(description)
    path = lab["frr"].frr.wait_path("10.30.0.0/24")
    assert path["nexthops"][0]["ip"] == ("192.0.2.1" if itself else "192.0.2.6")
    assert path["aspath"]["string"] == "65030" and path["locPrf"] == 222 and path["metric"] == 3


def azure(route_server):
    """kedge as a gateway between a site (FRR) and ExpressRoute (BIRD, as AS 12076)."""
    description, kedge, frr, bird = described()
    kedge["router"] = {"id": "192.0.2.1", "asn": 65515, "azure": {
        "vnet": ["10.17.0.0/16"], "spokes": ["10.18.0.0/16"], "route-server": route_server}}
    kedge["neighbors"] = [
        {"name": "frr", "asn": 65020, "address": "192.0.2.2", "connect-retry": "1s", "profile": "azure-vpn"},
        {"name": "bird", "asn": 12076, "address": "192.0.2.6", "connect-retry": "1s", "profile": "azure-expressroute"}]
    networks = ["0.0.0.0/0", "10.0.0.0/8", "10.17.0.0/16", "10.17.9.0/24", "10.18.9.0/24", "10.20.0.0/24"]
    frr["bgpd"] = frr["bgpd"].replace("remote-as 65010", "remote-as 65515").replace(
        "  network 10.20.0.0/24", "\n".join(f"  network {prefix}" for prefix in networks))
    bird["bird"] = bird["bird"].replace("65030", "12076").replace("65010", "65515").replace(
        "route 10.30.0.0/24 unreachable;", "route 10.30.0.0/24 unreachable; route 10.17.8.0/24 unreachable;")
    return description


@pytest.mark.parametrize("route_server", [False, True])
def test_azures_rules_hold_between_a_site_and_expressroute(build, route_server):
    lab = build(azure(route_server))
    router, site, circuit = lab["router"].kedge, lab["frr"].frr, lab["bird"].bird
    until(lambda: sum(len(row["as_path"]) == 1 for row in router.routes("learned")) == 8, 30,
          lambda: f"all that the two originate; {router.routes('learned')}", 0.1)
    taken = {row["prefix"] for row in router.routes("learned") if row["accepted"]}
    assert taken == {"0.0.0.0/0", "10.0.0.0/8", "10.20.0.0/24", "10.30.0.0/24"}
    vnets = {"10.17.0.0/16", "10.18.0.0/16"}
    to_site, to_circuit = (vnets | {"10.30.0.0/24"}, vnets | {"10.20.0.0/24"}) if route_server else (vnets, vnets)

    def told(name):
        return {row["prefix"] for row in router.routes("advertised", name)}

    until(lambda: told("frr") == to_site and told("bird") == to_circuit, 10,
          lambda: f"what is told: {told('frr')}, {told('bird')}", 0.1)
    site.wait_path("10.18.0.0/16", lambda path: path["aspath"]["string"] == "65515")
    circuit.wait_route("10.18.0.0/16")
    if route_server:
        site.wait_path("10.30.0.0/24", lambda path: path["aspath"]["string"] == "65515 12076")
        circuit.wait_route("10.20.0.0/24", "BGP.as_path: 65515 65020")
    else:
        assert site.paths("10.30.0.0/24") == [] and "10.20.0.0/24" not in circuit.show("route")
    row = router.neighbor("frr")
    assert (row["hold_s"], row["keepalive_s"]) == (180, 60)
    assert "route-map azure-vpn-export permit" in router.cli("bgp", "policy", "azure-vpn-export").stdout


def test_a_session_left_gracefully_loses_no_packet(build):
    """RFC 8326 both ways: FRR moves what it sends by the community, kedge what it sends by itself; then it ends."""
    site = """
        bgp community-list standard leaving permit graceful-shutdown
        route-map in permit 5
         match community leaving
         set local-preference 0
        route-map in permit 10
         set local-preference 200
        route-map second permit 10
        router bgp 65020
         bgp router-id 10.20.0.1
         coalesce-time 0
         neighbor 192.0.2.1 remote-as 65010
         neighbor 192.0.2.1 timers connect 1
         neighbor 192.0.2.5 remote-as 65010
         neighbor 192.0.2.5 timers connect 1
         address-family ipv4 unicast
          network 10.20.0.0/24
          neighbor 192.0.2.1 route-map in in
          neighbor 192.0.2.1 route-map second out
          neighbor 192.0.2.5 route-map second in
          neighbor 192.0.2.5 route-map second out
        """.replace("\n        ", "\n")
    common = {"asn": 65020, "connect-retry": "1s", "export": "all"}
    lab = build({
        "hosts": {
            "router": {"forward": True, "kedge": {
                "router": {"id": "192.0.2.1", "asn": 65010, "networks": ["10.10.0.0/24"]},
                "gateway": {"listen": ["192.0.2.1"], "dataplane": "none"},
                "neighbors": [{"name": "first", "address": "192.0.2.2", "import": "prefer", **common},
                              {"name": "second", "address": "192.0.2.6", "import": "all", **common}],
                "policies": {"all": [{"permit": {}}], "prefer": [{"permit": {"set": {"local-preference": 200}}}]}}},
            "site": {"forward": True, "loopback": ["10.20.0.1/24"], "frr": {"bgpd": site}},
            "inside": {"routes": ["default via 10.10.0.1"]}},
        "links": {
            "one": {"router": {"dev": "one0", "addresses": ["192.0.2.1/30"]},
                    "site": {"dev": "one0", "addresses": ["192.0.2.2/30"]}},
            "two": {"router": {"dev": "two0", "addresses": ["192.0.2.5/30"]},
                    "site": {"dev": "two0", "addresses": ["192.0.2.6/30"]}},
            "lan": {"inside": {"dev": "eth0", "addresses": ["10.10.0.10/24"]},
                    "router": {"dev": "lan0", "addresses": ["10.10.0.1/24"]}}}})
    kedge, frr = lab["router"].kedge, lab["site"].frr
    for name in ("first", "second"):
        kedge.wait_established(name)
    with PathProbe(lab["inside"], "10.20.0.1", lab["site"], {"one0": "first", "two0": "second"}) as probe:
        probe.wait_path("first", 30)
        begin = len(probe.samples)
        kedge.cli("neighbor", "shutdown", "first", "--graceful")
        probe.wait_path("second", 15)
        assert kedge.neighbor("first")["state"] == "Established"
        row = next(r for r in kedge.routes("learned", "first") if r["prefix"] == "10.20.0.0/24")
        assert row["local_pref"] == 0 and row["communities"] == ["65535:0"] and not row["best"]
        kedge.cli("neighbor", "shutdown", "first")
        until(lambda: len(frr.paths("10.10.0.0/24")) == 1, 10, "the end of the session at FRR", 0.1)
        probe.wait_path("second", 5)
        end = len(probe.samples)
        until(lambda: all(s.answered for s in probe.samples[begin:end]), 5,
              lambda: f"all of {end - begin} answers; {sum(not s.answered for s in probe.samples[begin:end])} are lost", 0.05)
        kedge.cli("neighbor", "enable", "first")
        probe.wait_path("first", 30)
