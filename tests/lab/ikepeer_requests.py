"""What a scripted peer asks for when a test tells it to, after its profile; a part of Peer (ikepeer.py)."""
import os
import time

from . import ikepeer_wire as w
from .ikepeer_crypto import Exchange, first_seed
from .ikepeer_sa import IkeSa
from .ikepeer_wire import Payload, need


class Requests:
    """Each sends one exchange (initiate: two), checks the answer and keeps what came of it."""

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

    def delete_ike(self, sa=None):
        sa = sa or self.sa
        answer = self.request(w.INFORMATIONAL, [w.delete(w.P_IKE)], sa)
        need(not answer.payloads, "the DELETE of an IKE SA is answered with payloads")
        sa.state = "deleted"
        return answer
