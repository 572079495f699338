"""What a scripted peer does alike in both roles: choices, AUTH, succession; a part of Peer (ikepeer.py)."""
from . import ikepeer_wire as w
from .ikepeer_crypto import Suite, auth_psk, prf
from .ikepeer_esp import Child
from .ikepeer_wire import Payload, need


class Shared:
    """By both Answers and Requests."""

    def succeed(self, old, new, suite, shared):
        """2.18: the new IKE SA with the old one's children. The old PRF makes the seed."""
        new.key(suite, prf(old.suite.prf, old.keys.d, shared + new.ni + new.nr))
        new.state, new.peer_id = "up", old.peer_id
        new.children, old.children = old.children, []
        old.state = "rekeyed"
        self.sas.append(new)

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
