"""A scripted IKEv2 peer on UDP 500 and 4500 and raw ESP of a namespace: both roles, and as odd as a test wants it.

    with Peer(lab["peer"], IOS) as peer:
        peer.wait("auth")               # kedge initiated, and was answered
        peer.initiate()                 # or the other way round
        peer.rekey_child(); peer.rekey_ike(); peer.delete_child(); peer.ping()
        peer.script("rekey-child", lambda peer, sa, message: [notify("TEMPORARY_FAILURE")])

A thread answers what comes in after the profile (ikepeer_profiles.py) or after a script; it asserts what kedge sends:
the first Fault is raised by the next call from the test, at the latest when the `with` ends. It is no second IKE
daemon: it resolves no collisions, keeps no lifetimes, and asks for what the test tells it to. Here are its sockets, its
thread and what it has seen; the exchanges are in ikepeer_answers.py and ikepeer_requests.py.
"""
import os
import select
import socket
import threading
import time
import traceback
from collections import defaultdict, deque
from dataclasses import dataclass

from . import ikepeer_wire as w
from .ikepeer_answers import Answers
from .ikepeer_esp import echo, read_echo
from .ikepeer_requests import Requests
from .ikepeer_sa import IkeSa
from .ikepeer_shared import Shared
from .ikepeer_wire import Fault, Message, need
from .wait import deadline_in

PSK = b"a-preshared-key-of-the-lab"
RESEND = 1.0


@dataclass
class Seen:
    """A request of the counterpart: its number here, what it was, on which SA, opened; when."""
    number: int
    what: str
    sa: IkeSa
    message: Message
    time: float


def what_is(message):
    """A short name of a request."""
    if message.exchange == w.SA_INIT:
        return "init"
    if message.exchange == w.IKE_AUTH:
        return "auth"
    if message.exchange == w.CREATE_CHILD_SA:
        if not message.has(w.TSI):
            return "rekey-ike"
        return "rekey-child" if message.notify("REKEY_SA") else "child"
    if message.has(w.DELETE):
        return "delete-ike" if w.read_delete(message.one(w.DELETE))[0] == w.P_IKE else "delete-child"
    return "info" if message.payloads else "probe"


class Peer(Answers, Requests, Shared):
    """sas: newest last. journal: the counterpart's requests in order."""

    def __init__(self, host, profile, address="198.51.100.1", gateway="192.0.2.1", psk=PSK, inner="10.0.2.1",
                 inner_gateway="10.0.1.1"):
        self.profile, self.psk = profile, psk
        self.address, self.gateway, self.inner, self.inner_gateway = address, gateway, inner, inner_gateway
        self.sas, self.journal, self.strays = [], [], 0
        self.changed = threading.Condition(threading.RLock())
        self.faults, self.scripts = [], defaultdict(deque)
        self.echoes = {}            # sequence: answered
        self.mute = False           # nothing is answered and nothing sent: a dead peer
        self._sockets = {port: self._udp(host, port) for port in (500, 4500)}
        self._raw = host.namespace.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ESP)
        self._raw.bind((address, 0))
        self._wake = os.pipe()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _udp(self, host, port):
        out = host.namespace.socket(socket.AF_INET, socket.SOCK_DGRAM)
        out.bind((self.address, port))
        return out

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, kind, *_):
        os.write(self._wake[1], b"x")
        self._thread.join()
        for each in (*self._sockets.values(), self._raw):
            each.close()
        for end in self._wake:
            os.close(end)
        if kind is None:
            self.check()

    def check(self):
        """Raises the first Fault that the thread has met."""
        if self.faults:
            raise Fault(self.faults[0])

    # ---- the thread ----

    def _run(self):
        by_socket = {each: port for port, each in self._sockets.items()}
        while True:
            ready = select.select([self._raw, *by_socket, self._wake[0]], [], [])[0]
            if self._wake[0] in ready:
                return
            for each in sorted(ready, key=lambda s: s is self._raw):  # the answer that made a pair, then its ESP
                try:
                    raw, source = each.recvfrom(65536)
                    with self.changed:
                        self._received(raw, by_socket.get(each), source)
                except Exception:  # whatever it is, the test shall see it
                    self.faults.append(traceback.format_exc())
                finally:
                    with self.changed:
                        self.changed.notify_all()

    def _received(self, raw, port, source):
        if self.mute:
            return
        if port is None:
            need(raw[0] >> 4 == 4, "raw ESP is IPv4")
            self._esp(raw[(raw[0] & 15) * 4:])
        elif port == 4500 and raw == b"\xff":
            pass  # NAT keepalive
        elif port == 4500 and raw[:4] != bytes(4):
            self._esp(raw)
        else:
            self._ike(raw[4:] if port == 4500 else raw, (port, source))

    def _esp(self, raw):
        child = next((c for sa in self.sas for c in sa.children if c.spi_in == raw[:4]), None)
        need(child, f"ESP with unknown SPI {raw[:4].hex()}")
        seen = read_echo(child.open(raw))
        if not seen or seen[1] != self.inner:
            return
        source, destination, kind, identifier, sequence, data = seen
        if kind == 8:
            self.send_packet(echo(destination, source, 0, identifier, sequence, data))
        else:
            self.echoes[sequence] = True

    def _ike(self, raw, path):
        message = w.parse(raw)
        if message.exchange == w.SA_INIT:
            if message.response:
                self._answered(next((s for s in self.sas if s.spi_i == message.spi_i and s.initiator), None), message)
            else:
                self.asked_init(message, path)
            return
        spi = message.spi_r if message.flags & w.F_INITIATOR else message.spi_i
        sa = next((s for s in self.sas if s.spi == spi), None)
        if sa is None or not sa.keys or sa.state == "deleted":
            self.strays += 1
        elif message.response:
            self._answered(sa, message)
        else:
            self._asked(sa, message, path)

    def _answered(self, sa, message):
        pending = sa and sa.pending.get(message.id)
        need(pending, f"an answer to nothing (message id {message.id})")
        need(message.exchange == pending.exchange, "an answer of another exchange")
        need(bool(message.flags & w.F_INITIATOR) != sa.initiator, "initiator flag of the wrong side")
        if pending.answer:
            need(message.raw == pending.answer.raw, "an answer that is not the same again")
            pending.duplicates += 1
            return
        opened = message if message.exchange == w.SA_INIT else sa.opened(message)
        if pending.then:
            pending.then(opened)
        pending.answer = opened

    def _asked(self, sa, message, path):
        if not sa.is_new(message):
            if sa.answered:
                self.send(sa.answered, path)
            return
        opened = sa.opened(message)
        sa.take(message)
        sa.path = path
        what = what_is(opened)
        self.note(what, sa, opened)
        script = self.scripts[what].popleft() if self.scripts[what] else None
        payloads = script(self, sa, opened) if script else getattr(self, "asked_" + what.replace("-", "_"))(sa, opened)
        if payloads is not None:
            self.send(sa.answer(message, payloads), path)

    def note(self, what, sa, message):
        self.journal.append(Seen(len(self.journal), what, sa, message, time.monotonic()))

    # ---- sending ----

    def send(self, raw, path):
        port, destination = path
        if not self.mute:
            self._sockets[port].sendto((bytes(4) if port == 4500 else b"") + raw, destination)

    def send_packet(self, packet, child=None):
        """An inner packet, on the pair in use."""
        with self.changed:
            child = child or self.child
            raw = child.seal(packet)
            port, destination = self._sa_of(child).path
            if self.mute:
                return
            if port == 4500:
                self._sockets[4500].sendto(raw, destination)
            else:
                self._raw.sendto(raw, (self.gateway, 0))

    def _sa_of(self, child):
        return next(sa for sa in reversed(self.sas) if child in sa.children)

    # ---- what a test asks ----

    @property
    def sa(self):
        """The newest IKE SA that is up."""
        found = [sa for sa in self.sas if sa.state == "up"]
        need(found, f"no IKE SA is up; there are {[sa.state for sa in self.sas]}")
        return found[-1]

    @property
    def child(self):
        """The pair to send on: the newest of ours, or of the counterpart's that it is known to use."""
        for sa in reversed(self.sas):
            for child in reversed(sa.children):
                if child.deleted is None and (child.made_by_us or child.received or not self._replacing(sa, child)):
                    return child
        raise Fault("no CHILD SA")

    @staticmethod
    def _replacing(sa, child):
        return any(c.rekeyed_to is child and c.deleted is None for c in sa.children)

    @property
    def live_children(self):
        return [c for sa in self.sas if sa.state == "up" for c in sa.children if c.deleted is None]

    @property
    def mark(self):
        return len(self.journal)

    def script(self, what, answer, times=1):
        """answer(peer, sa, message) answers the next requests of this kind: a list of payloads; None: no answer."""
        with self.changed:
            self.scripts[what].extend([answer] * times)

    def until(self, condition, timeout, text):
        """The value of condition() once it is true."""
        deadline = deadline_in(timeout)
        with self.changed:
            while True:
                self.check()
                value = condition()
                if value:
                    return value
                left = deadline - time.monotonic()
                need(left > 0, f"not within {timeout:g} s: {text}; seen: {[s.what for s in self.journal]}")
                self.changed.wait(left)

    def wait(self, what, timeout=10, after=0):
        """The first request of a kind behind a mark."""
        return self.until(lambda: next((s for s in self.journal[after:] if s.what == what), None), timeout, what)

    def none(self, what, seconds, after=0):
        """Asserts that no such request comes for a while."""
        with self.changed:
            self.changed.wait_for(lambda: any(s.what == what for s in self.journal[after:]), seconds)
            need(all(s.what != what for s in self.journal[after:]), f"{what} came")
        self.check()

    def request(self, exchange, payloads, sa=None, then=None, number=None, wait=True, timeout=10):
        """Sends a request, again every second, until it is answered; the answer, or (not waiting) what is pending."""
        with self.changed:
            sa = sa or self.sa
            pending = sa.request(exchange, payloads, number)
            pending.then, pending.path = then, sa.path
            self.send(pending.raw, sa.path)
        return self.answer_of(pending, timeout) if wait else pending

    def answer_of(self, pending, timeout=10):
        deadline, due = deadline_in(timeout), time.monotonic() + RESEND
        with self.changed:
            while not pending.answer:
                self.check()
                need(time.monotonic() < deadline, f"request {pending.id} (exchange {pending.exchange}) is not answered")
                if time.monotonic() >= due:
                    self.send(pending.raw, pending.path)
                    due += RESEND
                self.changed.wait(max(due - time.monotonic(), 0))
        self.check()
        return pending.answer

    def info(self, *payloads):
        return self.request(w.INFORMATIONAL, list(payloads))

    def probe(self):
        answer = self.info()
        need(not answer.payloads, f"a probe answered with {answer.payloads}")

    def ping(self, count=5, child=None):
        """Echo requests through the tunnel, each answered before the next."""
        for _ in range(count):
            with self.changed:
                sequence = len(self.echoes)
                self.echoes[sequence] = False
            self.send_packet(echo(self.inner, self.inner_gateway, 8, 77, sequence), child)
            self.until(lambda number=sequence: self.echoes[number], 5, f"the answer to ping {sequence}")
