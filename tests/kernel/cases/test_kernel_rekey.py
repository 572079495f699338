"""kedge with strongSwan on the kernel's ESP: rekeys with PFS under traffic, by command, by time, by bytes; expiry."""
import pytest

from kernel_peers import DATAPLANES, kernel_pair, no_loss, refused
from lab import xfrm
from lab.wait import until
from peers import INNER_GATE, INNER_PEER, charon_rekeys, ping, ping_both_ways

PFS = "aes256-sha256-x25519-esn"
ROUNDS = 3


def one_pair(lab):
    """One pair of SAs at charon, in the kernel and at kedge, and they are the same."""
    def same():
        spis = {spi for row in lab["gate"].kedge.tunnel("peer")["children"] for spi in (row["spi_in"], row["spi_out"])}
        return len(spis) == 2 and {spi for *_ends, spi in xfrm.states(lab["peer"])} == spis
    until(same, 25, lambda: f"one pair; kedge {lab['gate'].kedge.tunnel('peer')}, "
                            f"kernel {xfrm.states(lab['peer'])}", 0.2)


@pytest.mark.parametrize("dataplane", DATAPLANES)
def test_rekeys_by_either_end_lose_nothing(up, dataplane):
    lab = up(kernel_pair(dataplane, PFS))
    gate, peer = lab["gate"].kedge, lab["peer"].strongswan
    with no_loss(lab):
        for _ in range(ROUNDS):
            mark = gate.events.last_seq
            gate.cli("rekey", "peer")
            for event in ("child.up", "ike.rekeyed"):
                gate.events.wait(event, 10, mark, tunnel="peer")
            for what, event in (("child", "child.up"), ("ike", "ike.rekeyed")):
                mark = gate.events.last_seq
                charon_rekeys(peer, what)
                gate.events.wait(event, 10, mark, tunnel="peer")
    one_pair(lab)
    assert refused(lab) == {}


@pytest.mark.parametrize("dataplane", DATAPLANES)
def test_the_kernels_byte_lifetime_renews_the_child(up, dataplane):
    """The peer's kernel says EXPIRE (soft), charon renews; kedge's own lifetimes are far away."""
    lab = up(kernel_pair(dataplane, PFS, child={"rekey_bytes": "8000", "life_bytes": "400000", "rand_bytes": "0"}))
    gate, charon = lab["gate"].kedge, lab["peer"].strongswan
    mark, before = gate.events.last_seq, len(charon.log())
    with no_loss(lab):
        for _ in range(2):
            mark = gate.events.wait("child.up", 30, mark, tunnel="peer")["seq"]
    assert "creating rekey job for CHILD_SA" in charon.log()[before:]
    assert gate.events.find("ike.closed") is None


@pytest.mark.parametrize("dataplane", DATAPLANES)
def test_kedges_byte_lifetime_renews_the_child(up, dataplane):
    lab = up(kernel_pair(dataplane, PFS, {"lifetime": {"esp-bytes": "1MB"}}))
    gate = lab["gate"].kedge
    mark = gate.events.last_seq
    with no_loss(lab):
        ping(lab["gate"], INNER_PEER, INNER_GATE, 800, "-q", "-i", "0.005", "-s", "1300")
        gate.events.wait("child.up", 30, mark, tunnel="peer")
    assert gate.events.find("ike.closed") is None


@pytest.mark.parametrize("dataplane", DATAPLANES)
def test_lifetimes_of_seconds_at_both_ends_lose_nothing(up, dataplane):
    lab = up(kernel_pair(dataplane, PFS, {"lifetime": {"esp": "8s", "ike": "13s"}},
                            {"rekey_time": "11s", "rand_time": "0s", "over_time": "30s"},
                            {"rekey_time": "7s", "rand_time": "0s", "life_time": "60s"}))
    gate = lab["gate"].kedge
    mark = gate.events.last_seq
    with no_loss(lab):
        for event in ("child.up", "ike.rekeyed", "child.up"):
            mark = gate.events.wait(event, 30, mark, tunnel="peer")["seq"]
    assert gate.events.find("ike.closed") is None
    ping_both_ways(lab)


@pytest.mark.parametrize("dataplane", DATAPLANES)
def test_the_kernels_hard_expiry_takes_the_child_and_it_is_made_anew(up, dataplane):
    """charon has no rekey_bytes, so the kernel ends the SA: charon sends DELETE, and kedge asks for another child."""
    lab = up(kernel_pair(dataplane, PFS, {"role": "initiator"},
                            child={"rekey_bytes": "0", "life_bytes": "20000", "rand_bytes": "0"}))
    gate = lab["gate"].kedge
    (old,) = gate.tunnel("peer")["children"]
    mark = gate.events.last_seq
    lab["gate"].run("ping", "-n", "-q", "-i", "0.01", "-c", "200", "-s", "200", INNER_PEER, check=False)
    gate.events.wait("child.up", 30, mark, tunnel="peer")
    until(lambda: old["spi_in"] not in str(gate.tunnel("peer")["children"]), 10, "the expired child to be gone")
    gate.wait_up("peer")
    ping_both_ways(lab)
