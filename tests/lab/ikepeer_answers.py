"""What a scripted peer answers when nothing else is scripted, after its profile; a part of Peer (ikepeer.py)."""
import hashlib
import os
import socket
import time

from . import ikepeer_wire as w
from .ikepeer_crypto import Exchange, Suite, first_seed
from .ikepeer_esp import Child
from .ikepeer_sa import IkeSa
from .ikepeer_wire import Payload, need


def natd(spi_i, spi_r, address, port):
    return hashlib.sha1(spi_i + spi_r + socket.inet_aton(address) + port.to_bytes(2, "big")).digest()


class Answers:
    """asked_X(sa, message) gives the payloads of the answer to a request named X by what_is()."""

    # ---- IKE_SA_INIT ----

    def init_extras(self, sa, spi_i, spi_r):
        """What stands behind the nonce."""
        profile = self.profile
        out = [Payload(w.VENDOR, v) for v in profile.vendor_init]
        if profile.natd != "none":
            source = "192.0.2.99" if profile.natd == "fake" else self.address
            for name, address in (("NAT_DETECTION_SOURCE_IP", source), ("NAT_DETECTION_DESTINATION_IP", self.gateway)):
                out.append(w.notify(name, natd(spi_i, spi_r, address, 500), profile.notify_protocol))
        return out + [w.notify(name, data, profile.notify_protocol) for name, data in profile.notifies_init]

    def check_natd(self, message, sa):
        """The counterpart's own: nothing changes an address in this lab."""
        for name, address in (("NAT_DETECTION_SOURCE_IP", self.gateway),
                              ("NAT_DETECTION_DESTINATION_IP", self.address)):
            found = message.notify(name)
            if self.profile.natd != "none" or found:
                need(found and found.data == natd(message.spi_i, message.spi_r, address, 500), f"{name} is wrong")

    def asked_init(self, message, path):
        again = next((s for s in self.sas if not s.initiator and s.asked == message.raw), None)
        if again:
            self.send(again.answered, path)
            return
        need(message.id == 0 and message.flags == w.F_INITIATOR and message.spi_r == bytes(8), "header of IKE_SA_INIT")
        sa = IkeSa(False, message.spi_i, os.urandom(8), path=path, ni=message.one(w.NONCE),
                   nr=os.urandom(self.profile.nonce))
        self.note("init", sa, message)
        script = self.scripts["init"].popleft() if self.scripts["init"] else None
        payloads = script(self, sa, message) if script else self.answer_init(sa, message)
        if payloads is None:
            return
        if not any(p.type == w.SA for p in payloads):
            sa.spi_r = bytes(8)
        sa.asked, sa.next_in = message.raw, 1
        self.send(sa.answer(message, payloads), path)
        sa.init_request, sa.init_response = message.raw, sa.answered
        if sa.spi_r != bytes(8):
            sa.key(sa.suite, sa.seed)
            self.sas.append(sa)

    def answer_init(self, sa, message):
        """Checks what is asked; the answer, or a refusal."""
        offer = w.read_offer(message.one(w.SA), 0, w.P_IKE)
        group, public = w.read_ke(message.one(w.KE))
        need(any(group == t[1] for p in offer for t in p.kinds(w.T_DH)), "KE of a group that is not offered")
        need(16 <= len(sa.ni) <= 256, f"nonce of {len(sa.ni)} bytes")
        self.check_natd(message, sa)
        chosen = w.select(offer, [w.proposal(text, w.P_IKE) for text in self.profile.accept_ike])
        if not chosen:
            return [w.notify("NO_PROPOSAL_CHOSEN")]
        sa.suite = Suite(chosen)
        if group != sa.suite.dh:
            return [w.notify("INVALID_KE_PAYLOAD", sa.suite.dh.to_bytes(2, "big"))]
        exchange = Exchange(group)
        sa.seed = first_seed(sa.suite, sa.ni, sa.nr, exchange.shared(public))
        extras = self.init_extras(sa, sa.spi_i, sa.spi_r)
        if self.profile.certreq:
            extras.append(Payload(w.CERTREQ, self.profile.certreq))
        return [Payload(w.SA, w.write_sa([chosen])), w.ke(group, exchange.public), Payload(w.NONCE, sa.nr), *extras]

    # ---- IKE_AUTH ----

    def auth_extras(self):
        """What stands at the end of IKE_AUTH in either direction."""
        out = [w.notify(name, data, self.profile.notify_protocol) for name, data in self.profile.notifies_auth]
        if self.profile.config_request:
            # CFG_REQUEST without a wish that a site-to-site peer would have to fulfil: IP4_DNS, IP6_DNS
            out.append(Payload(w.CP, bytes([1, 0, 0, 0, 0, 3, 0, 0, 0, 10, 0, 0])))
        return out

    def offered_esp(self, message, with_groups):
        offer = w.read_offer(message.one(w.SA), 4, w.P_ESP)
        for proposal in offer:
            need(len(proposal.kinds(w.T_ESN)) >= 1, "ESP proposal without an ESN transform (3.3.3)")
            need(with_groups or not proposal.kinds(w.T_DH), "a group in IKE_AUTH (1.2)")
        return offer

    def choose_esp(self, offer, with_groups):
        own = []
        for text in self.profile.accept_esp:
            words = [x for x in text.split("-") if with_groups or w.ALGORITHMS[x][0] != w.T_DH]
            own.append(w.proposal("-".join(words), w.P_ESP, esn=self.profile.esn))
        return w.select(offer, own)

    def asked_auth(self, sa, message):
        self.check_auth(sa, message, w.IDI)
        sa.state = "up"
        payloads = self.auth_payloads(sa, w.IDR)
        if not message.has(w.SA):
            return payloads
        chosen = self.choose_esp(self.offered_esp(message, False), False)
        if not chosen:
            return payloads + [w.notify("NO_PROPOSAL_CHOSEN")]
        child, answer = self.take_child(chosen, message)
        sa.children.append(child.key(sa.suite.prf, sa.keys.d, sa.ni, sa.nr))
        extras = [p for p in self.auth_extras() if p.type != w.CP]
        return payloads + answer + extras

    def take_child(self, chosen, message):
        """The pair of an offer, without keys, and SA, TSi, TSr of the answer. The profile's selectors narrow."""
        spi_out, chosen.spi = chosen.spi, os.urandom(4)
        ts_i, ts_r = message.one(w.TSI), message.one(w.TSR)
        child = Child(Suite(chosen), chosen.spi, spi_out, False, w.read_ts(ts_r), w.read_ts(ts_i))
        return child, [Payload(w.SA, w.write_sa([chosen])), Payload(w.TSI, ts_i), Payload(w.TSR, ts_r)]

    # ---- CREATE_CHILD_SA ----

    def asked_child(self, sa, message, old=None):
        offer = self.offered_esp(message, True)
        chosen = self.choose_esp(offer, True)
        if not chosen:
            return [w.notify("NO_PROPOSAL_CHOSEN")]
        group = next((t[1] for t in chosen.kinds(w.T_DH)), 0)
        offered, public = w.read_ke(message.one(w.KE)) if message.has(w.KE) else (0, b"")
        if group and group != offered:
            return [w.notify("INVALID_KE_PAYLOAD", group.to_bytes(2, "big"))]
        child, answer = self.take_child(chosen, message)
        nr, shared = os.urandom(self.profile.nonce), b""
        answer.insert(1, Payload(w.NONCE, nr))
        if group:
            exchange = Exchange(group)
            shared = exchange.shared(public)
            answer.insert(2, w.ke(group, exchange.public))
        sa.children.append(child.key(sa.suite.prf, sa.keys.d, message.one(w.NONCE), nr, shared))
        if old:
            old.rekeyed_to = child
        return answer

    def asked_rekey_child(self, sa, message):
        rekey = message.notify("REKEY_SA")
        need(rekey.protocol == w.P_ESP, "REKEY_SA for another protocol")
        old = next((c for c in sa.children if c.spi_out == rekey.spi and c.deleted is None), None)
        if not old:
            return [w.notify("CHILD_SA_NOT_FOUND", b"", w.P_ESP, rekey.spi)]
        return self.asked_child(sa, message, old)

    def asked_rekey_ike(self, sa, message):
        offer = w.read_offer(message.one(w.SA), 8, w.P_IKE)
        chosen = w.select(offer, [w.proposal(text, w.P_IKE) for text in self.profile.accept_ike])
        if not chosen:
            return [w.notify("NO_PROPOSAL_CHOSEN")]
        suite, (group, public) = Suite(chosen), w.read_ke(message.one(w.KE))
        if group != suite.dh:
            return [w.notify("INVALID_KE_PAYLOAD", suite.dh.to_bytes(2, "big"))]
        new = IkeSa(False, chosen.spi, os.urandom(8), path=sa.path, ni=message.one(w.NONCE),
                    nr=os.urandom(self.profile.nonce))
        exchange = Exchange(group)
        chosen.spi = new.spi_r
        self.succeed(sa, new, suite, exchange.shared(public))
        return [Payload(w.SA, w.write_sa([chosen])), Payload(w.NONCE, new.nr), w.ke(group, exchange.public)]

    # ---- INFORMATIONAL ----

    def asked_probe(self, sa, message):
        return []

    def asked_info(self, sa, message):
        return []

    def asked_delete_child(self, sa, message):
        _, spis = w.read_delete(message.one(w.DELETE))
        gone = [c for c in sa.children if c.spi_out in spis]
        need(len(gone) == len(spis), f"DELETE of an SPI that is not here: {[s.hex() for s in spis]}")
        due = [c for c in gone if c.deleted is None]
        for child in due:
            child.deleted = time.monotonic()
        return [w.delete(w.P_ESP, *(c.spi_in for c in due))] if due else []

    def asked_delete_ike(self, sa, message):
        sa.state = "deleted"
        return []
