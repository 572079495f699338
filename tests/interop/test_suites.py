"""Every suite that both kedge and strongSwan 5.9.8 know, with either of them as the initiator, and rekeyed by both.

One charon for all: its connection is loaded anew, kedged is started anew. ESN is not here: strongSwan's userspace data
plane lacks it (test_wire.py has it between two kedges).
"""
import pytest

from lab.topology import Topology
from lab.wait import until
from peers import charon_rekeys, ping_both_ways, strongswan_pair, tunnel_of

# IKE, ESP for the first child (and its rekeys: a group is PFS), the group as strongSwan names it
SUITES = [("aes256-sha1-modp1024", "aes256-sha1", "MODP_1024"),
          ("aes128-sha1-modp1024", "aes128-sha1-modp1024", "MODP_1024"),
          ("aes192-sha256-modp1536", "aes192-sha256-modp1536", "MODP_1536"),
          ("aes256-sha256-modp2048", "aes256-sha256", "MODP_2048"),
          ("aes256-sha384-modp2048", "aes256-sha384-modp2048", "MODP_2048"),
          ("aes128-sha512-modp3072", "aes128-sha512-modp3072", "MODP_3072"),
          ("aes256-sha512-modp4096", "aes256-sha512-modp4096", "MODP_4096"),
          ("3des-sha1-modp2048s256", "3des-sha1-modp2048s256", "MODP_2048_256"),
          ("aes128-sha256-ecp256", "aes128-sha256-ecp256", "ECP_256"),
          ("aes128gcm16-prfsha256-ecp256", "aes128gcm16", "ECP_256"),
          ("aes192gcm16-prfsha384-ecp384", "aes192gcm16-ecp384", "ECP_384"),
          ("aes256gcm16-prfsha512-ecp521", "aes256gcm16-ecp521", "ECP_521"),
          ("chacha20poly1305-prfsha256-x25519", "chacha20poly1305-x25519", "CURVE_25519"),
          ("aes256gcm16-prfsha1-modp1024", "aes256-sha1", "MODP_1024"),
          ("aes128-md5-modp768", "aes128-md5-modp768", "MODP_768"),
          ("des-sha1-modp1024", "des-md5", "MODP_1024"),
          ("aes256-sha256-modp2048", "null-sha256-modp2048", "MODP_2048")]


def suite_pair(ike, esp, role):
    tunnel = {"ike": [ike], "esp": [esp], "role": role}
    words = f"{ike}-{esp}".split("-")
    if {"md5", "modp768", "des", "null"} & set(words):
        tunnel["legacy"] = True
    return strongswan_pair(tunnel=tunnel, connection={"proposals": [ike]}, child={"esp_proposals": [esp]})


@pytest.fixture(scope="module")
def shared():
    with Topology(strongswan_pair(), start=False) as lab:
        lab.start_services("peer")
        yield lab
        lab["peer"].strongswan.kill()


@pytest.fixture
def meet(shared):
    """meet(ike, esp, role) starts kedged for a suite and lets charon have the same."""
    def start(ike, esp, role):
        description = suite_pair(ike, esp, role)
        shared["peer"].strongswan.load("gate", description["hosts"]["peer"]["strongswan"]["connections"]["gate"])
        shared.description["hosts"]["gate"] = description["hosts"]["gate"]
        shared.start_services("gate")
        return shared

    yield start
    if shared["gate"].kedge:
        shared["gate"].kedge.stop()
        shared["gate"].kedge = None


def check(lab, ike, esp, group, initiator):
    gate, peer = lab["gate"].kedge, lab["peer"].strongswan
    gate.wait_up("peer")
    row = gate.tunnel("peer")
    bare = "-".join(word for word in esp.split("-") if not word.startswith(("modp", "ecp", "x25519")))
    assert row["ike"]["suite"] == ike and row["ike"]["initiator"] is initiator
    assert [child["suite"] for child in row["children"]] == [bare]
    (sa,) = peer.sas().values()
    assert sa["dh-group"] == group and sa.get("initiator", "no") == ("no" if initiator else "yes")
    (child,) = sa["child-sas"].values()
    assert (child["spi-in"], child["spi-out"]) == (row["children"][0]["spi_out"], row["children"][0]["spi_in"])
    ping_both_ways(lab)
    rekeyed_by_both(lab, group if esp != bare else None)


def rekeyed_by_both(lab, group):
    """Child and IKE SA, by charon and by kedge; group: of the child's own exchange, None without PFS."""
    gate, peer = lab["gate"].kedge, lab["peer"].strongswan
    mark = gate.events.last_seq
    charon_rekeys(peer, "child")
    gate.events.wait("child.up", 10, mark)
    ping_both_ways(lab)
    charon_rekeys(peer, "ike")
    mark = gate.events.wait("ike.rekeyed", 10, mark)["seq"]
    gate.cli("rekey", "peer")
    gate.events.wait("child.up", 10, mark)
    gate.events.wait("ike.rekeyed", 10, mark)
    ping_both_ways(lab)

    def left():
        """charon's child, once it is the only one in use."""
        used = [child for sa in peer.sas_list() if sa["state"] == "ESTABLISHED"
                for child in sa["child-sas"].values() if child["state"] == "INSTALLED"]
        return used if len(used) == 1 else None
    (child,) = until(left, 15, lambda: f"one pair at charon: {peer.sas_list()}")
    assert child.get("dh-group") == group


@pytest.mark.parametrize("ike,esp,group", SUITES)
def test_kedge_initiates(meet, ike, esp, group):
    check(meet(ike, esp, "initiator"), ike, esp, group, initiator=True)


@pytest.mark.parametrize("ike,esp,group", SUITES)
def test_strongswan_initiates(meet, ike, esp, group):
    lab = meet(ike, esp, "responder")
    assert lab["peer"].strongswan.initiate("gate") is None
    check(lab, ike, esp, group, initiator=False)


def test_both_initiate_at_once_and_one_tunnel_remains(build):
    description = suite_pair(*SUITES[3][:2], "both")
    children = description["hosts"]["peer"]["strongswan"]["connections"]["gate"]["children"]
    children["gate"]["start_action"] = "start"
    lab = build(description)
    lab["gate"].kedge.wait_up("peer")
    ping_both_ways(lab)
    assert len(lab["gate"].kedge.tunnel("peer")["children"]) == 1


@pytest.mark.parametrize("profile,ike,esp", [("azure-default", "aes256-sha1-modp1024", "aes256-sha1"),
                                             ("modern", "aes256gcm16-prfsha256-x25519", "aes256gcm16")])
def test_a_profile_by_name_meets_strongswan(build, profile, ike, esp):
    description = suite_pair(ike, esp, "initiator")
    tunnel = tunnel_of(description, "gate")
    del tunnel["ike"], tunnel["esp"]
    tunnel["profile"] = profile
    lab = build(description)
    lab["gate"].kedge.wait_up("peer")
    assert lab["gate"].kedge.tunnel("peer")["ike"]["suite"] == ike
    ping_both_ways(lab)
