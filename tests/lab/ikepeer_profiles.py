"""Who a scripted peer is: what it offers and takes, its vendor ids, notifies and habits.

No profile was recorded from the device it is named after. They make kedge meet what such peers are known or believed to
send; that it works with the devices themselves they don't show. Where each thing is from:

Known (shared/facts/azure.md, section 1): Azure's IKE offers and their order (1.1), its ESP offers as initiator and the
first 19 rows that it takes as responder (1.2; rows 20 to 26 are left out), no KE in its child rekeys (1.2, 1.6), one
proposal in its IKE rekey (1.6), ID_IPV4_ADDR (1.4), selectors 0.0.0.0/0 first (1.5). IOS's suites, PSK and identity: the
configuration in seed 001.
Published by others: Azure's two vendor ids, of a point-to-site gateway (facts 1.7; unconfirmed for site-to-site). Windows's
four vendor ids (strongSwan's log in jawj/IKEv2-setup#84). IOS's Vendor ID of fragmentation in IKE_SA_INIT and the
protocol IKE in its NAT detection notifies (Cisco's guide "Configuring IKEv2 Fragmentation").
The authors' recollection, of debugs and logs that are not at hand: IOS's other vendor ids, 20-byte nonce, CERTREQ,
configuration request, SET_WINDOW_SIZE 5, the notifies of IKE_AUTH, ESP without an ESN transform, N(REKEY_SA) last.
Windows's 18 IKE and five ESP proposals and their order, 48-byte nonces (Azure's too), CERTREQ, configuration request,
MOBIKE, both address families.
Known to differ: vendor ids stand before NAT detection here; behind it in the Windows log, in Cisco's guide and in Azure's
point-to-site answer, which also announces fragmentation and asks for certificates.
"""
from dataclasses import dataclass, replace

FRAGMENTATION_VID = bytes.fromhex("4048b7d56ebce88525e7de7f00d6c2d3")
MS_NT5_V9 = bytes.fromhex("1e2b516905991c7d7c96fcbfb587e46100000009")
MS_NEGOTIATION_DISCOVERY = bytes.fromhex("fb1de3cdf341b7ea16b7e5be0855f120")
MS_INITIAL_CONTACT = bytes.fromhex("26244d38eddb61b3172a36e3d0cfb819")
MS_SECURITY_REALM = bytes.fromhex("01528bbbc00696121849ab9a1c5b2a5100000002")


@dataclass(frozen=True)
class Profile:
    name: str
    ike: tuple                      # offered, and taken, in this order; transforms of one proposal in theirs
    esp: tuple
    ike_accept: tuple = ()          # as responder, where it is another list
    esp_accept: tuple = ()
    esp_rekey: tuple = ()           # in CREATE_CHILD_SA, where it is another list (groups in it: PFS)
    vendor_init: tuple = ()
    vendor_auth: tuple = ()
    notifies_init: tuple = ()       # (name, data)
    notifies_auth: tuple = ()
    notify_protocol: int = 0        # IOS writes 1 where no SPI is meant
    identity: str = None            # default: the address
    ts: tuple = ("0.0.0.0/0",)
    esn: bool = True                # write NO_ESN; without, the transform is absent
    certreq: bytes = None           # in IKE_SA_INIT answers
    config_request: bool = False
    natd: str = "true"              # true, fake (as if behind a NAT), none
    nonce: int = 32
    rekey_order: str = "first"      # where N(REKEY_SA) stands

    def but(self, **changes):
        return replace(self, **changes)

    @property
    def accept_ike(self):
        return self.ike_accept or self.ike

    @property
    def accept_esp(self):
        return self.esp_accept or self.esp

    @property
    def offer_rekey(self):
        return self.esp_rekey or self.esp


# seed 001: one proposal, `encryption aes-cbc-256 aes-cbc-128 3des`, `integrity sha1`, `group 2`; esp-aes 256 esp-sha-hmac
IOS = Profile(
    "ios", ike=("aes256-aes128-3des-sha1-modp1024",), esp=("aes256-sha1",), esn=False, nonce=20, notify_protocol=1,
    vendor_init=(b"CISCO-DELETE-REASON", b"CISCOVPN-REV-02", b"CISCO-DYNAMIC-ROUTE",
                 b"CISCO(COPYRIGHT)&Copyright (c) 2009 Cisco Systems, Inc.", b"FLEXVPN-SUPPORTED", FRAGMENTATION_VID),
    vendor_auth=(b"CISCO-GRE-MODE",), config_request=True, certreq=b"\4" + bytes(range(20)), rekey_order="last",
    notifies_auth=(("SET_WINDOW_SIZE", bytes([0, 0, 0, 5])), ("ESP_TFC_PADDING_NOT_SUPPORTED", b""),
                   ("NON_FIRST_FRAGMENTS_ALSO", b"")))

_RRAS_CBC = tuple(f"{encr}-{integ}-modp1024" for encr in ("3des", "aes128", "aes192", "aes256")
                  for integ in ("sha1", "sha256", "sha384"))
_RRAS_GCM = tuple(f"aes{bits}gcm16-prf{hashed}-modp1024" for bits in (128, 256)
                  for hashed in ("sha1", "sha256", "sha384"))
RRAS = Profile(
    "rras", ike=_RRAS_CBC + _RRAS_GCM, esp=("aes256-sha1", "aes128-sha1", "3des-sha1", "des-sha1", "null-sha1"),
    vendor_init=(MS_NT5_V9, MS_NEGOTIATION_DISCOVERY, MS_INITIAL_CONTACT, MS_SECURITY_REALM),
    certreq=b"\4" + bytes(range(40)), config_request=True, nonce=48, notifies_auth=(("MOBIKE_SUPPORTED", b""),),
    ts=("0.0.0.0/0", "::/0"))

_AZURE_ESP = ("aes256gcm16", "aes256-sha1", "3des-sha1", "aes256-sha256", "aes128-sha1", "3des-sha256")
AZURE = Profile(
    "azure", ike=("aes256-sha1-modp1024", "aes256-sha256-modp1024", "aes128-sha1-modp1024", "aes128-sha256-modp1024",
                  "3des-sha1-modp1024", "3des-sha256-modp1024"),
    esp=_AZURE_ESP, vendor_init=(MS_NT5_V9, MS_NEGOTIATION_DISCOVERY), nonce=48,
    esp_accept=_AZURE_ESP + ("des-sha1", "aes256-sha1-modp768", "aes256-sha1-modp1024", "aes256-sha1-modp2048",
                             "aes128-sha1-modp768", "aes128-sha1-modp1024", "aes128-sha1-modp2048",
                             "3des-sha1-modp768", "3des-sha1-modp1024", "3des-sha256-modp1024",
                             "aes256-sha256-modp768", "aes256-sha256-modp1024", "aes256-sha256-modp2048"))

PLAIN = Profile("plain", ike=("aes256-sha256-modp2048",), esp=("aes256-sha256",))
