"""`dataplane: auto` in a kernel that lacks something: which plane each listen address gets, and the words for why."""
import os
import subprocess
from contextlib import contextmanager

import pytest

from ground import bring_up
from kernel_peers import kernel_pair
from peers import OUTER6_GATE, OUTER6_PEER, ping_both_ways, strongswan_pair6

pytestmark = pytest.mark.alone      # the others' ESP goes by the modules that are missed here
FORBIDDEN = "/run/modprobe.d/kedge-test.conf"


@pytest.fixture(autouse=True)
def alone(whole_ground):
    """A module takes along what others have made by it."""
    whole_ground.give_up()


@contextmanager
def without(*modules):
    """The kernel has them not, nor does it find them when it asks for them."""
    os.makedirs(os.path.dirname(FORBIDDEN), exist_ok=True)
    with open(FORBIDDEN, "w", encoding="ascii") as target:
        target.writelines(f"install {module} /bin/false\n" for module in modules)
    try:
        for module in modules:
            subprocess.run(["modprobe", "-r", module], check=True)
        yield
    finally:
        os.unlink(FORBIDDEN)


def decided(build, description):
    """The daemon's words, alike in the status, the event and the log."""
    description["hosts"]["gate"]["kedge"]["gateway"]["dataplane"] = "auto"
    lab = build(description, start=False)
    lab.start_services("gate")
    kedge = lab["gate"].kedge
    daemon = kedge.json("status")["daemon"]
    assert kedge.events.wait("daemon.dataplane", 5)["detail"] == daemon["dataplane_reason"]
    assert daemon["dataplane_reason"] in kedge.log()
    assert daemon["dataplane_reason"] in kedge.cli("status").stdout
    return lab, daemon


def test_each_address_is_decided_for_itself(build):
    """Without esp4 the kernel does IPv6's ESP alone."""
    description = strongswan_pair6("initiator", False, esp=["aes256gcm16"])
    tunnels = description["hosts"]["gate"]["kedge"]["tunnels"]
    tunnels.append({**tunnels[0], "name": "four", "local": "192.0.2.1", "remote": "198.51.100.1",
                    "interface": "kedge1", "address": "10.0.1.9", "neighbor": {**tunnels[0]["neighbor"],
                                                                               "address": "10.0.2.9"}})
    assert (tunnels[0]["local"], tunnels[0]["remote"]) == (OUTER6_GATE, OUTER6_PEER)
    with without("esp4_offload", "esp4"):
        lab, daemon = decided(build, description)
    assert daemon["dataplane"] == "tun"
    assert daemon["dataplane_reason"] == (
        "tun for 192.0.2.1: aes256gcm16: no ESP in this kernel: Requested type not found; "
        f"xfrm for {OUTER6_GATE}: the kernel does all suites of its tunnels")
    gate = lab["gate"]
    gate.kedge.events.wait("tunnel.state", 10, tunnel="four", state="connecting")
    assert "xfrm" in gate.ip("-d", "link", "show", "kedge0") and "tun" in gate.ip("-d", "link", "show", "kedge1")


def test_esp_without_its_interface_is_not_enough(build):
    with without("xfrm_interface"):
        _, daemon = decided(build, kernel_pair("auto", "aes256gcm16"))
    assert daemon["dataplane"] == "tun"
    assert daemon["dataplane_reason"] == (
        "tun for 192.0.2.1: aes256gcm16: no XFRM interfaces in this kernel (module xfrm_interface)")


def test_one_suite_that_is_not_there_is_enough(build):
    description = kernel_pair("auto", "aes256gcm16", {"esp": ["aes256gcm16", "chacha20poly1305"]})
    with without("chacha20poly1305"):
        _, daemon = decided(build, description)
    assert daemon["dataplane"] == "tun"
    assert daemon["dataplane_reason"].startswith("tun for 192.0.2.1: chacha20poly1305: no ESP in this kernel: ")


def azure(esp, **tunnel):
    """A gate with Azure's default lists, and a peer that calls it and has but one suite."""
    description = kernel_pair("auto", esp, {"role": "responder", "profile": "azure-default", **tunnel})
    for key in ("ike", "esp"):
        del description["hosts"]["gate"]["kedge"]["tunnels"][0][key]
    description["hosts"]["peer"]["strongswan"]["connections"]["gate"]["proposals"] = ["aes256-sha1-modp1024"]
    return description


def test_a_kernel_without_des_has_the_rest_of_azures_list_and_says_so(build):
    with without("des_generic"):
        _, daemon = decided(build, azure("aes256-sha1"))
    assert daemon["dataplane"] == "tun"
    assert daemon["dataplane_reason"].startswith("tun for 192.0.2.1: des-sha1: no ESP in this kernel: ")
    assert daemon["dataplane_reason"].endswith(
        "; the kernel does all others: leave it out of esp (profile azure-vwan has neither DES nor 3DES)")


def test_azures_default_list_is_the_kernels_to_its_last_suite(build):
    lab, daemon = decided(build, azure("des-sha1"))
    assert daemon["dataplane"] == "xfrm"
    assert daemon["dataplane_reason"] == "xfrm for 192.0.2.1: the kernel does all suites of its tunnels"
    lab.start_services("peer")
    bring_up(lab)
    assert "enc cbc(des)" in lab["gate"].ip("xfrm", "state")
    ping_both_ways(lab)
