"""What BGP speakers agree on in their OPENs, shown by its effect with FRR and with BIRD, in both families."""
import re

import pytest

from lab.topology import Topology, read
from lab.wait import until

LARGE = 500  # large communities of 12 octets: more than a message of 4096 octets holds


def with_long_routes(description):
    """BIRD's routes carry more attributes than fit in an unextended message."""
    bird = description["hosts"]["bird"]
    adds = " ".join(f"bgp_large_community.add((65030,1,{n}));" for n in range(LARGE))
    text = bird["bird"].replace("export where source = RTS_STATIC;",
                                "export filter { if source != RTS_STATIC then reject; %s accept; };" % adds)
    bird["bird"] = text.replace("error wait time", "enable extended messages on; error wait time")


@pytest.fixture(scope="module")
def beside():
    description = read("bgp-beside")
    with_long_routes(description)
    with Topology(description) as lab:
        for name in ("frr", "frr6", "bird", "bird6"):
            lab["router"].kedge.wait_established(name)
        yield lab


@pytest.mark.parametrize("prefix,family", [("10.30.0.0/24", "ipv4"), ("2001:db8:30::/48", "ipv6")])
def test_extended_messages_pass_from_bird_to_frr(beside, prefix, family):
    """RFC 8654, received and sent: all communities of a route arrive behind kedge."""
    path = beside["frr"].frr.wait_path(prefix, family=family)
    assert path["largeCommunity"]["string"].split() == [f"65030:1:{n}" for n in range(LARGE)]
    assert path["aspath"]["string"] == "65010 65030"


@pytest.mark.parametrize("family,address,prefix", [("ipv4", "192.0.2.1", "10.10.0.0/24"),
                                                   ("ipv6", "2001:db8:1::1", "2001:db8:10::/48")])
def test_frr_hears_where_a_refresh_begins_and_ends(beside, family, address, prefix):
    """RFC 7313: FRR asks; kedge tells everything again between BoRR and EoRR. FRR asks by itself, too, whenever it goes
    through its policies again: each time it is answered, or together with the next."""
    frr = beside["frr"].frr
    frr.wait_path(prefix, family=family)
    before = frr.neighbor(address)
    assert before["neighborCapabilities"]["enhancedRouteRefresh"] == "advertisedAndReceived"
    frr.command(f"clear bgp {family} unicast {address} soft in")

    def since():
        now, then = frr.neighbor(address)["messageStats"], before["messageStats"]
        return [now[key] - then[key] for key in ("routeRefreshSent", "routeRefreshRecv")]

    def answered():
        asked, heard = since()
        return 2 <= heard <= 2 * asked and heard % 2 == 0
    until(answered, 10, lambda: f"BoRR and EoRR: asked, heard {since()} times, before {before['messageStats']}", 0.1)
    assert frr.paths(prefix, family=family)
    assert frr.neighbor(address)["connectionsEstablished"] == before["connectionsEstablished"]


WORDS = "Wartung bis 18:00, Größe L"
PLAIN = "upgrade until 18:00, ticket 4711"  # FRR shows other octets in hex


def came_back(lab, neighbor, mark):
    lab["router"].kedge.wait_established(neighbor, after=mark)


@pytest.mark.parametrize("neighbor,address", [("frr", "192.0.2.1"), ("frr6", "2001:db8:1::1")])
def test_a_shutdown_communication_reaches_frr_and_comes_from_it(beside, neighbor, address):
    """RFC 9003, both ways; what was said stands in each end's view of the neighbor."""
    kedge, frr = beside["router"].kedge, beside["frr"].frr
    mark = kedge.events.last_seq
    kedge.cli("neighbor", "shutdown", neighbor, "--message", PLAIN)
    until(lambda: frr.neighbor(address).get("lastShutdownDescription") == PLAIN, 10, "FRR hears why", 0.1)
    kedge.cli("neighbor", "enable", neighbor)
    came_back(beside, neighbor, mark)
    mark = kedge.events.last_seq
    frr.configure("router bgp 65020", f"neighbor {address} shutdown message {PLAIN}")
    stop = kedge.events.wait("bgp.stop", after=mark, neighbor=neighbor)
    assert stop["detail"] == f"received Cease/Administrative Shutdown (6/2): {PLAIN}"
    assert kedge.neighbor(neighbor)["last_error"] == stop["detail"]
    frr.configure("router bgp 65020", f"no neighbor {address} shutdown")
    came_back(beside, neighbor, mark)


@pytest.mark.parametrize("protocol,neighbor", [("router4", "bird"), ("router6", "bird6")])
def test_a_shutdown_communication_reaches_bird_and_comes_from_it(beside, protocol, neighbor):
    kedge, bird = beside["router"].kedge, beside["bird"].bird
    mark, heard = kedge.events.last_seq, len(bird.program.log())
    kedge.cli("neighbor", "shutdown", neighbor, "--message", WORDS)
    until(lambda: WORDS in bird.program.log()[heard:], 10, "BIRD hears why", 0.1)
    kedge.cli("neighbor", "enable", neighbor)
    came_back(beside, neighbor, mark)
    mark = kedge.events.last_seq
    bird.command(f'disable {protocol} "{WORDS}"')
    stop = kedge.events.wait("bgp.stop", after=mark, neighbor=neighbor)
    assert stop["detail"] == f"received Cease/Administrative Shutdown (6/2): {WORDS}"
    bird.command(f"enable {protocol}")
    came_back(beside, neighbor, mark)


@pytest.mark.parametrize("direction", ["in", "out"])
@pytest.mark.parametrize("protocol,neighbor,prefix", [("router4", "bird", "10.30.0.0/24"),
                                                      ("router6", "bird6", "2001:db8:30::/48")])
def test_bird_refreshes_in_both_directions(beside, protocol, neighbor, prefix, direction):
    """in: BIRD asks and purges what kedge leaves out; out: BIRD tells kedge of its own accord, in BoRR and EoRR."""
    kedge, bird = beside["router"].kedge, beside["bird"].bird
    kedge.wait_route(prefix, neighbor=neighbor, installed=True)
    own = "10.10.0.0/24" if protocol == "router4" else "2001:db8:10::/48"
    bird.wait_route(own)
    assert "Enhanced refresh" in bird.show(f"protocols all {protocol}").split("Neighbor capabilities")[1]
    mark, received = kedge.events.last_seq, kedge.neighbor(neighbor)["messages_in"]
    bird.command(f"reload {direction} {protocol}")
    more = 1 if direction == "in" else 3  # the request; BoRR, UPDATE, EoRR
    until(lambda: kedge.neighbor(neighbor)["messages_in"] >= received + more, 10, "what BIRD says", 0.1)
    assert own in bird.wait_route(own)
    assert prefix in [row["prefix"] for row in kedge.routes("best")]
    assert kedge.events.find("route.del", mark) is None and kedge.events.find("bgp.stop", mark) is None


def test_more_prefixes_than_allowed_end_the_session_until_they_are_fewer(build):
    """FRR says three where two are allowed: Cease/1, a pause, once more; with two it stays up."""
    description = read("bgp-beside")
    for row in description["hosts"]["router"]["kedge"]["neighbors"]:
        row["prefixes-max"] = 2
    lab = build(description)
    kedge, frr = lab["router"].kedge, lab["frr"].frr
    for name in ("frr", "frr6"):
        kedge.wait_established(name)
    frr.configure("router bgp 65020", "address-family ipv4 unicast", "network 10.20.1.0/24")
    near = kedge.events.wait("bgp.error", neighbor="frr")
    assert near["detail"] == "2 prefixes of 2: with more the session ends"
    frr.configure("router bgp 65020", "address-family ipv4 unicast", "network 10.20.2.0/24")
    stop = kedge.events.wait("bgp.stop", neighbor="frr")
    assert stop["detail"] == "sent Cease/Maximum Number of Prefixes Reached (6/1): more than 2 prefixes"
    until(lambda: frr.neighbor("192.0.2.1").get("lastNotificationReason") == "Cease/Maximum Number of Prefixes Reached",
          10, "FRR hears why", 0.1)
    again = kedge.events.wait("bgp.stop", after=stop["seq"], neighbor="frr")
    assert again["detail"] == stop["detail"]
    frr.configure("router bgp 65020", "address-family ipv4 unicast", "no network 10.20.2.0/24")
    kedge.wait_established("frr", after=again["seq"])
    kedge.wait_route("10.20.1.0/24", neighbor="frr")
    assert kedge.events.find("bgp.stop", 0, neighbor="frr6") is None
    # FRR may say our own again that it had from the session before, and keep to it: they don't count
    until(lambda: kedge.neighbor("frr")["prefixes_accepted"] == 2, 10, lambda: f"FRR's two: {kedge.neighbor('frr')}", 0.1)
    row = kedge.neighbor("frr")
    assert (row["state"], row["prefixes_max"]) == ("Established", 2)


BEFORE, BEHIND = 4200000021, 4200000031


def without_as4(description):
    """BIRD speaks AS numbers of two octets only; its routes and FRR's come from behind one of four."""
    bird, frr = description["hosts"]["bird"], description["hosts"]["frr"]["frr"]
    text = bird["bird"].replace("export where source = RTS_STATIC;",
                                f"export filter {{ if source != RTS_STATIC then reject; "
                                f"bgp_path.prepend({BEHIND}); accept; }};")
    bird["bird"] = text.replace("error wait time", "enable as4 off; error wait time")
    frr["bgpd"] = re.sub(r"^( *)route-map (\S+) permit 10$", rf"\1route-map \2 permit 10\n\1 set as-path prepend {BEFORE}",
                         frr["bgpd"], flags=re.M)
    return description


def test_a_speaker_of_two_octets_and_one_of_four_hear_of_each_other(build):
    """RFC 6793 4.2: AS_TRANS and AS4_PATH from BIRD and to it, in both families: each end sees the whole path."""
    lab = build(without_as4(read("bgp-beside")))
    for name in ("frr", "frr6", "bird", "bird6"):
        lab["router"].kedge.wait_established(name)
    for prefix, family in (("10.30.0.0/24", "ipv4"), ("2001:db8:30::/48", "ipv6")):
        lab["frr"].frr.wait_path(prefix, family=family,
                                 matches=lambda p: p["aspath"]["string"].endswith(f"65010 65030 {BEHIND}"))
    for prefix in ("10.20.0.0/24", "2001:db8:20::/48"):
        text = lab["bird"].bird.wait_route(prefix)
        assert re.search(rf"BGP.as_path: 65010 65020 {BEFORE}\n", text), text
