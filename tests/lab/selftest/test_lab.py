"""The laboratory itself, without kedge: when these fail, do not look for the fault in kedge.

/usr/bin/python3 -m pytest tests/lab/selftest
"""
import os
import signal
import subprocess
import sys

import pytest
import yaml

TESTS = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, TESTS)

from lab import vici  # noqa: E402
from lab.errors import LabError, LabTimeout  # noqa: E402
from lab.netns import of_process  # noqa: E402
from lab.probe import ASYMMETRIC, PathProbe  # noqa: E402
from lab.sniff import Sniffer  # noqa: E402
from lab.topology import Topology, read  # noqa: E402

TWO_HOSTS = {"hosts": {"a": None, "b": None},
             "links": {"wire": {"a": {"dev": "e0", "addresses": ["192.0.2.1/30", "2001:db8::1/64"]},
                                "b": {"dev": "e0", "addresses": ["192.0.2.2/30", "2001:db8::2/64"]}}}}


def namespaces():
    return of_process(os.getpid())


@pytest.fixture(scope="module")
def baseline():
    """expressroute-one-tunnel with strongSwan and FRR on both sides."""
    description = read("expressroute-one-tunnel")
    with open(os.path.join(os.path.dirname(__file__), "azure-strongswan.yaml"), encoding="utf-8") as source:
        description["hosts"]["azure"] = yaml.safe_load(source)
    with Topology(description) as lab:
        lab["onprem"].strongswan.initiate("azure")
        lab["azure"].strongswan.wait_child()
        for neighbor in ("10.17.11.76", "192.168.11.18"):
            lab["onprem"].frr.wait_established(neighbor)
        lab["azure"].frr.wait_established("100.64.11.17")
        yield lab


def test_hosts_reach_each_other_over_both_families_and_nothing_remains():
    before = namespaces()
    with Topology(TWO_HOSTS) as lab:
        assert len(namespaces() - before) == 2
        lab["a"].run("ping", "-c", "1", "-W", "2", "192.0.2.2")
        lab["a"].run("ping", "-c", "1", "-W", "2", "2001:db8::2")
        directory = lab.directory
    assert namespaces() == before and not os.path.exists(directory)


def test_an_end_of_a_wire_has_another_index_than_its_peer_so_that_ipv6_is_there_at_once():
    with Topology(TWO_HOSTS) as lab:
        ours, peers = (lab[name].ip_json("link", "show", "dev", "e0")[0]["ifindex"] for name in "ab")
        assert ours != peers


def test_two_topologies_of_one_process_never_meet():
    with Topology(TWO_HOSTS) as one, Topology(TWO_HOSTS) as other:
        one["b"].ip("link", "set", "e0", "down")
        other["a"].run("ping", "-c", "1", "-W", "2", "192.0.2.2")


def test_more_than_two_hosts_meet_at_a_switch_and_a_silent_one_is_a_star():
    ends = {name: {"dev": "e0", "addresses": [f"192.0.2.{number}/28"]} for number, name in enumerate("abc", 1)}
    description = {"hosts": {"a": {"routes": ["198.51.100.1 via 192.0.2.2"]}, "b": {"forward": True, "silent": True},
                             "c": {"loopback": ["198.51.100.1/32"]}},
                   "links": {"segment": ends},
                   "faults": {"c-away": {"segment": {"break": ["ip link set dev c down"], "mend": ["ip link set dev c up"]}}}}
    with Topology(description) as lab:
        lab["b"].ip("route", "add", "198.51.100.1", "via", "192.0.2.3")
        expired = lab["a"].run("ping", "-c", "1", "-W", "1", "-t", "1", "198.51.100.1", check=False)
        assert "exceeded" not in expired.stdout and "0 received" in expired.stdout
        lab["a"].run("ping", "-c", "1", "-W", "2", "198.51.100.1")
        lab.fault("c-away")
        assert "0 received" in lab["a"].run("ping", "-c", "1", "-W", "1", "192.0.2.3", check=False).stdout
        lab.mend("c-away")
        lab["a"].run("ping", "-c", "1", "-W", "5", "192.0.2.3")
        with pytest.raises(LabError, match="there are: c-away"):
            lab.fault("b-away")


def test_a_topology_that_extends_another_changes_what_it_names_and_takes_out_what_is_null():
    base, changed = read("expressroute-backup")["hosts"], read("expressroute-strongswan")["hosts"]
    assert set(base) - set(changed) == {"gw-vpn-1"} and changed["gw-er-0"] == base["gw-er-0"]
    assert "kedge" in base["sea-srx42-01"] and "kedge" not in changed["sea-srx42-01"]
    assert changed["gw-vpn-0"]["kedge"]["router"] == base["gw-vpn-0"]["kedge"]["router"]


def test_a_failure_while_building_removes_what_was_built():
    before = namespaces()
    with pytest.raises(LabError):
        with Topology({**TWO_HOSTS, "hosts": {"a": {"routes": ["10.0.0.0/8 via 198.51.100.9"]}, "b": None}}):
            pass
    assert namespaces() == before


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_removes_what_was_built(number):
    code = (f"import signal, sys, time; sys.path.insert(0, {TESTS!r})\n"
            "signal.signal(signal.SIGHUP, signal.SIG_DFL)\n"  # whoever runs this may have nohup's
            "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
            "from lab.topology import Topology\n"
            f"with Topology({TWO_HOSTS!r}) as lab:\n"
            "    lab['a'].spawn('sleep', ['sleep', '60']); print('up', flush=True); time.sleep(60)\n")
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          text=True) as child:
        assert child.stdout.readline() == "up\n"
        assert len(of_process(child.pid)) == 2
        child.send_signal(number)
        child.wait(15)
    assert not of_process(child.pid)


def test_a_program_that_is_not_there_is_a_lab_error():
    with Topology(TWO_HOSTS) as lab, pytest.raises(LabError):
        lab["a"].run("no-such-program")


def test_vici_messages_survive_a_round_trip():
    message = {"connection": {"proposals": ["aes256-sha1-modp1024", "default"], "encap": True,
                              "children": {"c": {"mode": "tunnel"}}}, "empty": []}
    decoded = vici.decode(vici.encode(message))
    assert decoded["connection"]["proposals"] == ["aes256-sha1-modp1024", "default"]
    assert decoded["connection"]["encap"] == "yes" and decoded["empty"] == []
    assert decoded["connection"]["children"] == {"c": {"mode": "tunnel"}}


def test_a_sniffer_sees_both_directions_of_an_interface():
    with Topology(TWO_HOSTS) as lab, Sniffer(lab["a"]) as sniffer:
        lab["a"].run("ping", "-c", "1", "-W", "2", "192.0.2.2")
        seen = {(p.interface, p.outgoing, p.source) for p in sniffer.packets(0.2)}
        assert ("e0", True, "192.0.2.1") in seen and ("e0", False, "192.0.2.2") in seen


def test_seed_002_comes_up_between_strongswan_and_frr(baseline):
    (sa,) = baseline["onprem"].strongswan.sas().values()
    assert sa["state"] == "ESTABLISHED" and sa["dh-group"] == "MODP_1024"
    for prefix in ("10.17.11.0/25", "10.17.11.128/26"):
        baseline["onprem"].frr.wait_path(prefix, lambda path: path.get("locPrf") == 150)
        baseline["onprem"].frr.wait_path(prefix, lambda path: path["aspath"]["string"] == "65515")


def test_the_probe_tells_expressroute_vpn_and_asymmetric_apart(baseline):
    onprem, azure, msee = (baseline[name] for name in ("onprem", "azure", "msee"))
    with PathProbe(baseline["server"], "10.17.11.132", azure,
                   {"er0": "expressroute", "ipsec0": "vpn"}) as probe:
        probe.wait_path("expressroute", 20)
        onprem.ip("route", "add", "10.17.11.132/32", "dev", "ipsec0")
        probe.wait_path(ASYMMETRIC, 5)
        onprem.ip("route", "del", "10.17.11.132/32")
        probe.wait_path("expressroute", 5)
        since = probe.samples[-1].sent
        for device in ("onprem0", "azure0"):
            msee.ip("link", "set", device, "down")
        probe.wait_path("vpn", 20)
        assert probe.outage(since).lost < 500
        for device in ("onprem0", "azure0"):
            msee.ip("link", "set", device, "up")
        probe.wait_path("expressroute", 30)
        with pytest.raises(LabTimeout):
            probe.wait_path("vpn", 0.2)


def test_a_killed_charon_takes_its_tunnel_along(baseline):
    """Last: the baseline is of no use afterwards."""
    baseline["onprem"].strongswan.kill()
    assert not baseline["onprem"].device_exists("ipsec0")
