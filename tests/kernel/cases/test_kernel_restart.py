"""kedged killed (SIGKILL) and started again beside strongSwan on the kernel's ESP: one tunnel, and what others have."""
import random
import time

import pytest

from ground import audited, left
from kernel_peers import DATAPLANES, kernel_pair
from lab import xfrm
from lab.kedge import kedge as program
from lab.wait import until
from peers import ping, ping_both_ways

ROUNDS = 6
FOREIGN_OUTER, FOREIGN_GATE, FOREIGN_PEER = "203.0.113.9", "10.0.9.1", "10.0.9.2"


def one_pair(lab, dataplane):
    """One pair of SAs, the same at both ends; the gate's policies are those of one tunnel."""
    gate, peer = lab["gate"], lab["peer"]

    def same():
        spis = {spi for row in gate.kedge.tunnel("peer")["children"] for spi in (row["spi_in"], row["spi_out"])}
        here = {spi for *_ends, spi in xfrm.states(gate)}
        return len(spis) == 2 and {spi for *_ends, spi in xfrm.states(peer)} == spis and (
            (here, xfrm.policies(gate)) == ((spis, ["fwd", "in", "out"]) if dataplane == "xfrm" else (set(), [])))
    until(same, 30, lambda: f"one pair: {gate.kedge.tunnel('peer')['children']}, in the kernels {left(lab)}", 0.3)


@pytest.mark.parametrize("dataplane", DATAPLANES)
def test_killed_at_any_point_it_comes_back_to_one_tunnel(up, dataplane):
    """While it starts and calls, and while it rekeys, by turns, after a random part of the time that takes."""
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    lab = up(kernel_pair(dataplane, "aes256-sha256-x25519-esn", {"role": "initiator"}))
    kedge = lab["gate"].kedge
    began = time.monotonic()
    kedge.kill()
    kedge.start()
    kedge.wait_up("peer", 30)
    start_takes = time.monotonic() - began
    kedge.kill()
    for number in range(ROUNDS):
        if number % 2:
            kedge.start()
            kedge.wait_up("peer", 30)
            lab["gate"].spawn("rekey", [program(), "rekey", "peer"])
        else:
            kedge.spawn()
        time.sleep(chance.uniform(0, start_takes))
        kedge.kill()
    kedge.start()
    kedge.wait_up("peer", 30)
    one_pair(lab, dataplane)
    audited(kedge)
    ping_both_ways(lab)


def beside_a_strongswan(dataplane):
    """The gate has a charon of its own, on other ports, with a tunnel to the peer from another address; its policies
    have no if_id."""
    description = kernel_pair(dataplane, "aes256gcm16", {"role": "initiator"})
    hosts = description["hosts"]
    child = {"esp_proposals": ["aes256-sha256"], "rekey_time": "0s"}
    common = {"proposals": ["aes128gcm16-prfsha256-x25519"], "mobike": False, "rekey_time": "0s"}
    here, there = ({"auth": "psk", "id": name} for name in ("foreign-here", "foreign-there"))
    hosts["peer"]["strongswan"]["connections"]["foreign"] = {
        **common, "local_addrs": ["198.51.100.1"], "remote_addrs": [FOREIGN_OUTER], "local": there, "remote": here,
        "children": {"foreign": {**child, "local_ts": [f"{FOREIGN_PEER}/32"], "remote_ts": [f"{FOREIGN_GATE}/32"]}}}
    hosts["gate"]["strongswan"] = {
        "kernel": {}, "charon": {"port": 1500, "port_nat_t": 1501},
        "secrets": hosts["peer"]["strongswan"]["secrets"],
        "connections": {"foreign": {
            **common, "local_addrs": [FOREIGN_OUTER], "remote_addrs": ["198.51.100.1"], "local": here, "remote": there,
            "local_port": 1500, "children": {"foreign": {
                **child, "local_ts": [f"{FOREIGN_GATE}/32"], "remote_ts": [f"{FOREIGN_PEER}/32"]}}}}}
    hosts["gate"]["loopback"] = [f"{FOREIGN_OUTER}/32", f"{FOREIGN_GATE}/32"]
    hosts["peer"]["loopback"].append(f"{FOREIGN_PEER}/32")
    hosts["internet"]["routes"] = [f"{FOREIGN_OUTER}/32 via 192.0.2.1"]
    hosts["peer"]["routes"].append(f"{FOREIGN_GATE}/32 via 198.51.100.2 src {FOREIGN_PEER}")
    hosts["gate"]["routes"].append(f"{FOREIGN_PEER}/32 via 192.0.2.2 src {FOREIGN_GATE}")
    return description


@pytest.mark.parametrize("dataplane", DATAPLANES)
def test_a_strongswan_on_the_same_host_keeps_its_sas(build, dataplane):
    lab = build(beside_a_strongswan(dataplane), start=False)
    gate = lab["gate"]
    lab.start_services("peer")
    lab.start_services("gate")
    assert gate.strongswan.initiate("foreign") is None
    gate.kedge.wait_up("peer")

    def foreign():
        states = {sa: esn for sa, esn in xfrm.states(gate).items() if FOREIGN_OUTER in sa}
        return states, gate.ip("xfrm", "policy", "list", "src", f"{FOREIGN_GATE}/32")

    before = foreign()
    assert len(before[0]) == 2
    gate.kedge.kill()
    gate.kedge.start()
    gate.kedge.wait_up("peer", 30)
    audited(gate.kedge)
    ping_both_ways(lab)
    ping(gate, FOREIGN_PEER, FOREIGN_GATE)
    gate.kedge.stop()
    assert xfrm.states(gate) == before[0] and foreign() == before
    ping(gate, FOREIGN_PEER, FOREIGN_GATE)
