"""A scripted IKEv2 peer on UDP 500 and 4500 and raw ESP of a namespace: both roles, and as odd as a test wants it.

    with Peer(lab["peer"], IOS) as peer:
        peer.wait("auth")               # kedge initiated, and was answered
        peer.initiate()                 # or the other way round
        peer.rekey_child(); peer.rekey_ike(); peer.delete_child(); peer.ping()
        peer.script("rekey-child", lambda peer, sa, message: [notify("TEMPORARY_FAILURE")])

A thread answers what comes in after the profile (ikepeer_profiles.py) or after a script. It asserts what kedge sends:
the first Fault is raised by the next call from the test, at the latest when the `with` ends. It is no second IKE
daemon: it resolves no collisions, keeps no lifetimes, and asks for what the test tells it to.
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
from .ikepeer_crypto import Exchange, Suite, auth_psk, first_seed, prf
from .ikepeer_esp import Child, echo, read_echo
from .ikepeer_sa import IkeSa
from .ikepeer_wire import Fault, Message, Payload, need

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


class Peer(Answers):
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
        deadline = time.monotonic() + timeout
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
        deadline, due = time.monotonic() + timeout, time.monotonic() + RESEND
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

    # ---- requests ----

    def initiate(self, **changes):
        """IKE_SA_INIT, again with a COOKIE or for another group, and IKE_AUTH; the IKE SA."""
        sa = self.begin()
        answer = self.init(sa)
        need(sa.state == "keyed", f"IKE_SA_INIT was refused: {answer.errors()}")
        answer = self.auth(sa, **changes)
        need(sa.state == "up", f"IKE_AUTH was refused: {answer.errors()}")
        return sa

    def begin(self):
        sa = IkeSa(True, os.urandom(8), ni=os.urandom(self.profile.nonce), path=(500, (self.gateway, 500)))
        with self.changed:
            self.sas.append(sa)
        return sa

    def init(self, sa, first=(), group=None):
        offer = [w.proposal(text, w.P_IKE, n + 1) for n, text in enumerate(self.profile.ike)]
        sa.ke = Exchange(group or offer[0].kinds(w.T_DH)[0][1])
        payloads = [*first, Payload(w.SA, w.write_sa(offer)), w.ke(sa.ke.group, sa.ke.public), Payload(w.NONCE, sa.ni),
                    *self.init_extras(sa, sa.spi_i, bytes(8))]
        sa.next_out = 0
        sa.pending.clear()
        answer = self.request(w.SA_INIT, payloads, sa, lambda m: self._init_answered(sa, m, offer))
        if answer.notify("COOKIE"):
            return self.init(sa, [Payload(w.NOTIFY, answer.one(w.NOTIFY))], group)
        wish = answer.notify("INVALID_KE_PAYLOAD")
        if wish and not group:
            return self.init(sa, first, int.from_bytes(wish.data, "big"))
        return answer

    def _init_answered(self, sa, message, offer):
        if not message.has(w.SA):
            return
        chosen = self.one_of(w.read_sa(message.one(w.SA), 0), offer)
        group, public = w.read_ke(message.one(w.KE))
        need(group == sa.ke.group == chosen.dh, "KE of another group")
        sa.spi_r, sa.nr = message.spi_r, message.one(w.NONCE)
        need(16 <= len(sa.nr) <= 256, f"nonce of {len(sa.nr)} bytes")
        self.check_natd(message, sa)
        sa.init_request, sa.init_response = sa.pending[0].raw, message.raw
        sa.key(chosen, first_seed(chosen, sa.ni, sa.nr, sa.ke.shared(public)))
        sa.state = "keyed"
        if self.profile.natd == "fake":
            sa.path = (4500, (self.gateway, 4500))

    def auth(self, sa, child=True, identity=None, psk=None, extra=(), ts=None):
        sa.my_spi = os.urandom(4)
        payloads = self.auth_payloads(sa, w.IDI, identity, psk)
        ts_i, ts_r = ts or (self.profile.ts, self.profile.ts)
        offer = [w.proposal(text, w.P_ESP, n + 1, sa.my_spi, self.profile.esn)
                 for n, text in enumerate(self.profile.esp)]
        if child:
            payloads += [Payload(w.SA, w.write_sa(offer)), w.ts(w.TSI, *ts_i), w.ts(w.TSR, *ts_r)]
        payloads += [w.notify("INITIAL_CONTACT"), *self.auth_extras(), *extra]
        return self.request(w.IKE_AUTH, payloads, sa, lambda m: self._auth_answered(sa, m, offer))

    def _auth_answered(self, sa, message, offer):
        if not message.has(w.AUTH):
            return
        self.check_auth(sa, message, w.IDR)
        sa.state = "up"
        if message.has(w.SA):
            child = self.child_of(sa, message, offer, sa.my_spi, True)
            sa.children.append(child.key(sa.suite.prf, sa.keys.d, sa.ni, sa.nr))

    def rekey_child(self, child=None, offer=None, group=None, ts=None, new=False):
        """CREATE_CHILD_SA for a pair (new: beside it); deletes the old pair when it worked. The answer."""
        with self.changed:
            sa, old = self.sa, None if new else child or self.child
            spi, ni = os.urandom(4), os.urandom(self.profile.nonce)
            offer = [w.proposal(text, w.P_ESP, n + 1, spi, self.profile.esn)
                     for n, text in enumerate(offer or self.profile.offer_rekey)]
            exchange = Exchange(group) if group else None
            rekey = [] if new else [w.notify("REKEY_SA", b"", w.P_ESP, old.spi_in)]
            payloads = [Payload(w.SA, w.write_sa(offer)), Payload(w.NONCE, ni)]
            payloads += [w.ke(group, exchange.public)] if group else []
            ts_i, ts_r = ts or (self.profile.ts, self.profile.ts)
            payloads += [w.ts(w.TSI, *ts_i), w.ts(w.TSR, *ts_r)]
            payloads = rekey + payloads if self.profile.rekey_order == "first" else payloads + rekey

        def then(message):
            if not message.has(w.SA):
                return
            made = self.child_of(sa, message, offer, spi, True)
            shared = b""
            need(message.has(w.KE) == bool(made.suite.dh), "KE without a group, or the reverse")
            if made.suite.dh:
                shared = exchange.shared(w.read_ke(message.one(w.KE))[1])
            sa.children.append(made.key(sa.suite.prf, sa.keys.d, ni, message.one(w.NONCE), shared))
            if old:
                old.rekeyed_to = made

        answer = self.request(w.CREATE_CHILD_SA, payloads, sa, then)
        if answer.has(w.SA) and old:
            self.delete_child(old)
        return answer

    def delete_child(self, child=None):
        child = child or self.child
        answer = self.info(w.delete(w.P_ESP, child.spi_in))
        child.deleted = time.monotonic()
        if answer.has(w.DELETE):
            need(w.read_delete(answer.one(w.DELETE)) == (w.P_ESP, [child.spi_out]), "DELETE answered with another SPI")
        return answer

    def rekey_ike(self, offer=None, group=None, delete=True):
        """One proposal, the suite in use, unless told otherwise. Deletes the old IKE SA when it worked. The answer."""
        with self.changed:
            old = self.sa
            new = IkeSa(True, os.urandom(8), ni=os.urandom(self.profile.nonce), path=old.path)
            texts = offer or [old.suite.words]
            offer = [w.proposal(text, w.P_IKE, n + 1, new.spi_i) for n, text in enumerate(texts)]
            exchange = Exchange(group or offer[0].kinds(w.T_DH)[0][1])

        def then(message):
            if message.has(w.SA):
                chosen = self.one_of(w.read_sa(message.one(w.SA), 8), offer)
                new.spi_r = w.read_sa(message.one(w.SA), 8)[0].spi
                new.nr = message.one(w.NONCE)
                self.succeed(old, new, chosen, exchange.shared(w.read_ke(message.one(w.KE))[1]))

        answer = self.request(w.CREATE_CHILD_SA, [Payload(w.SA, w.write_sa(offer)), Payload(w.NONCE, new.ni),
                                                  w.ke(exchange.group, exchange.public)], old, then)
        if answer.has(w.SA) and delete:
            self.delete_ike(old)
        return answer

    def succeed(self, old, new, suite, shared):
        """2.18: the new IKE SA with the old one's children. The old PRF makes the seed."""
        new.key(suite, prf(old.suite.prf, old.keys.d, shared + new.ni + new.nr))
        new.state, new.peer_id = "up", old.peer_id
        new.children, old.children = old.children, []
        old.state = "rekeyed"
        self.sas.append(new)

    def delete_ike(self, sa=None):
        sa = sa or self.sa
        answer = self.request(w.INFORMATIONAL, [w.delete(w.P_IKE)], sa)
        need(not answer.payloads, "the DELETE of an IKE SA is answered with payloads")
        sa.state = "deleted"
        return answer

    # ---- shared by both roles ----

    @staticmethod
    def one_of(answer, offer):
        """The Suite of an answer, which has to be a choice from the offer."""
        need(len(answer) == 1, "an answer with several proposals")
        offered = next((p for p in offer if p.number == answer[0].number), None)
        need(offered, f"the answer's number {answer[0].number} was not offered")
        need(set(answer[0].transforms) <= set(offered.transforms), f"{answer[0].words()} was not offered")
        need({t[0] for t in answer[0].transforms} == {t[0] for t in offered.transforms}, "a type of transform is missing")
        return Suite(answer[0])

    def child_of(self, sa, message, offer, spi, made_by_us):
        """The pair that an answer to our offer describes, without keys."""
        answer = w.read_sa(message.one(w.SA), 4)
        suite = self.one_of(answer, offer)
        ts_i, ts_r = w.read_ts(message.one(w.TSI)), w.read_ts(message.one(w.TSR))
        return Child(suite, spi, answer[0].spi, made_by_us, ts_i, ts_r)

    def auth_payloads(self, sa, kind, identity=None, psk=None):
        body = w.identity(identity or self.profile.identity or self.address)
        message, nonce, sk = (sa.init_request, sa.nr, sa.keys.pi) if sa.initiator else \
            (sa.init_response, sa.ni, sa.keys.pr)
        data = auth_psk(sa.suite.prf, psk or self.psk, message, nonce, sk, body)
        return [*(Payload(w.VENDOR, v) for v in self.profile.vendor_auth), Payload(kind, body),
                Payload(w.AUTH, bytes([2, 0, 0, 0]) + data)]

    def check_auth(self, sa, message, kind):
        """The counterpart's AUTH."""
        body = message.one(kind)
        sent, nonce, sk = (sa.init_response, sa.ni, sa.keys.pr) if sa.initiator else \
            (sa.init_request, sa.nr, sa.keys.pi)
        wanted = auth_psk(sa.suite.prf, self.psk, sent, nonce, sk, body)
        need(message.one(w.AUTH) == bytes([2, 0, 0, 0]) + wanted, "AUTH does not verify")
        sa.peer_id = body
