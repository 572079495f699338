"""What passes through a host's interfaces, seen by an AF_PACKET socket: every interface, both directions.

One unbound socket sees interfaces that come and go, too (a TUN device that a daemon makes later).
"""
import select
import socket
import struct
import time

ETH_P_ALL = 3
SO_RCVBUFFORCE = 33
SO_TIMESTAMPNS = 35
PACKET_OUTGOING = 4
IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ESP = 1, 6, 17, 50


class Packet:
    """One IP packet: when (time.time()), on which interface, which way, and its fields (of IPv6 without
    extension headers)."""

    __slots__ = ("time", "interface", "outgoing", "raw", "payload", "source", "destination", "protocol", "ttl")

    def __init__(self, when, interface, outgoing, raw):
        self.time, self.interface, self.outgoing, self.raw = when, interface, outgoing, raw
        if raw[0] >> 4 == 6:
            self.payload = raw[40:]
            self.ttl, self.protocol = raw[7], raw[6]
            self.source, self.destination = (socket.inet_ntop(socket.AF_INET6, raw[at:at + 16]) for at in (8, 24))
            return
        self.payload = raw[(raw[0] & 15) * 4:]
        self.ttl, self.protocol = raw[8], raw[9]
        self.source, self.destination = socket.inet_ntoa(raw[12:16]), socket.inet_ntoa(raw[16:20])

    @property
    def ports(self):
        return struct.unpack("!HH", self.payload[:4])

    @property
    def is_syn(self):
        """The first segment of a TCP connection: SYN without ACK."""
        return self.protocol == IPPROTO_TCP and len(self.payload) >= 14 and self.payload[13] & 0x12 == 0x02

    def __repr__(self):
        way = "out of" if self.outgoing else "into"
        ports = f" {self.ports}" if self.protocol in (IPPROTO_TCP, IPPROTO_UDP) else ""
        return f"{self.source} > {self.destination} protocol {self.protocol}{ports} {way} {self.interface}"


def make_room(receiver):
    """A receive buffer beyond net.core.rmem_max, which holds some hundred packets: a slow machine needs more."""
    receiver.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)


class Sniffer:
    """with Sniffer(host) as sniffer: ...; packets(seconds) yields IPv4 (or IPv6) packets as they come."""

    def __init__(self, host, version=4):
        self.version = version
        self.socket = host.namespace.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
        make_room(self.socket)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.socket.setblocking(False)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def fileno(self):
        return self.socket.fileno()

    def drain(self):
        """The packets that are there, without waiting."""
        out = []
        while True:
            try:
                raw, ancillary, _flags, address = self.socket.recvmsg(65536, 64)
            except BlockingIOError:
                return out
            if len(raw) >= (20 if self.version == 4 else 40) and raw[0] >> 4 == self.version:
                out.append(Packet(_stamp(ancillary), address[0], address[2] == PACKET_OUTGOING, raw))

    def packets(self, seconds):
        """Yields packets until the time is over."""
        deadline = time.monotonic() + seconds
        while True:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.socket], [], [], left)[0]:
                return
            yield from self.drain()

    def wait(self, matches, seconds):
        """The first packet that matches, or None when none came in time."""
        return next((packet for packet in self.packets(seconds) if matches(packet)), None)


def _stamp(ancillary):
    for _level, kind, data in ancillary:
        if kind == SO_TIMESTAMPNS:
            seconds, nanoseconds = struct.unpack("qq", data[:16])
            return seconds + nanoseconds / 1e9
    return time.time()
