"""Several children of one tunnel, and the ladder of selectors, with strongSwan; lifetimes by bytes under traffic."""
import pytest

from lab.ping import Pinging
from lab.wait import until
from peers import INNER_GATE, INNER_PEER, ping, ping_both_ways, strongswan_pair

NETS = {"a": ("10.0.2.0/24", "10.0.2.1"), "b": ("10.0.3.0/24", "10.0.3.1"), "c": ("10.0.4.0/24", "10.0.4.1")}
LOCAL = "10.0.1.0/24"


def children(names):
    """kedge's and strongSwan's children of these names."""
    ours = [{"name": name, "local": [LOCAL], "remote": [NETS[name][0]]} for name in names]
    theirs = {name: {"local_ts": [NETS[name][0]], "remote_ts": [LOCAL], "esp_proposals": ["aes256-sha256"],
                     "rekey_time": "0s"} for name in names}
    return ours, theirs


def lab_of(build, ours, theirs, **tunnel):
    """theirs: strongSwan's children instead of the one of conf/lab/pair.yaml; who initiates finds them there."""
    description = strongswan_pair(tunnel={**ours, **tunnel}, connection={"rekey_time": "0s"})
    description["hosts"]["peer"]["strongswan"]["connections"]["gate"]["children"] = theirs
    description["hosts"]["peer"]["loopback"] = [f"{address}/32" for _, address in NETS.values()]
    lab = build(description, start=False)
    lab.start_services("peer" if tunnel.get("role") == "initiator" else "gate")
    lab.start_services()
    return lab


def there(lab, names):
    """Each of the children once and no other, the same at both ends."""
    def same():
        rows = lab["gate"].kedge.tunnel("peer")["children"]
        theirs = [c for sa in lab["peer"].strongswan.sas_list() if sa["state"] == "ESTABLISHED"
                  for c in sa["child-sas"].values() if c["state"] == "INSTALLED"]
        return sorted(row["name"] for row in rows) == sorted(names) == sorted(c["name"] for c in theirs) and \
            {(row["spi_in"], row["spi_out"]) for row in rows} == {(c["spi-out"], c["spi-in"]) for c in theirs}
    until(same, 20, lambda: f"children {names}; kedge {lab['gate'].kedge.tunnel('peer')}, "
                            f"strongSwan {lab['peer'].strongswan.sas_list()}", 0.2)


def pass_through_each(lab, names):
    """A ping into the net of each child is carried by that child and no other."""
    gate = lab["gate"]
    for name in names:
        net, address = NETS[name]
        gate.ip("route", "replace", net, "dev", "kedge0", "src", INNER_GATE)
        before = {row["name"]: row["packets_out"] for row in gate.kedge.tunnel("peer")["children"]}
        ping(gate, address, INNER_GATE)
        after = {row["name"]: row["packets_out"] for row in gate.kedge.tunnel("peer")["children"]}
        grown = {child: after[child] - before.get(child, 0) for child in after}
        assert grown[name] >= 3, grown
        assert all(count == 0 for child, count in grown.items() if child not in (name, "a")), grown


@pytest.mark.parametrize("names", ["ab", "abc"])
def test_kedge_makes_every_child_and_each_carries_its_own(build, names):
    ours, theirs = children(names)
    lab = lab_of(build, {"children": ours}, theirs, role="initiator")
    lab["gate"].kedge.wait_up("peer")
    there(lab, names)
    pass_through_each(lab, names)
    lab["gate"].kedge.cli("rekey", "peer")
    there(lab, names)
    pass_through_each(lab, names)


def test_strongswan_makes_every_child_and_kedge_knows_which_is_which(build):
    ours, theirs = children("abc")
    lab = lab_of(build, {"children": ours}, theirs, role="responder")
    for name in "cab":
        assert lab["peer"].strongswan.initiate(name) is None
    there(lab, "abc")
    pass_through_each(lab, "abc")
    lab["peer"].strongswan.rekey(child="b")
    until(lambda: len(lab["gate"].kedge.tunnel("peer")["children"]) == 3, 10, "three children", 0.1)
    there(lab, "abc")
    pass_through_each(lab, "abc")


def test_a_child_that_strongswan_does_not_have_is_named_and_the_others_stand(build):
    ours, _ = children("abc")
    _, theirs = children("ac")
    lab = lab_of(build, {"children": ours}, theirs, role="initiator")
    refused = lab["gate"].kedge.events.wait("ike.refused", reason="ts-unacceptable")
    assert "child b" in refused["detail"]
    there(lab, "ac")
    missing = lab["gate"].kedge.tunnel("peer")["missing"]
    assert [(row["name"], row["reason"]) for row in missing] == [("b", "ts-unacceptable")]
    assert "b: not there: ts-unacceptable" in lab["gate"].kedge.cli("status", "peer").stdout
    pass_through_each(lab, "ac")
    lab["peer"].strongswan.load("gate", {**lab["peer"].strongswan.spec["connections"]["gate"],
                                         "children": children("abc")[1]})
    there(lab, "abc")
    pass_through_each(lab, "abc")


def test_a_child_that_strongswan_ends_comes_back(build):
    ours, theirs = children("abc")
    lab = lab_of(build, {"children": ours}, theirs, role="initiator")
    there(lab, "abc")
    mark = lab["gate"].kedge.events.last_seq
    lab["peer"].strongswan.terminate_child("b")
    lab["gate"].kedge.events.wait("child.down", 10, mark, reason="peer-deleted")
    there(lab, "abc")
    pass_through_each(lab, "abc")
    assert lab["gate"].kedge.events.find("ike.closed") is None


@pytest.mark.parametrize("step", [1, 2, 3])
def test_the_ladder_ends_at_the_step_that_strongswan_takes(build, step):
    """strongSwan narrows, so a step that it is to refuse lies beside its selectors."""
    steps = [{"local": [f"10.{net}.1.0/24"], "remote": [f"10.{net}.2.0/24"]} for net in (77, 78, 79)]
    steps[step - 1] = {"local": [LOCAL], "remote": [NETS["a"][0]]}
    lab = lab_of(build, {"selectors": steps}, children("a")[1], role="initiator")
    lab["gate"].kedge.wait_up("peer")
    row = lab["gate"].kedge.tunnel("peer")
    assert [(child["step"], child["steps"]) for child in row["children"]] == [(step, 3)]
    assert f"step {step} of 3" in lab["gate"].kedge.cli("status", "peer").stdout
    refused = [e for e in lab["gate"].kedge.events.all if e["event"] == "ike.refused"]
    assert len(refused) == step - 1 and {e["reason"] for e in refused} <= {"ts-unacceptable"}
    assert lab["gate"].kedge.events.find("ike.closed") is None  # all on one IKE SA
    ping_both_ways(lab)


def test_strongswan_narrows_the_first_step_and_the_ladder_ends_there(build):
    lab = lab_of(build, {"selectors": [{}, {"local": [LOCAL]}]}, children("a")[1], role="initiator")
    lab["gate"].kedge.wait_up("peer")
    child, = lab["gate"].kedge.tunnel("peer")["children"]
    assert (child["step"], child["local_ts"], child["remote_ts"]) == (1, [LOCAL], [NETS["a"][0]])
    ping_both_ways(lab)


@pytest.mark.parametrize("role", ["initiator", "responder"])
def test_bytes_end_a_childs_life_under_traffic_without_loss(build, role):
    """A megabyte each: 4,000 packets of 1,328 bytes each way are five of them. Either role renews."""
    lab = build(strongswan_pair(tunnel={"role": role, "lifetime": {"esp-bytes": "1MB"}, "detect": "10s"},
                                connection={"rekey_time": "0s"}, child={"rekey_time": "0s"}))
    if role == "responder":
        assert lab["peer"].strongswan.initiate("gate") is None
    kedge = lab["gate"].kedge
    kedge.wait_up("peer")
    mark = kedge.events.last_seq
    ping = Pinging(lab["gate"], INNER_PEER, INNER_GATE, 0.002, "-s", "1300")
    ping.answered(4000, 60)
    assert ping.lost() == []
    rekeys = [e for e in kedge.events.drain() or () if e["seq"] > mark and e["event"] == "child.up"]
    assert 4 <= len(rekeys) <= 7, rekeys
    assert kedge.events.find("child.down", mark, reason="expired") is None
    until(lambda: len(kedge.tunnel("peer")["children"]) == 1, 10, "one pair", 0.1)

