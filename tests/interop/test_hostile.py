"""Datagrams of a stranger change no state and crash nothing: garbage, changed copies of real ones, old ESP."""
import random
import socket
import struct

import pytest

from lab.sniff import IPPROTO_UDP, Sniffer
from lab.topology import Topology
from lab.wait import until
from peers import INNER_GATE, INNER_PEER, ping_both_ways, strongswan_pair

GATE = "192.0.2.1"


@pytest.fixture(scope="module")
def running():
    """The pair with its tunnel up, and the datagrams that the peer sent to the gate meanwhile."""
    with Topology(strongswan_pair(tunnel={"role": "initiator", "detect": "5s"}), start=False) as lab:
        with Sniffer(lab["gate"]) as sniffer:
            lab.start_services()
            lab["gate"].kedge.wait_up("peer")
            ping_both_ways(lab)
            recorded = [p for p in sniffer.packets(0.3) if p.protocol == IPPROTO_UDP and p.destination == GATE]
        assert len(recorded) > 4
        yield lab, recorded


def state(lab):
    row = lab["gate"].kedge.tunnel("peer")
    return row["state"], row["ike"]["spi_i"], row["ike"]["spi_r"], row["children"][0]["spi_in"]


def unharmed(lab, before, mark):
    assert lab["gate"].kedge.program.alive()
    assert state(lab) == before
    assert lab["gate"].kedge.events.find("tunnel.state", mark) is None
    # the flood may still stand in the kernel's queues, which drop what comes behind it: let it drain first
    until(lambda: lab["peer"].run("ping", "-c", "1", "-W", "1", "-I", INNER_PEER, INNER_GATE,
                                  check=False).returncode == 0, 10, "a ping behind the flood", 0.05)
    ping_both_ways(lab)


def sender(lab, host, port):
    """A UDP socket on a host; with the peer's own address and port it spoofs the peer (charon keeps running)."""
    out = lab[host].namespace.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP)

    def send(payload, to_port):
        header = struct.pack("!HHHH", port, to_port, 8 + len(payload), 0)
        try:
            out.sendto(header + payload, (GATE, 0))
        except OSError:
            pass
    return send


def test_random_datagrams(running):
    lab, _ = running
    before, mark = state(lab), lab["gate"].kedge.events.last_seq
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    generator = random.Random(seed)
    send = sender(lab, "peer", 4500)
    for _ in range(2000):
        send(generator.randbytes(generator.choice((0, 1, 3, 4, 27, 28, 29, 64, 300, 1400))),
             generator.choice((500, 4500)))
    unharmed(lab, before, mark)


def test_changed_copies_of_what_the_peer_sent(running):
    lab, recorded = running
    before, mark = state(lab), lab["gate"].kedge.events.last_seq
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    generator = random.Random(seed)
    senders = {}
    for _ in range(3000):
        packet = generator.choice(recorded)
        (source_port, port), payload = packet.ports, bytearray(packet.payload[8:])
        for _ in range(generator.randint(1, 4)):
            payload[generator.randrange(len(payload))] = generator.randrange(256)
        cut = generator.choice((len(payload), len(payload), generator.randint(1, len(payload))))
        if source_port not in senders:
            senders[source_port] = sender(lab, "peer", source_port)
        senders[source_port](bytes(payload[:cut]), port)
    unharmed(lab, before, mark)


def test_replayed_datagrams_are_dropped_and_counted(running):
    lab, recorded = running
    before, mark = state(lab), lab["gate"].kedge.events.last_seq
    esp = [p for p in recorded if 4500 in p.ports and p.payload[8:12] != b"\0\0\0\0" and len(p.payload) > 20]
    assert esp
    dropped = lab["gate"].kedge.tunnel("peer")["children"][0]["dropped_replay"]
    send = sender(lab, "peer", 4500)
    for packet in esp:
        send(packet.payload[8:], 4500)
    unharmed(lab, before, mark)
    assert lab["gate"].kedge.tunnel("peer")["children"][0]["dropped_replay"] >= dropped + len(esp)


def test_a_stranger_who_knows_the_spis_cannot_delete(running):
    """An unprotected INFORMATIONAL with a DELETE payload, as RFC 7296 2.21 wants it ignored."""
    lab, _ = running
    before, mark = state(lab), lab["gate"].kedge.events.last_seq
    delete = struct.pack("!BBHBBH", 0, 0, 8, 1, 0, 0)
    spis = bytes.fromhex(before[1]) + bytes.fromhex(before[2])
    send = sender(lab, "peer", 4500)
    for exchange in (34, 35, 36, 37):
        for flags in (0x00, 0x08, 0x20, 0x28):
            for message_id in range(6):
                header = spis + struct.pack("!BBBBII", 42, 0x20, exchange, flags, message_id, 28 + len(delete))
                send(b"\0\0\0\0" + header + delete, 4500)
    unharmed(lab, before, mark)


def test_a_flood_of_half_open_requests_from_a_stranger_leaves_the_tunnel_up(running):
    lab, recorded = running
    before, mark = state(lab), lab["gate"].kedge.events.last_seq
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    generator = random.Random(seed)
    send = sender(lab, "internet", 500)
    init = struct.pack("!BBBBII", 33, 0x20, 34, 0x08, 0, 0)
    for _ in range(3000):
        body = generator.randbytes(200)
        send(generator.randbytes(8) + bytes(8) + init[:-4] + struct.pack("!I", 28 + len(body)) + body, 500)
    unharmed(lab, before, mark)
