"""A scripted peer (lab/ikepeer.py) in the place of strongSwan in conf/lab/pair.yaml, for the tests of one module."""
from contextlib import contextmanager

from lab.ikepeer import Peer
from lab.topology import Topology, read
from peers import tunnel_of

TUNNEL = {"role": "initiator", "detect": "2s"}


def pair():
    """The topology, with neither end started."""
    description = read("pair")
    del description["hosts"]["peer"]["strongswan"]
    return Topology(description, start=False)


@contextmanager
def meeting(lab, profile, tunnel=None, start=True, **changes):
    """kedge with this tunnel, facing the profile; both are gone at the end. start: kedge begins when the peer is there.
    A key of the tunnel that is None is left out.

    Yields (kedge, peer)."""
    gate = lab["gate"]
    row = {**tunnel_of(read("pair"), "gate"), **TUNNEL, **(tunnel or {})}
    lab.description["hosts"]["gate"]["kedge"]["tunnels"] = [{k: v for k, v in row.items() if v is not None}]
    try:
        with Peer(lab["peer"], profile, **changes) as peer:
            if start:
                gate.kedge = None
                lab.start_services("gate")
            yield gate.kedge, peer
    finally:
        if gate.kedge:
            gate.kedge.kill()
            if gate.kedge.events:
                gate.kedge.events.close()
            gate.kedge = None


def status(kedge):
    return kedge.tunnel("peer")


def suites(kedge):
    """(IKE suite, [suites of the children])."""
    row = status(kedge)
    return row["ike"]["suite"], [child["suite"] for child in row["children"]]


def agree(kedge, peer):
    """kedge has exactly the SAs that the peer has."""
    row = status(kedge)
    sa = peer.sa
    assert (row["ike"]["spi_i"], row["ike"]["spi_r"]) == (sa.spi_i.hex(), sa.spi_r.hex())
    ours = {(c["spi_out"], c["spi_in"]) for c in row["children"]}
    theirs = {(c.spi_in.hex(), c.spi_out.hex()) for c in peer.live_children}
    assert theirs <= ours, (ours, theirs)
