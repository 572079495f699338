"""A scripted peer (lab/ikepeer.py) in the place of strongSwan in conf/lab/pair.yaml, for the tests of one module."""
from contextlib import contextmanager

from lab.ikepeer import Peer
from lab.topology import Topology, read

TUNNEL = {"role": "initiator", "detect": "2s"}


def pair():
    """The topology, with neither end started."""
    description = read("pair")
    del description["hosts"]["peer"]["strongswan"]
    return Topology(description, start=False)


@contextmanager
def meeting(lab, profile, tunnel=None, start=True, **changes):
    """kedge with this tunnel, facing the profile; both are gone at the end. start: kedge begins when the peer is there.

    Yields (kedge, peer)."""
    gate = lab["gate"]
    row = {**lab.description["hosts"]["gate"]["kedge"]["tunnels"][0], **TUNNEL, **(tunnel or {})}
    for key in [key for key, value in row.items() if value is None]:
        del row[key]
    lab.description["hosts"]["gate"]["kedge"]["tunnels"] = [row]
    try:
        with Peer(lab["peer"], profile, **changes) as peer:
            if start:
                gate.kedge = None
                lab.start_services("gate")
            yield gate.kedge, peer
    finally:
        if gate.kedge:
            gate.kedge.kill()
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
