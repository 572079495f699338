"""OPENs that neither FRR nor BIRD would send, by a scripted peer: RFC 9072's long form, good and broken.

Every case is a neighbor of its own, since a broken OPEN is answered with a pause."""
import socket
import struct

import pytest

from lab.topology import Topology

KEDGE, ASN = "192.0.2.1", 4200000002
OPEN, NOTIFICATION, KEEPALIVE = 1, 3, 4


def message(kind, body=b""):
    return b"\xff" * 16 + struct.pack("!HB", 19 + len(body), kind) + body


def fixed(address):
    """An OPEN's first octets: version 4, AS_TRANS, hold time, identifier."""
    return struct.pack("!BHH", 4, 23456, 180) + socket.inet_aton(address)


def long_parameters(*parameters):
    return b"".join(struct.pack("!BH", kind, len(value)) + value for kind, value in parameters)


def long_form(parameters, length=None, first=255):
    return struct.pack("!BBH", first, 255, len(parameters) if length is None else length) + parameters


AS4 = (2, struct.pack("!BBI", 65, 4, ASN))
IPV4 = (2, bytes.fromhex("0104 0001 00 01"))
UNKNOWN = (2, b"".join(struct.pack("!BB", 200 + n, 250) + bytes(250) for n in range(8)))  # 2016 octets in one

GOOD = {
    "short": long_form(long_parameters(IPV4, AS4)),
    "beyond-255": long_form(long_parameters(UNKNOWN, IPV4, AS4)),
    "first-length-ignored": long_form(long_parameters(IPV4, AS4), first=1),
}
BROKEN = {  # what RFC 4271 6.2 answers
    "longer-than-the-message": (long_form(long_parameters(IPV4, AS4), length=300), (2, 0)),
    "shorter-than-the-message": (long_form(long_parameters(IPV4, AS4), length=2), (2, 0)),
    "parameter-past-the-end": (long_form(struct.pack("!BH", 2, 300) + AS4[1]), (2, 0)),
    "255-inside": (long_form(long_parameters(AS4, (255, b""))), (2, 4)),
    "no-such-parameter": (long_form(long_parameters(AS4, (1, b"\0"))), (2, 4)),
    "nothing-behind-255": (b"\xff\xff", (2, 0)),
}
ADDRESS = {name: f"192.0.2.{10 + n}" for n, name in enumerate([*GOOD, *BROKEN])}

DESCRIPTION = {
    "hosts": {
        "router": {"kedge": {
            "router": {"id": KEDGE, "asn": 65010},
            "gateway": {"listen": [KEDGE], "dataplane": "none"},
            "neighbors": [{"name": name, "asn": ASN, "address": address, "passive": True, "import": "all",
                           "export": "all"} for name, address in ADDRESS.items()],
            "policies": {"all": [{"permit": {}}]}}},
        "peer": {}},
    "links": {"one": {"router": {"dev": "peer0", "addresses": [f"{KEDGE}/24"]},
                      "peer": {"dev": "eth0", "addresses": [f"{address}/24" for address in ADDRESS.values()]}}}}


@pytest.fixture(scope="module")
def lab():
    with Topology(DESCRIPTION) as topology:
        yield topology


class Peer:
    """Calls kedge from a case's address and says an OPEN with these optional parameters."""

    def __init__(self, lab, name, optional):
        self.socket = lab["peer"].namespace.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.socket.settimeout(20)
        self.socket.bind((ADDRESS[name], 0))
        self.socket.connect((KEDGE, 179))
        self.say(OPEN, fixed(ADDRESS[name]) + optional)

    def say(self, kind, body=b""):
        self.socket.sendall(message(kind, body))

    def _take(self, size):
        data = b""
        while len(data) < size:
            part = self.socket.recv(size - len(data))
            assert part, f"kedge closed after {data!r}"
            data += part
        return data

    def hear(self):
        """The next message: type and body."""
        size, kind = struct.unpack("!HB", self._take(19)[16:])
        return kind, self._take(size - 19)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()


@pytest.mark.parametrize("name", GOOD)
def test_a_long_open_is_taken(lab, name):
    """The AS of four octets stands in the long form only: without it the peer would be another one."""
    kedge = lab["router"].kedge
    with Peer(lab, name, GOOD[name]) as peer:
        assert peer.hear()[0] == OPEN
        assert peer.hear() == (KEEPALIVE, b"")
        peer.say(KEEPALIVE)
        kedge.wait_established(name)
        assert kedge.neighbor(name)["asn"] == ASN


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_long_open_is_refused(lab, name):
    kedge = lab["router"].kedge
    optional, (code, sub) = BROKEN[name]
    with Peer(lab, name, optional) as peer:
        assert peer.hear()[0] == OPEN
        kind, body = peer.hear()
        assert (kind, body[0], body[1]) == (NOTIFICATION, code, sub)
    stop = kedge.events.wait("bgp.stop", neighbor=name)
    assert f"({code}/{sub})" in stop["detail"] and stop["reason"] == "protocol-error"
    assert kedge.neighbor(name)["state"] == "Idle"
