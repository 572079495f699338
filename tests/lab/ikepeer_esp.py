"""ESP of the scripted peers (RFC 4303): a pair of SAs, and the ICMP echo that is sent through it.

Strict about what comes in: sequence numbers count up from 1 without a repeat, padding is 1, 2, 3, ..., next header is
that of the packet inside, nothing comes on a pair that was deleted.
"""
import os
import socket
import struct
import time

from .ikepeer_crypto import Box, prf_plus, split
from .ikepeer_wire import need

GRACE = 0.5  # packets that were under way when a pair was deleted


class Child:
    """One CHILD SA. spi_in is ours; made_by_us: our request made it."""

    def __init__(self, suite, spi_in, spi_out, made_by_us, ours, theirs):
        self.suite, self.spi_in, self.spi_out, self.made_by_us = suite, spi_in, spi_out, made_by_us
        self.ours, self.theirs = ours, theirs       # selectors as read_ts gives them
        self.sent = self.received = 0
        self.deleted = None                         # since when
        self.rekeyed_to = None
        self.box_in = self.box_out = None

    def key(self, prf, sk_d, ni, nr, shared=b""):
        """2.17. The nonces are those of the exchange that made the pair."""
        encryption, integrity = self.suite.key_lengths
        stream = prf_plus(prf, sk_d, shared + ni + nr, 2 * (encryption + integrity))
        keys = split(stream, [encryption, integrity] * 2)
        forward, backward = Box(self.suite, *keys[:2]), Box(self.suite, *keys[2:])
        self.box_out, self.box_in = (forward, backward) if self.made_by_us else (backward, forward)
        return self

    def seal(self, packet):
        """An IP packet as an ESP packet."""
        self.sent += 1
        pad = -(len(packet) + 2) % max(self.box_out.block, 4)
        plain = packet + bytes(range(1, pad + 1)) + bytes([pad, 4 if packet[0] >> 4 == 4 else 41])
        front = self.spi_out + struct.pack("!I", self.sent)
        if self.suite.esn and self.suite.aead:
            return front + self.box_out.seal(self.spi_out + struct.pack("!Q", self.sent), plain)
        return front + self.box_out.seal(front, plain, bytes(4) if self.suite.esn else b"")

    def open(self, raw):
        """The reverse, and the rules above."""
        need(self.deleted is None or time.monotonic() < self.deleted + GRACE, f"ESP on {self.spi_in.hex()}, deleted")
        sequence = struct.unpack("!I", raw[4:8])[0]
        need(sequence > self.received, f"ESP sequence number {sequence} after {self.received}")
        need(self.received or sequence == 1, f"ESP sequence numbers begin at {sequence}")
        if self.suite.esn and self.suite.aead:
            plain = self.box_in.open(raw[:4] + bytes(4) + raw[4:8], raw[8:])
        else:
            plain = self.box_in.open(raw[:8], raw[8:], bytes(4) if self.suite.esn else b"")
        self.received = sequence
        pad, following = plain[-2:]
        need(pad + 2 <= len(plain), "ESP padding longer than the packet")
        need(plain[-2 - pad:-2] == bytes(range(1, pad + 1)), "ESP padding is not 1, 2, 3, ...")
        packet = plain[:-2 - pad]
        need(following == {4: 4, 6: 41}.get(packet[0] >> 4), f"ESP next header {following}")
        return packet


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data + bytes(len(data) % 2)[:len(data) % 2]))
    total = (total >> 16) + (total & 0xffff)
    return ~(total + (total >> 16)) & 0xffff


def echo(source, destination, kind, identifier, sequence, data=bytes(32)):
    """An IPv4 packet with an ICMP echo request (kind 8) or reply (0)."""
    icmp = struct.pack("!BBHHH", kind, 0, 0, identifier, sequence) + data
    icmp = icmp[:2] + struct.pack("!H", checksum(icmp)) + icmp[4:]
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(icmp), struct.unpack("!H", os.urandom(2))[0], 0, 64, 1, 0,
                       socket.inet_aton(source), socket.inet_aton(destination))
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + icmp


def read_echo(packet):
    """(source, destination, kind, identifier, sequence, data) of an ICMP echo, else None."""
    if packet[0] != 0x45 or packet[9] != 1 or packet[20] not in (0, 8):
        return None
    identifier, sequence = struct.unpack("!HH", packet[24:28])
    return (socket.inet_ntoa(packet[12:16]), socket.inet_ntoa(packet[16:20]), packet[20], identifier, sequence,
            packet[28:])
