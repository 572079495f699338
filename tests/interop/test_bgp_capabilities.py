"""What BGP speakers agree on in their OPENs, shown by its effect with FRR and with BIRD, in both families."""
import pytest

from lab.topology import Topology, read

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
