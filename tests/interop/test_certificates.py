"""Authentication by certificates between kedge and strongSwan: every kind of key, both roles, and what either refuses."""
import datetime
import os

import pytest

from lab.pki import Authority
from peers import ping_both_ways, strongswan_pair

KINDS = {  # what each end signs with, as kedge says of strongSwan
    "rsa2048": "rsa-sha", "p256": "ecdsa-sha256", "p384": "ecdsa-sha384", "p521": "ecdsa-sha512", "ed25519": "ed25519"}
PAST = {"start": datetime.datetime(2020, 1, 1), "end": datetime.datetime(2021, 1, 1)}


class World:
    """A root, an intermediate that signs both ends, and another root that signs nobody."""

    def __init__(self, directory):
        self.directory = str(directory)
        self.root, self.other = Authority("Lab Root"), Authority("Another Root")
        self.mid = self.root.authority("Lab Intermediate")

    def issue(self, who, kind="p256", **options):
        return self.mid.issue(who, kind, **{"dns": [f"{who}.example"], **options})

    def file(self, name, text):
        path = os.path.join(self.directory, name)
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        os.chmod(path, 0o600)
        return path

    def auth(self, gate, **more):
        return {"cert": self.file("gate.pem", gate.chain), "key-file": self.file("gate.key", gate.key),
                "ca": [self.file("ca.pem", self.root.cert)], **more}

    def pair(self, gate, peer, role, auth=None, tunnel=None, local=None, remote=None, ca=None,
             connection=None, **strongswan):
        """gate and peer: what each end has. auth, tunnel: kedge's; local, remote, ca, connection, strongswan:
        strongSwan's."""
        description = strongswan_pair(
            tunnel={"role": role, "local-id": "gate.example", "remote-id": "peer.example",
                    "auth": self.auth(gate, **(auth or {})), **(tunnel or {})},
            connection={"local": {"auth": "pubkey", "id": "peer.example", "certs": [peer.cert], **(local or {})},
                        "remote": {"auth": "pubkey", "id": "gate.example", **(remote or {})},
                        **(connection or {})})
        description["hosts"]["peer"]["strongswan"]["secrets"] = {}
        description["hosts"]["peer"]["strongswan"]["certificates"] = {
            "ca": [ca or self.root.cert, self.mid.cert], "key": [peer.key], **strongswan}
        return description


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def connect(lab, role):
    """Brings the tunnel up from the side that role leaves it to."""
    if role == "responder":
        assert lab["peer"].strongswan.initiate("gate") is None
    lab["gate"].kedge.wait_up("peer")


def refused_by_kedge(lab, role, *words):
    if role == "responder":
        assert lab["peer"].strongswan.initiate("gate") is not None
    event = lab["gate"].kedge.events.wait("ike.refused", 15, reason="auth-failed")
    for word in words:
        assert word in event["detail"], event
    assert lab["gate"].kedge.tunnel("peer")["children"] == []
    lab["peer"].strongswan.wait_log("AUTH_FAILED")


ROLES = pytest.mark.parametrize("role", ["initiator", "responder"])


@ROLES
@pytest.mark.parametrize("kind", KINDS)
def test_both_ends_authenticate_by_certificates(build, world, kind, role):
    lab = build(world.pair(world.issue("gate", kind), world.issue("peer", kind), role))
    connect(lab, role)
    ike = lab["gate"].kedge.tunnel("peer")["ike"]
    assert ike["auth"].startswith(KINDS[kind])
    assert ike["cert_until"] == "2100-01-01T00:00:00Z"
    assert ike["remote_id"] == "peer.example"
    ping_both_ways(lab)


@ROLES
def test_rsa_with_pss_both_ways(build, world, role):
    lab = build(world.pair(world.issue("gate", "rsa2048"), world.issue("peer", "rsa2048"), role,
                           auth={"rsa-padding": "pss"}, local={"auth": "ike:rsa/pss-sha384"}))
    connect(lab, role)
    assert lab["gate"].kedge.tunnel("peer")["ike"]["auth"] == "rsa-pss-sha384"
    lab["peer"].strongswan.wait_log("RSA_EMSA_PSS_SHA2_256")
    ping_both_ways(lab)


@ROLES
def test_without_rfc7427_ecdsa_uses_its_older_method(build, world, role):
    description = world.pair(world.issue("gate", "p384"), world.issue("peer", "p384"), role)
    description["hosts"]["peer"]["strongswan"]["charon"] = {"signature_authentication": "no"}
    lab = build(description)
    connect(lab, role)
    assert lab["gate"].kedge.tunnel("peer")["ike"]["auth"] == "ecdsa-raw-sha384"
    ping_both_ways(lab)


@ROLES
def test_without_rfc7427_rsa_is_sha1_by_the_switch(build, world, role):
    description = world.pair(world.issue("gate", "rsa2048"), world.issue("peer", "rsa2048"), role, auth={"sha1": True})
    description["hosts"]["peer"]["strongswan"]["charon"] = {"signature_authentication": "no"}
    lab = build(description)
    connect(lab, role)
    assert lab["gate"].kedge.tunnel("peer")["ike"]["auth"] == "rsa-sha1"


def test_without_the_switch_sha1_is_refused(build, world):
    description = world.pair(world.issue("gate", "p256"), world.issue("peer", "rsa2048"), "responder")
    description["hosts"]["peer"]["strongswan"]["charon"] = {"signature_authentication": "no"}
    refused_by_kedge(build(description), "responder", "SHA-1 is legacy")


@ROLES
def test_a_key_on_one_end_and_a_certificate_on_the_other(build, world, role):
    description = world.pair(world.issue("gate"), world.issue("peer"), role,
                             local={"auth": "psk", "certs": []})
    strongswan = description["hosts"]["peer"]["strongswan"]
    strongswan["secrets"] = {"psk": {"secret": "a-key-for-one-direction"}}
    auth = description["hosts"]["gate"]["kedge"]["tunnels"][0]["auth"]
    del auth["ca"]
    auth["psk"] = "a-key-for-one-direction"
    lab = build(description)
    connect(lab, role)
    assert lab["gate"].kedge.tunnel("peer")["ike"]["auth"] == "psk"


@ROLES
@pytest.mark.parametrize("form", ["C=US, O=Example, CN=peer", "peer@example.com", "198.51.100.1", "2001:db8::7"])
def test_every_type_of_identity(build, world, form, role):
    peer = world.issue("peer", ip=["198.51.100.1", "2001:db8::7"], mail=["peer@example.com"])
    ours = "C=US, O=Example, CN=gate" if "=" in form else "gate.example"
    lab = build(world.pair(world.issue("gate"), peer, role, tunnel={"remote-id": form, "local-id": ours},
                           local={"id": form}, remote={"id": ours}))
    connect(lab, role)
    assert lab["gate"].kedge.tunnel("peer")["ike"]["remote_id"] == form


@ROLES
def test_azures_rule_is_the_cn(build, world, role):
    """facts/azure 1.4: the identity is the public address, what counts is the subject's CN."""
    peer = world.issue("azuregateway-1", dns=[], ip=["198.51.100.1"])
    lab = build(world.pair(world.issue("gate"), peer, role, auth={"remote-cn": "azuregateway-1"},
                           tunnel={"remote-id": "198.51.100.1"}, local={"id": "198.51.100.1"}))
    connect(lab, role)


@ROLES
def test_a_pinned_certificate_needs_no_authority(build, world, role):
    peer = world.issue("peer")
    lab = build(world.pair(world.issue("gate"), peer, role, auth={"ca": [world.file("peer.pem", peer.cert)]},
                           local={"certs": [peer.cert]}, ca=world.root.cert))
    connect(lab, role)


# ---- refused by kedge ----

@ROLES
def test_a_certificate_of_another_authority_is_refused(build, world, role):
    stranger = world.other.issue("peer", dns=["peer.example"])
    refused_by_kedge(build(world.pair(world.issue("gate"), stranger, role)), role, "untrusted", "CN=Another Root")


@ROLES
def test_an_expired_certificate_is_refused(build, world, role):
    lab = build(world.pair(world.issue("gate"), world.issue("peer", **PAST), role))
    refused_by_kedge(lab, role, "expired", "2021-01-01T00:00:00Z")


@ROLES
def test_a_revoked_certificate_is_refused(build, world, role):
    peer = world.issue("peer")
    lab = build(world.pair(world.issue("gate"), peer, role,
                           auth={"crl": [world.file("mid.crl", world.mid.crl(peer))]}))
    refused_by_kedge(lab, role, "revoked")


@ROLES
def test_an_identity_that_is_not_in_the_certificate_is_refused(build, world, role):
    lab = build(world.pair(world.issue("gate"), world.issue("peer", dns=["else.example"]), role,
                           tunnel={"remote-id": "C=US, O=Example, CN=other"},
                           local={"id": "C=US, O=Example, CN=other"}))
    refused_by_kedge(lab, role)


@ROLES
def test_another_cn_than_azures_is_refused(build, world, role):
    peer = world.issue("azuregateway-2", dns=[], ip=["198.51.100.1"])
    lab = build(world.pair(world.issue("gate"), peer, role, auth={"remote-cn": "azuregateway-1"},
                           tunnel={"remote-id": "198.51.100.1"}, local={"id": "198.51.100.1"}))
    refused_by_kedge(lab, role, "its CN is not azuregateway-1")


def test_a_peer_that_sends_no_certificate_is_refused(build, world):
    lab = build(world.pair(world.issue("gate"), world.issue("peer"), "responder",
                           connection={"send_cert": "never"}))
    refused_by_kedge(lab, "responder", "it sent no certificate")


# ---- refused by strongSwan ----

@ROLES
@pytest.mark.parametrize("flaw", ["authority", "expired", "revoked", "identity"])
def test_strongswan_refuses_ours(build, world, flaw, role):
    issuer = world.other if flaw == "authority" else world.mid
    gate = issuer.issue("gate", dns=["else.example" if flaw == "identity" else "gate.example"],
                        **(PAST if flaw == "expired" else {}))
    more = {"crl": [world.mid.crl(gate)]} if flaw == "revoked" else {}
    description = world.pair(gate, world.issue("peer"), role, **more)
    description["hosts"]["peer"]["strongswan"]["plugins"] = ["revocation"]
    lab = build(description)
    if role == "responder":
        assert lab["peer"].strongswan.initiate("gate") is not None
    else:
        event = lab["gate"].kedge.events.wait("ike.refused", 15, reason="auth-failed")
        assert "refused our identity" in event["detail"] and "our certificate" in event["detail"]
    assert lab["gate"].kedge.tunnel("peer")["children"] == []


PPK = "thirty-two octets of a good ppk!"


def with_ppk(world, role, their_id):
    """Both sign, and each has a PPK that it need not use: kedge's is called "site"."""
    description = world.pair(world.issue("gate"), world.issue("peer"), role,
                             tunnel={"ppk": {"id": "site", "file": world.file("ppk", PPK), "required": False}},
                             connection={"ppk_id": their_id, "ppk_required": "no"})
    description["hosts"]["peer"]["strongswan"]["secrets"] = {
        "quantum": {"type": "ppk", "id": [their_id], "secret": PPK}}
    return description


@ROLES
def test_signatures_are_made_with_and_without_an_optional_ppk(build, world, role):
    lab = build(with_ppk(world, role, "site"))
    connect(lab, role)
    lab["peer"].strongswan.wait_log("using PPK")
    ping_both_ways(lab)


def test_strongswans_signature_without_the_ppk_is_the_one_that_counts_where_kedge_has_another(build, world):
    lab = build(with_ppk(world, "responder", "elsewhere"))
    connect(lab, "responder")
    ping_both_ways(lab)


def test_a_private_key_from_systemds_credentials_signs_as_one_from_a_file(build, world):
    lab = build(world.pair(world.issue("gate"), world.issue("peer"), "initiator"))
    connect(lab, "initiator")
    kedge, auth = lab["gate"].kedge, lab["gate"].kedge.spec["tunnels"][0]["auth"]
    kedge.kill()
    os.rename(auth.pop("key-file"), os.path.join(world.directory, "gw"))
    auth["key-credential"] = "gw"
    kedge.env["CREDENTIALS_DIRECTORY"] = world.directory
    kedge.start()
    connect(lab, "initiator")
    ping_both_ways(lab)
