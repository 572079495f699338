"""Two instances of a gateway with router.azure and a site's tunnel at each, as facts/azure.md 5.2 measured it (LAB08):
every row of an instance's table of learned routes, and what is left when the other one's tunnel goes."""
import json


import pytest

from lab.topology import Topology
from lab.wait import until

SELF, OTHER, SITE, VNET = "10.11.16.15", "10.11.16.14", "192.168.20.20", "10.11.0.0/16"
SITES_NET = "10.20.0.0/20"


def tunnel(name, local, remote, address, neighbor, **fields):
    return {"name": name, "local": local, "remote": remote, "auth": {"psk": "a-preshared-key-of-the-lab"},
            "ike": ["aes256gcm16-prfsha256-ecp256"], "esp": ["aes256gcm16"], "detect": "2s", "retry": "1s",
            "interface": f"kedge{len(name)}", "address": address,
            "neighbor": {"address": neighbor, "connect-retry": "1s", **fields}}


def instance(address, outer, site, other):
    return {"forward": True, "kedge": {
        "router": {"id": address, "asn": 65515, "azure": {"vnet": [VNET]}},
        "gateway": {"listen": [outer]},
        "tunnels": [tunnel("site", outer, site, address, SITE, asn=65002, profile="azure-vpn")],
        "neighbors": [{"name": "other", "asn": 65515, "address": other, "local-address": address,
                       "next-hop-self": True, "connect-retry": "1s"}]}}


DESCRIPTION = {
    "hosts": {
        "one": instance(OTHER, "192.0.2.1", "192.0.2.2", SELF),
        "two": instance(SELF, "192.0.2.5", "192.0.2.6", OTHER),
        "site": {"forward": True, "loopback": [f"{SITE}/32"], "kedge": {
            "router": {"id": SITE, "asn": 65002, "networks": [SITES_NET]},
            "gateway": {"listen": ["192.0.2.2", "192.0.2.6"]},
            "tunnels": [
                tunnel("a", "192.0.2.2", "192.0.2.1", SITE, OTHER, asn=65515, **{"import": "all", "export": "x5"}),
                tunnel("bb", "192.0.2.6", "192.0.2.5", SITE, SELF, asn=65515, **{"import": "all", "export": "x6"})],
            "policies": {"all": [{"permit": {}}],
                         "x5": [{"permit": {"set": {"as-path-prepend": "65002 65002 65002 65002 65002"}}}],
                         "x6": [{"permit": {"set": {"as-path-prepend": "65002 65002 65002 65002 65002 65002"}}}]}}}},
    "links": {
        "first": {"one": {"dev": "wan0", "addresses": ["192.0.2.1/30"]},
                  "site": {"dev": "wan0", "addresses": ["192.0.2.2/30"]}},
        "second": {"two": {"dev": "wan0", "addresses": ["192.0.2.5/30"]},
                   "site": {"dev": "wan1", "addresses": ["192.0.2.6/30"]}},
        "vnet": {"one": {"dev": "vnet0", "addresses": [f"{OTHER}/24"]},
                 "two": {"dev": "vnet0", "addresses": [f"{SELF}/24"]}}}}


@pytest.fixture(scope="module")
def lab():
    with Topology(DESCRIPTION) as topology:
        yield topology


def table(kedge):
    rows = json.loads(kedge.cli("routes", "learned", "--azure", "--json").stdout)["value"]
    return sorted((row["network"], row["nextHop"], row["origin"], row["sourcePeer"], row["asPath"], row["weight"])
                  for row in rows)


def path(times):
    return "-".join(["65002"] * times)


WHOLE = sorted([
    (VNET, "", "Network", SELF, "", 32768),
    (VNET, OTHER, "IBgp", OTHER, "", 32768),
    (f"{SITE}/32", "", "Network", SELF, "", 32768),
    (f"{SITE}/32", OTHER, "IBgp", OTHER, "", 32768),
    (SITES_NET, OTHER, "IBgp", OTHER, path(6), 32768),
    (SITES_NET, SITE, "EBgp", SITE, path(7), 32768),
])


def test_every_row_of_the_measured_table_is_there_and_goes_with_its_tunnel(lab):
    """The ExpressRoute gateway's rows aside, which is no part of this lab."""
    one, two, site = (lab[name].kedge for name in ("one", "two", "site"))
    until(lambda: table(two) == WHOLE, 30, lambda: f"the measured rows, they are {table(two)}", 0.2)
    assert all(row["prefix"] != f"{SITE}/32" for row in site.routes("learned"))  # told to no external neighbor
    mark = one.events.last_seq
    one.cli("down", "site")
    one.events.wait("bgp.stop", after=mark, neighbor="site")
    gone = {(f"{SITE}/32", OTHER, "IBgp", OTHER, "", 32768), (SITES_NET, OTHER, "IBgp", OTHER, path(6), 32768)}
    less = [row for row in WHOLE if row not in gone]
    until(lambda: table(two) == less, 15, lambda: f"two rows less: {table(two)}", 0.2)
    # and the one without a tunnel has them from the other
    until(lambda: (f"{SITE}/32", SELF, "IBgp", SELF, "", 32768) in table(one), 15, lambda: f"{table(one)}", 0.2)
    one.cli("up", "site")
    until(lambda: table(two) == WHOLE, 30, lambda: f"the measured rows again, they are {table(two)}", 0.2)
