"""A wire that takes its time, for kernels without netem: a host between two others whose frames wait before they go on.

    with SlowWire(host, "left0", "right0", 0.15): ...   # so many seconds each way

The host forwards nothing itself; its two devices need no addresses. Checksums that a sender left to its device aren't
filled in: it carries ICMP and ARP.
"""
import collections
import select
import socket
import threading
import time

from .sniff import ETH_P_ALL, PACKET_OUTGOING, make_room


class SlowWire:
    def __init__(self, host, one, other, seconds):
        self.seconds = seconds
        self._ends = [self._end(host, device) for device in (one, other)]
        self._held = collections.deque()  # (when it goes on, where, frame), in that order: all wait equally long
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    @staticmethod
    def _end(host, device):
        end = host.namespace.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        end.bind((device, ETH_P_ALL))
        end.setblocking(False)
        make_room(end)
        return end

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()
        for end in self._ends:
            end.close()

    def _run(self):
        while not self._stop.is_set():
            left = self._held[0][0] - time.monotonic() if self._held else 0.05
            for end in select.select(self._ends, [], [], max(0, min(left, 0.05)))[0]:
                self._hold(end)
            while self._held and self._held[0][0] <= time.monotonic():
                _due, end, frame = self._held.popleft()
                end.send(frame)

    def _hold(self, end):
        other = self._ends[1 - self._ends.index(end)]
        while True:
            try:
                frame, where = end.recvfrom(65536)
            except BlockingIOError:
                return
            if where[2] != PACKET_OUTGOING:
                self._held.append((time.monotonic() + self.seconds, other, frame))
