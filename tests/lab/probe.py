"""A continuous ICMP probe between two hosts, and the path that its packets really take.

Echo requests leave a source host at a fixed interval; a sniffer at a router between the two, at either end of the
paths, sees through which interface each request and each reply passes. A path has a name only when both directions agree.
"""
import os
import select
import socket
import statistics
import struct
import threading
import time

from .errors import LabTimeout
from .sniff import IPPROTO_ICMP, Sniffer, make_room
from .wait import until

ASYMMETRIC = "asymmetric"


class Sample:
    """One request: when it left, when its answer was back, and the interfaces each of them passed."""

    __slots__ = ("sent", "answered", "forward", "backward")

    def __init__(self, sent):
        self.sent, self.answered, self.forward, self.backward = sent, None, None, None


class Outage:
    """The longest run of unanswered requests: from the last answered one before it to the first after it."""

    def __init__(self, last_good, first_good, lost):
        self.last_good, self.first_good, self.lost = last_good, first_good, lost

    @property
    def ms(self):
        return round((self.first_good - self.last_good) * 1000, 1) if self.lost else 0.0


class PathProbe:
    """with PathProbe(source, destination address, edge, {"er0": "expressroute", "kedge0": "vpn"}) as probe: ..."""

    def __init__(self, source, destination, edge, paths, interval=0.01):
        self.destination, self.paths, self.interval = destination, paths, interval
        self.samples = []
        self._identifier = os.getpid() & 0xffff
        self._socket = source.namespace.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        self._socket.setblocking(False)
        make_room(self._socket)  # it hears the answers to everybody else's pings, too
        self._sniffer = Sniffer(edge)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()
        self._socket.close()
        self._sniffer.close()

    def _run(self):
        due = time.monotonic()
        while not self._stop.is_set():
            left = due - time.monotonic()
            if left <= 0:
                self._send()
                due = max(due + self.interval, time.monotonic())
                continue
            ready = select.select([self._socket, self._sniffer], [], [], left)[0]
            if self._socket in ready:
                self._receive()
            if self._sniffer in ready:
                self._observe()

    def _send(self):
        sequence = len(self.samples)
        body = struct.pack("!HHQ", self._identifier, sequence & 0xffff, sequence)
        header = struct.pack("!BBH", 8, 0, _checksum(struct.pack("!BBH", 8, 0, 0) + body))
        self.samples.append(Sample(time.time()))
        try:
            self._socket.sendto(header + body, (self.destination, 0))
        except OSError:
            pass  # no route at the moment: an unanswered request like any other

    def _sample(self, icmp, kind):
        """The sample an ICMP message belongs to, or None when it is not of this probe."""
        if len(icmp) < 16 or icmp[0] != kind or struct.unpack("!H", icmp[4:6])[0] != self._identifier:
            return None
        sequence = struct.unpack("!Q", icmp[8:16])[0]
        return self.samples[sequence] if sequence < len(self.samples) else None

    def _receive(self):
        while True:
            try:
                raw, _ = self._socket.recvfrom(2048)
            except OSError:
                return  # no more, or an ICMP error that the kernel hands to raw sockets
            sample = self._sample(raw[(raw[0] & 15) * 4:], 0)
            if sample and sample.answered is None:
                sample.answered = time.time()

    def _observe(self):
        for packet in self._sniffer.drain():
            if packet.protocol != IPPROTO_ICMP or packet.interface not in self.paths:
                continue
            path = self.paths[packet.interface]
            for kind, way in ((8, "forward"), (0, "backward")):
                sample = self._sample(packet.payload, kind)
                if sample:
                    setattr(sample, way, path)

    def path(self, samples=20):
        """The path of the last answered requests; None when fewer have been answered in the last second."""
        since = time.time() - 1
        seen = [s for s in self.samples[-samples * 5:] if s.answered and s.sent > since][-samples:]
        if len(seen) < samples:
            return None
        ways = {way for sample in seen for way in (sample.forward, sample.backward)}
        return ways.pop() if len(ways) == 1 and None not in ways else ASYMMETRIC

    def wait_path(self, path, timeout):
        """Returns when all of the last requests took this path both ways; LabTimeout tells which one they took."""
        until(lambda: self.path() == path, timeout,
              lambda: f"path {path} to {self.destination}; it is {self.path()}", 0.02)

    def wait_any(self, timeout):
        """The path, whichever it is, once requests are answered; None when they are not in time."""
        try:
            return until(self.path, timeout, f"an answer from {self.destination}", 0.02)
        except LabTimeout:
            return None

    def first(self, path, after):
        """The send time of the first request after a time that was answered over this path both ways."""
        return next((s.sent for s in self.samples
                     if s.sent >= after and s.answered and s.forward == s.backward == path), None)

    def outage(self, since, until_time=None):
        """The longest outage among the requests sent in this time."""
        worst, last_good, lost = None, None, 0
        for sample in [s for s in self.samples if s.sent >= since and (not until_time or s.sent <= until_time)]:
            if sample.answered is None:
                lost += 1
                continue
            if lost and last_good and (worst is None or sample.sent - last_good > worst.first_good - worst.last_good):
                worst = Outage(last_good, sample.sent, lost)
            last_good, lost = sample.sent, 0
        return worst or Outage(last_good, last_good, 0)

    def rtt_ms(self):
        """The median round-trip time."""
        times = [s.answered - s.sent for s in self.samples if s.answered]
        return round(statistics.median(times) * 1000, 3) if times else None

    def lost(self):
        """Unanswered requests, without those of the last second that may still be."""
        return sum(1 for s in self.samples if not s.answered and s.sent < time.time() - 1)


def _checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xffff)
    return ~(total + (total >> 16)) & 0xffff
