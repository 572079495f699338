"""Policies against FRR: communities of both kinds both ways, prepended paths, AS path patterns,
allowas-in, as-override, graceful shutdown."""
import re

import pytest

from lab.topology import read
from lab.wait import until

FRR = "192.0.2.1"  # kedge's address as FRR has it


def described():
    """bgp-beside with only the session to FRR changed by the caller: (description, kedge's part, bgpd's text)."""
    description = read("bgp-beside")
    hosts = description["hosts"]
    return description, hosts["router"]["kedge"], hosts["frr"]["frr"]


def neighbor(kedge, name="frr"):
    return next(row for row in kedge["neighbors"] if row["name"] == name)


def frr_out(frr, *entries):
    """FRR tells kedge's IPv4 session through a route-map of these lines."""
    frr["bgpd"] = "route-map tag permit 10\n" + "\n".join(f" {line}" for line in entries) + "\n" + frr["bgpd"].replace(
        f"neighbor {FRR} route-map all out", f"neighbor {FRR} route-map tag out")


def test_communities_cross_in_both_directions(build):
    description, kedge, frr = described()
    frr_out(frr, "set community 65020:7 65020:8", "set large-community 65020:1:2")
    kedge["policies"]["in"] = [
        {"permit": {"match": {"community": ["65020:7 65020:9"]}, "set": {"local-preference": 1}}},
        {"permit": {"match": {"community": ["65020:7 65020:8"], "large-community": ["65020:*:2"]},
                    "set": {"local-preference": 170, "delete-community": ["65020:8"],
                            "community": "65010:5 additive"}}}]
    kedge["policies"]["out"] = [{"permit": {"set": {"community": "65010:1 65010:2",
                                                    "large-community": "65010:3:4294967295"}}}]
    neighbor(kedge).update({"import": "in", "export": "out"})
    lab = build(description)
    row = lab["router"].kedge.wait_route("10.20.0.0/24", 30, neighbor="frr", installed=True)
    assert row["local_pref"] == 170
    assert sorted(row["communities"]) == ["65010:5", "65020:7"] and row["large_communities"] == ["65020:1:2"]
    path = lab["frr"].frr.wait_path("10.10.0.0/24")
    assert path["community"]["string"] == "65010:1 65010:2"
    assert path["largeCommunity"]["string"] == "65010:3:4294967295"


@pytest.mark.parametrize("pattern", ["_65099_", "^65020(_65099)*$", "^65020_65099$", "_65098_", "^$", "^65020_[0-9]+$",
                                     "_6509_", "(65099|1)$"])
def test_an_as_path_pattern_means_what_it_means_to_frr(build, pattern):
    """Taken exactly where FRR's translation of `_`, given to another engine, finds the pattern in the path FRR sent."""
    description, kedge, frr = described()
    frr_out(frr, "set as-path prepend 65020 65099")
    kedge["policies"]["in"] = [{"permit": {"match": {"as-path": [pattern]}}}]
    neighbor(kedge)["import"] = "in"
    lab = build(description)
    kedged = lab["router"].kedge
    kedged.wait_established("frr")
    learned = {}

    def seen():
        learned.update({r["prefix"]: r for r in kedged.routes("learned", "frr")})
        return "10.20.0.0/24" in learned

    until(seen, 15, "FRR's network", 0.1)
    path = learned["10.20.0.0/24"]["as_path"]
    assert path == [65020, 65020, 65099]
    text = " ".join(map(str, path))
    expected = re.search(pattern.replace("_", "(^|[,{}() ]|$)"), text) is not None  # FRR's own translation
    assert learned["10.20.0.0/24"]["accepted"] == expected


def test_our_own_as_is_let_in_and_theirs_is_overridden(build):
    description, kedge, frr = described()
    frr_out(frr, "set as-path prepend 65010")
    neighbor(kedge).update({"allowas-in": 1, "as-override": True})
    bird = description["hosts"]["bird"]
    bird["bird"] = bird["bird"].replace(
        "ipv4 { import all; export where source = RTS_STATIC; };",
        "ipv4 { import all; export filter { if source != RTS_STATIC then reject; bgp_path.prepend(65020);"
        " accept; }; };")
    lab = build(description)
    row = lab["router"].kedge.wait_route("10.20.0.0/24", 30, neighbor="frr", installed=True)
    assert row["as_path"].count(65010) == 1
    path = lab["frr"].frr.wait_path("10.30.0.0/24")  # 65030 65020 at kedge: FRR would refuse its own AS
    assert path["aspath"]["string"] == "65010 65030 65010"


def test_without_allowas_in_the_route_is_held_and_refused(build):
    description, _, frr = described()
    frr_out(frr, "set as-path prepend 65010")
    lab = build(description)
    kedge = lab["router"].kedge
    kedge.wait_route("10.30.0.0/24", 30, neighbor="bird")
    kedge.wait_established("frr")
    row = until(lambda: next((r for r in kedge.routes("learned", "frr") if r["prefix"] == "10.20.0.0/24"), None), 15,
                "FRR's network", 0.1)
    assert not row["accepted"]


def test_what_frr_tags_as_leaving_is_the_last_choice(build):
    description, kedge, frr = described()
    frr_out(frr, "set community graceful-shutdown")
    neighbor(kedge)["graceful-shutdown"] = True
    lab = build(description)
    row = lab["router"].kedge.wait_route("10.20.0.0/24", 30, neighbor="frr")
    assert row["local_pref"] == 0 and row["communities"] == ["65535:0"]


def test_leaving_gracefully_is_heard_before_the_session_ends(build):
    """RFC 8326: FRR sees the community on a session that stays, and no longer once it is taken back."""
    description, _, _ = described()
    lab = build(description)
    kedge, frr = lab["router"].kedge, lab["frr"].frr

    def tagged(path):
        return "graceful-shutdown" in path.get("community", {}).get("string", "")

    frr.wait_path("10.10.0.0/24", lambda path: not tagged(path), 30)
    kedge.cli("neighbor", "shutdown", "frr", "--graceful")
    frr.wait_path("10.10.0.0/24", tagged)
    assert kedge.neighbor("frr")["state"] == "Established"
    kedge.cli("neighbor", "enable", "frr")
    frr.wait_path("10.10.0.0/24", lambda path: not tagged(path))
    kedge.cli("neighbor", "shutdown", "frr", "--graceful", "--wait", "1s")
    until(lambda: kedge.neighbor("frr")["state"] == "Idle", 5, "the session's end", 0.1)
    until(lambda: frr.paths("10.10.0.0/24") == [], 5, "FRR to hear of it", 0.1)


def test_a_refresh_asks_frr_and_tells_it_again(build):
    description, _, _ = described()
    lab = build(description)
    kedge, frr = lab["router"].kedge, lab["frr"].frr
    kedge.wait_route("10.20.0.0/24", 30, neighbor="frr")
    frr.wait_path("10.10.0.0/24")

    def stats():
        return frr.neighbor("192.0.2.1")["messageStats"]

    before = stats()
    kedge.cli("neighbor", "refresh", "frr", "in")
    until(lambda: stats()["routeRefreshRecv"] > before["routeRefreshRecv"], 5, "a ROUTE-REFRESH at FRR", 0.1)
    before = stats()
    kedge.cli("neighbor", "refresh", "frr", "out")
    until(lambda: stats()["updatesRecv"] > before["updatesRecv"], 5, "our routes again at FRR", 0.1)
    assert kedge.cli("neighbor", "refresh", "frr", "sideways", check=False).returncode == 2
