"""kedge audit on the kernel's ESP: one thing broken at a time is named, its remedy mends it; kill -9 leaves nothing."""
import json

import pytest

from kernel_peers import kernel_pair
from lab.wait import until
from peers import ping_both_ways

ID = "0x6b650001"
EXTRA = "0x6b650009"
KEY = ("aead", "rfc4106(gcm(aes))", "0x" + "11" * 20, "128")


def pair():
    return kernel_pair("xfrm", "aes256gcm16", {"role": "initiator"})


def audit(gate):
    done = gate.kedge.cli("audit", "--json", check=False)
    return done.returncode, json.loads(done.stdout)


def clean(gate, patience=20):
    until(lambda: audit(gate)[0] == 0, patience, lambda: f"no clean audit: {audit(gate)}")


def differences(gate):
    code, answer = audit(gate)
    rows = answer["differences"]
    assert code == (1 if rows else 0), answer
    return rows


def apply(gate, remedy):
    """As root would type it."""
    program, *words = remedy.split()
    if program == "ip":
        gate.ip(*words)
    else:
        mark = gate.kedge.events.last_seq
        gate.kedge.cli(*words)
        gate.kedge.wait_up("peer", 30, mark)


def add_sa(gate, *more):
    gate.ip("xfrm", "state", "add", "src", "203.0.113.1", "dst", "203.0.113.2", "proto", "esp", "spi", "0x7777", "reqid",
            "7", "mode", "tunnel", *KEY, *more)


def add_policy(gate, *more):
    gate.ip("xfrm", "policy", "add", "src", "10.9.0.0/16", "dst", "10.8.0.0/16", "dir", "out", *more, "tmpl", "src",
            "203.0.113.1", "dst", "203.0.113.2", "proto", "esp", "reqid", "7", "mode", "tunnel")


def inbound(gate):
    (child,) = gate.kedge.tunnel("peer")["children"]
    return f"dst 192.0.2.1 proto esp spi 0x{child['spi_in']}"


def misread(host):
    """What the kernel has logged of netlink messages of kedged's that it did not expect to be as they are."""
    return [line for line in host.run("dmesg").stdout.splitlines() if "netlink:" in line and "kedged" in line]


def test_each_thing_that_is_broken_is_named_and_its_remedy_mends_it(up):
    lab = up(pair())
    gate = lab["gate"]
    forward = f"src 0.0.0.0/0 dst 0.0.0.0/0 dir fwd if_id {ID}"
    clean(gate)

    def broken(what, state, where):
        rows = differences(gate)
        assert [(row["what"], row["state"], row["where"]) for row in rows] == [(what, state, where)], rows
        apply(gate, rows[0]["remedy"])
        clean(gate)

    sa = inbound(gate)
    gate.ip("xfrm", "state", "delete", "src", "198.51.100.1", *sa.split())
    broken("sa", "missing", sa)
    gate.ip("xfrm", "policy", "delete", *forward.split())
    broken("policy", "missing", forward)
    gate.ip("xfrm", "policy", "update", *forward.split(), "action", "block")
    broken("policy", "different", forward)
    add_sa(gate, "if_id", EXTRA)
    broken("sa", "extra", "dst 203.0.113.2 proto esp spi 0x00007777")
    add_policy(gate, "if_id", EXTRA)
    broken("policy", "extra", f"src 10.9.0.0/16 dst 10.8.0.0/16 dir out if_id {EXTRA}")
    gate.ip("link", "add", "another", "type", "xfrm", "dev", "lo", "if_id", EXTRA)
    broken("interface", "extra", "another")
    gate.ip("link", "set", "kedge0", "mtu", "1280")
    broken("interface", "different", "kedge0")
    add_sa(gate)            # a strongSwan's
    add_policy(gate)
    gate.ip("link", "add", "another", "type", "xfrm", "dev", "lo", "if_id", "42")
    clean(gate)
    ping_both_ways(lab)
    gate.ip("xfrm", "state", "delete", "dst", "203.0.113.2", "proto", "esp", "spi", "0x7777")
    gate.ip("xfrm", "policy", "delete", "src", "10.9.0.0/16", "dst", "10.8.0.0/16", "dir", "out")
    gate.ip("link", "delete", "another")
    assert misread(gate) == []


def ours_in_kernel(gate):
    return gate.ip("xfrm", "state").count("if_id 0x6b65") + gate.ip("xfrm", "policy").count("if_id 0x6b65")


@pytest.mark.parametrize("moment", ["connecting", "rekey"])
def test_killed_at_any_moment_nothing_of_it_is_left(up, moment):
    """What is left is removed before anything new is made, also where the peer is away and nothing new will be."""
    lab = up(pair())
    gate = lab["gate"]
    mark = gate.kedge.events.last_seq
    if moment == "connecting":
        lab["internet"].ip("link", "set", "left0", "down")
        gate.kedge.cli("reset", "peer")
        gate.kedge.events.wait("tunnel.state", 20, mark, tunnel="peer", state="connecting")
    else:
        gate.kedge.cli("rekey", "peer", "--child")
        gate.kedge.events.wait("child.up", 20, mark, tunnel="peer")
    gate.kedge.kill()
    lab["internet"].ip("link", "set", "left0", "down")
    gate.kedge.start()
    clean(gate)
    assert ours_in_kernel(gate) == 0
    lab["internet"].ip("link", "set", "left0", "up")
    gate.kedge.wait_up("peer", 60)
    clean(gate)
    ping_both_ways(lab)
    gate.kedge.stop()
    assert ours_in_kernel(gate) == 0
