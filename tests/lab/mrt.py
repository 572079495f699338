"""A reader of MRT files (RFC 6396) of the tests' own: TABLE_DUMP_V2 and BGP4MP_ET as rows."""
import ipaddress
import struct

SUBTYPES = {2: 4, 4: 16}  # RIB_IPV4_UNICAST, RIB_IPV6_UNICAST: bytes of an address


class Cursor:
    """Takes fields off bytes; what is short is an error."""

    def __init__(self, data):
        self.data = data

    def take(self, n):
        if n > len(self.data):
            raise ValueError(f"{n} bytes wanted, {len(self.data)} left")
        part, self.data = self.data[:n], self.data[n:]
        return part

    def number(self, size):
        return int.from_bytes(self.take(size), "big")


def records(data):
    """(timestamp, type, subtype, body) of each record."""
    cursor = Cursor(data)
    while cursor.data:
        when, kind, subtype, length = struct.unpack(">IHHI", cursor.take(12))
        yield when, kind, subtype, cursor.take(length)


def peer_index(body):
    """[(router id, address, AS)] of a PEER_INDEX_TABLE, and the view's name."""
    cursor = Cursor(body)
    cursor.take(4)
    view = cursor.take(cursor.number(2)).decode()
    peers = []
    for _ in range(cursor.number(2)):
        kind = cursor.number(1)
        router_id = str(ipaddress.ip_address(cursor.take(4)))
        address = str(ipaddress.ip_address(cursor.take(16 if kind & 1 else 4)))
        peers.append((router_id, address, cursor.number(4 if kind & 2 else 2)))
    assert not cursor.data
    return view, peers


def attributes(data):
    """{code: value}"""
    cursor, found = Cursor(data), {}
    while cursor.data:
        flags, code = cursor.number(1), cursor.number(1)
        assert code not in found
        found[code] = cursor.take(cursor.number(2 if flags & 0x10 else 1))
    return found


def as_path(value):
    cursor, path = Cursor(value), []
    while cursor.data:
        cursor.take(1)
        path += [cursor.number(4) for _ in range(cursor.number(1))]
    return path


def table(data):
    """[(prefix, peer's address, AS path, next hop)], in the file's order; sequence numbers rise from 0."""
    rows, peers, expected = [], None, 0
    for _, kind, subtype, body in records(data):
        assert kind == 13
        if subtype == 1:
            _, peers = peer_index(body)
            expected = 0
            continue
        cursor, size = Cursor(body), SUBTYPES[subtype]
        assert cursor.number(4) == expected
        expected += 1
        length = cursor.number(1)
        address = cursor.take((length + 7) // 8).ljust(size, b"\0")
        prefix = f"{ipaddress.ip_address(address)}/{length}"
        for _ in range(cursor.number(2)):
            peer = peers[cursor.number(2)]
            cursor.take(4)
            found = attributes(cursor.take(cursor.number(2)))
            hop = found[3] if size == 4 else found[14][1:]
            rows.append((prefix, peer[1], as_path(found[2]), str(ipaddress.ip_address(hop))))
        assert not cursor.data
    return rows


def messages(data):
    """[(peer's address, sent by us, type, body)] of BGP4MP_ET records with four-octet ASNs."""
    rows = []
    for _, kind, subtype, body in records(data):
        assert kind == 17 and subtype in (4, 7)
        cursor = Cursor(body)
        cursor.take(4 + 4 + 4 + 2)
        size = 16 if cursor.number(2) == 2 else 4
        peer = str(ipaddress.ip_address(cursor.take(size)))
        cursor.take(size)
        assert cursor.take(16) == b"\xff" * 16 and cursor.number(2) == len(cursor.data) + 18
        rows.append((peer, subtype == 7, cursor.number(1), cursor.data))
    return rows
