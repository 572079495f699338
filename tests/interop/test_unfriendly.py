"""Peers that are legal but difficult, and the nearest that are not, scripted (lab/ikepeer.py): refusals, retries, storms."""
import os

import pytest

from lab import ikepeer_wire as w
from lab.ikepeer_profiles import PLAIN
from lab.ikepeer_sa import unknown_critical
from lab.ikepeer_wire import Payload
from peers import ping
from scripted import agree, meeting, pair, status

PFS = PLAIN.but(esp_accept=("aes256-sha256-modp2048", "aes256-sha256"))
STORM = [w.notify(40000 + i, os.urandom(i % 40)) for i in range(24)]


@pytest.fixture(scope="module")
def lab():
    with pair() as topology:
        yield topology


@pytest.fixture
def responder(lab):
    """kedge waits; nothing has been said."""
    with meeting(lab, PLAIN, {"role": "responder"}) as both:
        yield both


@pytest.fixture
def up(lab):
    with meeting(lab, PLAIN, {"role": "responder"}) as (kedge, peer):
        peer.initiate()
        kedge.wait_up("peer")
        yield kedge, peer


@pytest.fixture
def before(lab):
    """The peer is there and can be scripted; start() starts kedge as the initiator."""
    with meeting(lab, PLAIN, {"retry": "1s"}, start=False) as (_, peer):
        def start():
            lab.start_services("gate")
            return lab["gate"].kedge
        yield start, peer


def pass_both_ways(lab, peer):
    peer.ping()
    ping(lab["gate"], peer.inner, peer.inner_gateway)


def refused(kedge, reason):
    return kedge.events.wait("tunnel.state", 15, tunnel="peer", reason=reason)


# ---- identities ----

@pytest.mark.parametrize("identity", ["peer.example", "peer@example", "198.51.100.2", "2001:db8::1",
                                      b"\2\0\0\x00198.51.100.1", b"\1\0\0\0\xc6\x33\x64", b"\x0b\0\0\0key", b"\xc9\0\0\0x"])
def test_another_identity_than_the_configured_is_refused_in_both_roles(lab, identity):
    """Of another type, another value, its text as a name, malformed: the key may be right, the peer is not."""
    with meeting(lab, PLAIN, {"role": "responder"}) as (kedge, peer):
        sa = peer.begin()
        peer.init(sa)
        assert peer.auth(sa, identity=identity).errors() == ["AUTHENTICATION_FAILED"]
        assert kedge.events.wait("ike.refused", reason="auth-failed") and not status(kedge)["ike"]["established"]


def test_a_responder_of_another_identity_is_told_authentication_failed(before):
    """RFC 7296 2.21.2: in an INFORMATIONAL exchange of its own."""
    start, peer = before
    peer.profile = peer.profile.but(identity="peer.example")
    kedge = start()
    refused(kedge, "auth-failed")
    assert peer.wait("info").message.errors() == ["AUTHENTICATION_FAILED"]


# ---- IKE_SA_INIT ----

def cookie(data):
    return lambda *_: [w.notify("COOKIE", data)]


def group(number):
    return lambda *_: [w.notify("INVALID_KE_PAYLOAD", number.to_bytes(2, "big"))]


@pytest.mark.parametrize("length", [1, 20, 64])
def test_a_cookie_comes_back_first_and_the_rest_is_the_same(lab, before, length):
    start, peer = before
    data = os.urandom(length)
    peer.script("init", cookie(data))
    kedge = start()
    kedge.wait_up("peer")
    first, second = (seen.message for seen in peer.journal if seen.what == "init")
    assert w.read_notify(second.payloads[0].body).data == data
    assert second.payloads[1:] == first.payloads and second.spi_i == first.spi_i
    pass_both_ways(lab, peer)


def test_a_cookie_that_is_too_long_is_not_obeyed(before):
    start, peer = before
    peer.script("init", cookie(bytes(65)))
    kedge = start()
    kedge.wait_up("peer")
    assert not any(seen.message.notify("COOKIE") for seen in peer.journal if seen.what == "init")


def test_cookie_and_group_and_cookie_again(lab, before):
    """2.6.1: both round trips, in this order, then the answer."""
    start, peer = before
    peer.profile = peer.profile.but(ike=("aes256-sha256-ecp256",))
    peer.script("init", cookie(b"one"))
    peer.script("init", group(19))
    peer.script("init", cookie(b"two"))
    tunnel = lab.description["hosts"]["gate"]["kedge"]["tunnels"][0]
    tunnel["ike"] = ["aes256-sha256-modp2048", "aes256-sha256-ecp256"]
    kedge = start()
    kedge.wait_up("peer")
    inits = [seen.message for seen in peer.journal if seen.what == "init"]
    assert [w.read_ke(m.one(w.KE))[0] for m in inits] == [14, 14, 19, 19]
    assert inits[-1].notify("COOKIE").data == b"two"
    assert len({m.one(w.SA) for m in inits}) == 1, "the whole offer each time"


@pytest.mark.parametrize("wishes", [[19, 19], [2], [0], [14], [20]])
def test_a_group_that_was_not_offered_or_was_tried_ends_the_attempt(lab, before, wishes):
    start, peer = before
    for number in wishes:
        peer.script("init", group(number), times=8 if number == wishes[-1] else 1)
    lab.description["hosts"]["gate"]["kedge"]["tunnels"][0]["ike"] = ["aes256-sha256-modp2048", "aes256-sha256-ecp256"]
    kedge = start()
    refused(kedge, "invalid-ke")


def test_a_forged_refusal_does_not_stop_what_the_real_answer_makes(lab, before):
    """2.21.1: NO_PROPOSAL_CHOSEN in clear text may be anybody's; the answer that follows counts."""
    start, peer = before

    def refuse_first(p, sa, message):
        refusal = w.Message(message.spi_i, bytes(8), w.SA_INIT, w.F_RESPONSE, 0)
        kind, body = w.chain([w.notify("NO_PROPOSAL_CHOSEN")])
        p.send(w.header(refusal, kind, len(body)) + body, sa.path)
        return p.answer_init(sa, message)

    peer.script("init", refuse_first)
    start().wait_up("peer")
    pass_both_ways(lab, peer)
    assert peer.mark and [seen.what for seen in peer.journal].count("init") == 1


@pytest.mark.parametrize("own", [("aes128-sha1-modp1024",), ("aes256-sha256-modp1024",)])
def test_no_common_proposal_is_no_proposal_chosen_for_both(lab, own):
    with meeting(lab, PLAIN.but(ike=own), {"role": "responder"}) as (_, peer):
        assert peer.init(peer.begin()).errors() == ["NO_PROPOSAL_CHOSEN"]
    with meeting(lab, PLAIN.but(ike=own)) as (kedge, _):
        refused(kedge, "no-proposal")


@pytest.mark.parametrize("offer,number,words", [
    (("aes256-sha256-modp1024", "aes256-sha256-modp2048"), 2, "aes256-sha256-modp2048"),
    (("aes128-sha256-modp2048", "aes256-sha256-modp2048"), 2, "aes256-sha256-modp2048"),
    (("aes128-sha256-modp2048", "aes128-sha1-modp2048"), 1, "aes128-sha256-modp2048")])
def test_of_two_proposals_kedges_order_decides(lab, offer, number, words):
    own = {"ike": ["aes256-sha256-modp2048", "aes128-sha256-modp2048"], "role": "responder"}
    with meeting(lab, PLAIN.but(ike=offer), own) as (kedge, peer):
        chosen = peer.initiate().suite
        assert (chosen.proposal.number, chosen.words) == (number, words)
        kedge.wait_up("peer")


def test_a_wrong_group_in_ke_is_asked_for_again(lab):
    own = {"ike": ["aes256-sha256-ecp256", "aes256-sha256-modp2048"], "role": "responder"}
    with meeting(lab, PLAIN.but(ike=("aes256-sha256-modp2048", "aes256-sha256-ecp256")), own) as (kedge, peer):
        assert peer.initiate().suite.words == "aes256-sha256-ecp256"
        kedge.wait_up("peer")


# ---- payloads that nobody knows, and too many of them ----

def test_an_unknown_critical_payload_is_refused_by_its_type_in_every_request(lab, responder):
    kedge, peer = responder
    sa = peer.begin()
    answer = peer.init(sa, [unknown_critical()])
    assert answer.errors() == ["UNSUPPORTED_CRITICAL_PAYLOAD"]
    assert answer.notify("UNSUPPORTED_CRITICAL_PAYLOAD").data == bytes([200])
    sa = peer.begin()
    peer.init(sa)
    answer = peer.auth(sa, extra=[unknown_critical()])
    assert answer.notify("UNSUPPORTED_CRITICAL_PAYLOAD").data == bytes([200])
    sa.state = "deleted"        # 2.21.2: in IKE_AUTH it is the end of the SA
    peer.initiate()
    kedge.wait_up("peer")
    for exchange in (w.CREATE_CHILD_SA, w.INFORMATIONAL):
        answer = peer.request(exchange, [unknown_critical()])
        assert answer.notify("UNSUPPORTED_CRITICAL_PAYLOAD").data == bytes([200])
    pass_both_ways(lab, peer)


def test_unknown_payloads_that_are_not_critical_are_passed_over_in_every_message(lab, responder):
    kedge, peer = responder
    unknown = Payload(200, b"\0\1\2\3")
    sa = peer.begin()
    peer.init(sa, [unknown])
    assert peer.auth(sa, extra=[unknown]).errors() == []
    kedge.wait_up("peer")
    assert peer.info(unknown).payloads == []
    mark = peer.mark
    peer.script("rekey-child", lambda p, sa, m: [unknown, *p.asked_rekey_child(sa, m)])
    peer.script("rekey-ike", lambda p, sa, m: [unknown, *p.asked_rekey_ike(sa, m)])
    peer.script("delete-child", lambda p, sa, m: [unknown, *p.asked_delete_child(sa, m)])
    kedge.cli("rekey", "peer")
    peer.wait("delete-child", after=mark)
    peer.wait("delete-ike", after=mark)
    pass_both_ways(lab, peer)


def test_a_storm_of_notifies_in_every_message_changes_nothing(lab, responder):
    kedge, peer = responder
    sa = peer.begin()
    peer.init(sa, STORM)
    peer.auth(sa, extra=STORM)
    kedge.wait_up("peer")
    first = status(kedge)["ike"]["spi_i"]
    for _ in range(20):
        assert peer.info(*STORM).payloads == []
    pass_both_ways(lab, peer)
    assert status(kedge)["ike"]["spi_i"] == first


# ---- errors in the middle ----

def test_an_unknown_error_in_informational_is_answered_and_nothing_else(lab, up):
    """2.21, 3.10.1: unknown error types in a request are ignored."""
    kedge, peer = up
    for number in (2, 8191, 12000):
        assert peer.info(w.notify(number)).payloads == []
    pass_both_ways(lab, peer)


def test_temporary_failure_is_tried_again_within_the_lifetime(lab):
    """2.25: later, and before the SA ends: a pause is at most a quarter of what is left, and as much jitter."""
    tunnel = {"role": "responder", "lifetime": {"ike": "10s", "esp": "10s"}}
    with meeting(lab, PLAIN, tunnel) as (kedge, peer):
        peer.initiate()
        kedge.wait_up("peer")
        for what in ("rekey-child", "rekey-ike"):
            peer.script(what, lambda *_: [w.notify("TEMPORARY_FAILURE")])
        child, mark = peer.child, peer.mark
        kedge.cli("rekey", "peer")
        peer.wait("delete-child", 9, after=mark)
        peer.wait("delete-ike", 9, after=mark)
        seen = [s.what for s in peer.journal[mark:]]
        assert seen.count("rekey-child") >= 2 and seen.count("rekey-ike") >= 2
        pass_both_ways(lab, peer)
        assert peer.child is not child
        agree(kedge, peer)


@pytest.mark.parametrize("error", ["NO_PROPOSAL_CHOSEN", "NO_ADDITIONAL_SAS", "TS_UNACCEPTABLE", 8191])
def test_a_refused_rekey_leaves_the_old_pair_in_use(lab, up, error):
    kedge, peer = up
    peer.script("rekey-child", lambda *_: [w.notify(error)], times=50)
    child, mark = peer.child, peer.mark
    kedge.cli("rekey", "peer")
    peer.wait("rekey-child", after=mark)
    peer.wait("delete-ike", 15, after=mark)
    pass_both_ways(lab, peer)
    assert peer.child is child and status(kedge)["state"] == "up"


def test_child_sa_not_found_makes_a_new_pair(lab, up):
    """2.25: what kedge wanted to rekey is gone at the peer."""
    kedge, peer = up
    mark, seq = peer.mark, kedge.events.last_seq
    peer.child.deleted = 0.0
    kedge.cli("rekey", "peer")
    peer.wait("rekey-child", after=mark)
    peer.wait("child", after=mark)
    kedge.events.wait("child.up", 5, seq)   # only then does kedge receive on it
    pass_both_ways(lab, peer)


@pytest.mark.parametrize("wish,errors", [(2, 0), (19, 1)])
def test_another_group_for_the_childs_pfs(lab, wish, errors):
    """A group of kedge's own list is taken up at once; one it does not have leaves the old pair."""
    own = {"esp": ["aes256-sha256-modp2048-modp1024"], "role": "responder"}
    with meeting(lab, PFS.but(esp_accept=("aes256-sha256-modp1024",)), own) as (kedge, peer):
        peer.initiate()
        kedge.wait_up("peer")
        child, mark = peer.child, peer.mark
        if errors:
            peer.script("rekey-child", lambda *_: [w.notify("INVALID_KE_PAYLOAD", wish.to_bytes(2, "big"))], times=50)
        kedge.cli("rekey", "peer")
        peer.wait("delete-ike", after=mark)
        if not errors:
            peer.wait("delete-child", after=mark)
            rekeys = [s.message for s in peer.journal[mark:] if s.what == "rekey-child"]
            assert [w.read_ke(m.one(w.KE))[0] for m in rekeys] == [14, 2]
        assert (peer.child is child) is bool(errors)
        pass_both_ways(lab, peer)


def test_deletes_of_what_is_not_there_are_answered_without_payload(lab, up):
    _, peer = up
    for payload in (w.delete(w.P_ESP, b"\1\2\3\4"), w.delete(w.P_AH, peer.child.spi_in),
                    w.delete(w.P_ESP, peer.child.spi_out)):
        assert not peer.info(payload).has(w.DELETE)
    pass_both_ways(lab, peer)


def test_a_rekey_of_what_is_not_there_is_child_sa_not_found_with_its_spi(lab, up):
    _, peer = up
    child = peer.child
    wanted, child.spi_in = child.spi_in, b"\1\2\3\4"
    answer = peer.rekey_child(child)
    child.spi_in = wanted
    found = answer.notify("CHILD_SA_NOT_FOUND")
    assert (found.protocol, found.spi) == (w.P_ESP, b"\1\2\3\4")
    pass_both_ways(lab, peer)


def test_message_ids_ahead_and_behind_are_ignored(lab, up):
    kedge, peer = up
    peer.probe()
    for number in (0, peer.sa.next_out + 1, peer.sa.next_out + 7, 0xffffffff):
        assert not peer.request(w.INFORMATIONAL, [w.delete(w.P_IKE)], number=number, wait=False).answer
    peer.none("delete-ike", 0.3)
    peer.sa.pending.clear()
    pass_both_ways(lab, peer)
    peer.probe()
    assert status(kedge)["state"] == "up"


# ---- answers that can't be taken ----

@pytest.mark.parametrize("refusal", ["NO_PROPOSAL_CHOSEN", "TS_UNACCEPTABLE", "NO_ADDITIONAL_SAS"])
def test_an_ike_sa_without_its_child_is_named(lab, before, refusal):
    """2.21.2: IDr and AUTH stand; kedge says why there is no child, and tries again later."""
    start, peer = before

    def without_child(p, sa, message):
        payloads = p.asked_auth(sa, message)
        sa.children.clear()
        return payloads[:2] + [w.notify(refusal)]

    peer.script("auth", without_child)
    kedge = start()
    reason = {"TS_UNACCEPTABLE": "ts-unacceptable", "NO_PROPOSAL_CHOSEN": "no-proposal"}.get(refusal)
    event = kedge.events.wait("ike.refused", 10, tunnel="peer", **({"reason": reason} if reason else {}))
    assert event
    kedge.wait_up("peer", 30)
    pass_both_ways(lab, peer)


def test_a_suite_that_was_not_offered_is_not_taken(before):
    start, peer = before

    def another(p, sa, message):
        payloads = p.answer_init(sa, message)
        payloads[0] = Payload(w.SA, w.write_sa([w.proposal("aes128-sha256-modp2048", w.P_IKE)]))
        return payloads

    peer.script("init", another, times=50)
    refused(start(), "no-proposal")


def test_a_pair_with_a_suite_that_was_not_offered_is_not_used(lab, up):
    """The ends disagree: kedge closes the IKE SA rather than guess (2.21.3)."""
    kedge, peer = up

    def another(p, sa, message):
        payloads = p.asked_rekey_child(sa, message)
        made = sa.children.pop()
        payloads[0] = Payload(w.SA, w.write_sa([w.proposal("aes128-sha1", w.P_ESP, spi=made.spi_in)]))
        return payloads

    peer.script("rekey-child", another)
    mark = peer.mark
    kedge.cli("rekey", "peer")
    peer.wait("delete-ike", after=mark)


def test_selectors_wider_than_offered_are_not_taken(lab):
    narrow = {"local": ["10.0.1.0/24"], "remote": ["10.0.2.0/24"]}

    def wider(p, sa, message):
        payloads = p.asked_auth(sa, message)
        return [w.ts(x.type, "0.0.0.0/0") if x.type in (w.TSI, w.TSR) else x for x in payloads]

    with meeting(lab, PLAIN, {"selectors": narrow}, start=False) as (_, peer):
        peer.script("auth", wider, times=9)
        lab.start_services("gate")
        refused(lab["gate"].kedge, "ts-unacceptable")
