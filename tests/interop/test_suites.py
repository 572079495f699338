"""Every suite that both kedge and strongSwan 5.9.8 know, with either of them as the initiator."""
import pytest

from peers import ping_both_ways, strongswan_pair, tunnel_of

SUITES = [("aes256-sha1-modp1024", "aes256-sha1", "MODP_1024"),
          ("aes128-sha1-modp2048", "aes128-sha1", "MODP_2048"),
          ("aes256-sha256-modp2048", "aes256-sha256", "MODP_2048"),
          ("aes128-sha256-ecp256", "aes128-sha256", "ECP_256"),
          ("aes128gcm16-prfsha256-ecp256", "aes128gcm16", "ECP_256"),
          ("aes256gcm16-prfsha256-x25519", "aes256gcm16", "CURVE_25519"),
          ("aes256gcm16-prfsha1-modp1024", "aes256-sha1", "MODP_1024")]


def suite_pair(ike, esp, role):
    return strongswan_pair(tunnel={"ike": [ike], "esp": [esp], "role": role},
                           connection={"proposals": [ike]}, child={"esp_proposals": [esp]})


def check(lab, ike, esp, group, initiator):
    gate, peer = lab["gate"].kedge, lab["peer"].strongswan
    gate.wait_up("peer")
    row = gate.tunnel("peer")
    assert row["ike"]["suite"] == ike and row["ike"]["initiator"] is initiator
    assert [child["suite"] for child in row["children"]] == [esp]
    (sa,) = peer.sas().values()
    assert sa["dh-group"] == group and sa.get("initiator", "no") == ("no" if initiator else "yes")
    (child,) = sa["child-sas"].values()
    assert (child["spi-in"], child["spi-out"]) == (row["children"][0]["spi_out"], row["children"][0]["spi_in"])
    ping_both_ways(lab)


@pytest.mark.parametrize("ike,esp,group", SUITES)
def test_kedge_initiates(build, ike, esp, group):
    lab = build(suite_pair(ike, esp, "initiator"))
    check(lab, ike, esp, group, initiator=True)


@pytest.mark.parametrize("ike,esp,group", SUITES)
def test_strongswan_initiates(build, ike, esp, group):
    lab = build(suite_pair(ike, esp, "responder"))
    assert lab["peer"].strongswan.initiate("gate") is None
    check(lab, ike, esp, group, initiator=False)


def test_both_initiate_at_once_and_one_tunnel_remains(build):
    description = suite_pair(*SUITES[2][:2], "both")
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
