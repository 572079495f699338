"""IKEv2 messages as bytes and back (RFC 7296 3), for the scripted peers of ikepeer.py.

Reading is strict: what the counterpart may not write is a Fault, even where a receiver has to be lenient. Writing is
not: a test builds what it likes. No keys here (ikepeer_crypto.py), no exchanges (ikepeer.py).
"""
import ipaddress
import struct
from dataclasses import dataclass, field

SA, KE, IDI, IDR, CERT, CERTREQ, AUTH, NONCE, NOTIFY, DELETE, VENDOR, TSI, TSR, SK, CP, EAP = range(33, 49)
SKF = 53
SA_INIT, IKE_AUTH, CREATE_CHILD_SA, INFORMATIONAL = 34, 35, 36, 37
F_INITIATOR, F_VERSION, F_RESPONSE = 0x08, 0x10, 0x20
P_NONE, P_IKE, P_AH, P_ESP = range(4)
T_ENCR, T_PRF, T_INTEG, T_DH, T_ESN = range(1, 6)
KEY_LENGTH = 0x800E
HEADER = struct.Struct("!8s8sBBBBII")

NOTIFIES = {
    "UNSUPPORTED_CRITICAL_PAYLOAD": 1, "INVALID_IKE_SPI": 4, "INVALID_MAJOR_VERSION": 5, "INVALID_SYNTAX": 7,
    "INVALID_MESSAGE_ID": 9, "INVALID_SPI": 11, "NO_PROPOSAL_CHOSEN": 14, "INVALID_KE_PAYLOAD": 17,
    "AUTHENTICATION_FAILED": 24, "NO_ADDITIONAL_SAS": 35, "TS_UNACCEPTABLE": 38, "TEMPORARY_FAILURE": 43,
    "CHILD_SA_NOT_FOUND": 44, "INITIAL_CONTACT": 16384, "SET_WINDOW_SIZE": 16385, "ADDITIONAL_TS_POSSIBLE": 16386,
    "NAT_DETECTION_SOURCE_IP": 16388, "NAT_DETECTION_DESTINATION_IP": 16389, "COOKIE": 16390,
    "HTTP_CERT_LOOKUP_SUPPORTED": 16392, "REKEY_SA": 16393, "ESP_TFC_PADDING_NOT_SUPPORTED": 16394,
    "NON_FIRST_FRAGMENTS_ALSO": 16395, "MOBIKE_SUPPORTED": 16396, "COOKIE2": 16401, "FRAGMENTATION_SUPPORTED": 16430,
    "SIGNATURE_HASH_ALGORITHMS": 16431,
}
QCD_TOKEN = 16419  # RFC 6290 4.1: protocol IKE, although no SPI is meant
NOTIFY_NAMES = {number: name for name, number in NOTIFIES.items()}

# keyword of a proposal: transform type, id, key length in bits
ALGORITHMS = {
    "des": (T_ENCR, 2, 0), "3des": (T_ENCR, 3, 0), "null": (T_ENCR, 11, 0), "chacha20poly1305": (T_ENCR, 28, 0),
    **{f"aes{bits}": (T_ENCR, 12, bits) for bits in (128, 192, 256)},
    **{f"aes{bits}gcm16": (T_ENCR, 20, bits) for bits in (128, 192, 256)},
    "prfmd5": (T_PRF, 1, 0), "prfsha1": (T_PRF, 2, 0), "prfsha256": (T_PRF, 5, 0), "prfsha384": (T_PRF, 6, 0),
    "prfsha512": (T_PRF, 7, 0), "md5": (T_INTEG, 1, 0), "sha1": (T_INTEG, 2, 0), "sha256": (T_INTEG, 12, 0),
    "sha384": (T_INTEG, 13, 0), "sha512": (T_INTEG, 14, 0), "modp768": (T_DH, 1, 0), "modp1024": (T_DH, 2, 0),
    "modp1536": (T_DH, 5, 0), "modp2048": (T_DH, 14, 0), "modp3072": (T_DH, 15, 0), "modp4096": (T_DH, 16, 0),
    "ecp256": (T_DH, 19, 0), "ecp384": (T_DH, 20, 0), "ecp521": (T_DH, 21, 0), "x25519": (T_DH, 31, 0),
    "noesn": (T_ESN, 0, 0), "esn": (T_ESN, 1, 0),
}
WORDS = {transform: word for word, transform in ALGORITHMS.items()}


class Fault(AssertionError):
    """The counterpart did what it may not do."""


def need(condition, text):
    if not condition:
        raise Fault(text)


# ---- messages and payloads ----

@dataclass
class Payload:
    type: int
    body: bytes
    critical: bool = False


@dataclass
class Message:
    """payloads: of the clear part; after decryption of the inner part. raw: as it came."""
    spi_i: bytes
    spi_r: bytes
    exchange: int
    flags: int
    id: int
    payloads: list = field(default_factory=list)
    raw: bytes = b""

    @property
    def response(self):
        return bool(self.flags & F_RESPONSE)

    def all(self, kind):
        return [p for p in self.payloads if p.type == kind]

    def one(self, kind):
        """The body of the only payload of its kind; a Fault when there are none or several."""
        found = self.all(kind)
        need(len(found) == 1, f"{len(found)} payloads of type {kind}, one expected")
        return found[0].body

    def has(self, kind):
        return any(p.type == kind for p in self.payloads)

    def notifies(self):
        return [read_notify(p.body) for p in self.all(NOTIFY)]

    def notify(self, name):
        """The first notify of this name, or None."""
        return next((n for n in self.notifies() if n.type == NOTIFIES[name]), None)

    def errors(self):
        """Names of the error notifies."""
        return [NOTIFY_NAMES.get(n.type, str(n.type)) for n in self.notifies() if n.type < 16384]


def chain(payloads):
    """(type of the first, bytes) of a chain of payloads."""
    out = b""
    for index, payload in enumerate(payloads):
        following = payloads[index + 1].type if index + 1 < len(payloads) else 0
        out += struct.pack("!BBH", following, payload.critical << 7, 4 + len(payload.body)) + payload.body
    return (payloads[0].type if payloads else 0), out


def unchain(first, raw):
    out, kind = [], first
    while kind:
        need(len(raw) >= 4, f"payload {kind}: header cut off")
        following, flags, length = struct.unpack("!BBH", raw[:4])
        need(4 <= length <= len(raw), f"payload {kind}: length {length} of {len(raw)}")
        need(not flags & 0x7f, f"payload {kind}: reserved bits {flags:#x}")
        need(not flags & 0x80, f"payload {kind}: critical, although RFC 7296 defines it (2.5)")
        out.append(Payload(kind, raw[4:length]))
        raw = raw[length:]
        if kind in (SK, SKF):
            need(not raw, "bytes behind the encrypted payload")
            out[-1].first = following
            return out
        kind = following
    need(not raw, f"{len(raw)} bytes behind the last payload")
    return out


def header(message, first, body_length):
    return HEADER.pack(message.spi_i, message.spi_r, first, 0x20, message.exchange, message.flags, message.id,
                       HEADER.size + body_length)


def parse(raw):
    """A datagram without the non-ESP marker. The encrypted payload is left as it is."""
    need(len(raw) >= HEADER.size, "shorter than a header")
    spi_i, spi_r, first, version, exchange, flags, number, length = HEADER.unpack(raw[:HEADER.size])
    need(version == 0x20, f"version {version:#x}")
    need(length == len(raw), f"length {length} in the header, {len(raw)} bytes")
    need(not flags & ~(F_INITIATOR | F_RESPONSE), f"flags {flags:#x}")
    need(spi_i != bytes(8), "initiator's SPI is zero")
    return Message(spi_i, spi_r, exchange, flags, number, unchain(first, raw[HEADER.size:]), raw)


# ---- proposals ----

@dataclass
class Proposal:
    number: int
    protocol: int
    spi: bytes
    transforms: list

    def words(self):
        """In strongSwan's notation; a PRF that its integrity algorithm stands for is not written."""
        kinds = {t[0] for t in self.transforms}
        return "-".join(WORDS.get(t, str(t)) for t in sorted(self.transforms, key=lambda t: "13245".index(str(t[0])))
                        if t[0] != T_ESN and not (t[0] == T_PRF and T_INTEG in kinds) or t == (T_ESN, 1, 0))

    def kinds(self, kind):
        return [t for t in self.transforms if t[0] == kind]


def proposal(text, protocol, number=1, spi=b"", esn=True):
    """From "aes256-aes128-sha1-modp1024": for IKE every integrity algorithm brings its PRF. esn: say NO_ESN."""
    transforms = [ALGORITHMS[word] for word in text.split("-")]
    if protocol == P_IKE:
        prf = [ALGORITHMS["prf" + WORDS[t]] for t in transforms if t[0] == T_INTEG]
        transforms = sorted(transforms + prf, key=lambda t: t[0])
    elif esn and all(t[0] != T_ESN for t in transforms):
        transforms.append(ALGORITHMS["noesn"])
    return Proposal(number, protocol, spi, transforms)


def write_sa(proposals):
    out = b""
    for index, p in enumerate(proposals):
        body = b""
        for place, (kind, number, bits) in enumerate(p.transforms):
            attribute = struct.pack("!HH", KEY_LENGTH, bits) if bits else b""
            more = 3 if place + 1 < len(p.transforms) else 0
            body += struct.pack("!BBHBBH", more, 0, 8 + len(attribute), kind, 0, number) + attribute
        more = 2 if index + 1 < len(proposals) else 0
        out += struct.pack("!BBHBBBB", more, 0, 8 + len(p.spi) + len(body), p.number, p.protocol, len(p.spi),
                           len(p.transforms)) + p.spi + body
    return out


def _read_transform(raw, left):
    more, reserved, length, kind, reserved2, number = struct.unpack("!BBHBBH", raw[:8])
    need(more == (3 if left else 0) and not reserved and not reserved2, "transform: more or reserved")
    bits = 0
    if length > 8:
        attribute, bits = struct.unpack("!HH", raw[8:12])
        need(length == 12 and attribute == KEY_LENGTH, "transform: attribute other than one key length")
        need(kind == T_ENCR and number in (12, 18, 19, 20), "key length where the key has a fixed one (3.3.5)")
    return (kind, number, bits), length


def read_sa(body, spi_size):
    """The proposals; numbered 1, 2, ... as an offer has to be (3.3.1)."""
    out = []
    while body:
        more, reserved, length, number, protocol, size, count = struct.unpack("!BBHBBBB", body[:8])
        need(length <= len(body) and not reserved, "proposal: length or reserved")
        need(more == (2 if len(body) > length else 0), "proposal: last or more is wrong")
        need(size == spi_size, f"proposal: SPI of {size} bytes, {spi_size} expected")
        spi, raw, transforms = body[8:8 + size], body[8 + size:length], []
        for left in range(count - 1, -1, -1):
            transform, taken = _read_transform(raw, left)
            transforms.append(transform)
            raw = raw[taken:]
        need(not raw, "proposal: bytes behind the last transform")
        need(len(set(transforms)) == len(transforms), "proposal: a transform twice")
        out.append(Proposal(number, protocol, spi, transforms))
        body = body[length:]
    return out


def read_offer(body, spi_size, protocol):
    offer = read_sa(body, spi_size)
    need([p.number for p in offer] == list(range(1, len(offer) + 1)), "proposals are not numbered 1, 2, ...")
    need(all(p.protocol == protocol for p in offer), "proposals of another protocol")
    need(len({p.spi for p in offer}) == 1, "proposals with different SPIs")
    return offer


def select(offer, own):
    """Ours of the first own proposal that an offered one meets, in our order: a Proposal to answer with, or None."""
    for mine in own:
        for theirs in offer:
            chosen = []
            for kind in sorted({t[0] for t in theirs.transforms} | {t[0] for t in mine.transforms}):
                wanted = mine.kinds(kind) or ([(T_ESN, 0, 0)] if kind == T_ESN else [])
                common = [t for t in wanted if t in (theirs.kinds(kind) or [(T_ESN, 0, 0)])]
                if not common:
                    break
                chosen += common[:1] if theirs.kinds(kind) else []
            else:
                return Proposal(theirs.number, theirs.protocol, theirs.spi, chosen)
    return None


# ---- the other payloads ----

@dataclass
class Notify:
    protocol: int
    spi: bytes
    type: int
    data: bytes


def notify(name, data=b"", protocol=P_NONE, spi=b""):
    number = NOTIFIES[name] if isinstance(name, str) else name
    return Payload(NOTIFY, struct.pack("!BBH", protocol, len(spi), number) + spi + data)


def read_notify(body):
    protocol, size, number = struct.unpack("!BBH", body[:4])
    need(len(body) >= 4 + size, "notify: SPI cut off")
    need(size or protocol == (P_IKE if number == QCD_TOKEN else P_NONE), f"notify {number}: protocol {protocol} without SPI (3.10)")
    return Notify(protocol, body[4:4 + size], number, body[4 + size:])


def delete(protocol, *spis):
    size = len(spis[0]) if spis else 0
    return Payload(DELETE, struct.pack("!BBH", protocol, size, len(spis)) + b"".join(spis))


def read_delete(body):
    """(protocol, SPIs)."""
    protocol, size, count = struct.unpack("!BBH", body[:4])
    need(len(body) == 4 + size * count, "delete: length")
    need((size, count) == (0, 0) if protocol == P_IKE else size == 4 and count > 0, "delete: SPI size or count")
    return protocol, [body[4 + 4 * i:8 + 4 * i] for i in range(count)]


def ke(group, public):
    return Payload(KE, struct.pack("!HH", group, 0) + public)


def read_ke(body):
    group, reserved = struct.unpack("!HH", body[:4])
    need(reserved == 0, "KE: reserved")
    return group, body[4:]


def identity(text):
    """The body of an ID payload: an address, user@host or a domain name. Bytes are taken as they are."""
    if isinstance(text, bytes):
        return text
    try:
        address = ipaddress.ip_address(text)
        return bytes([1 if address.version == 4 else 5, 0, 0, 0]) + address.packed
    except ValueError:
        return bytes([3 if "@" in text else 2, 0, 0, 0]) + text.encode()


def ts(kind, *networks):
    """TSi or TSr: all ports and protocols of these networks ("10.0.0.0/8", "::/0") or ranges ("a-b")."""
    out = bytes([len(networks), 0, 0, 0])
    for text in networks:
        low, high = text.split("-") if "-" in text else (lambda n: (n[0], n[-1]))(ipaddress.ip_network(text))
        low, high = (ipaddress.ip_address(end).packed for end in (low, high))
        out += struct.pack("!BBHHH", 7 if len(low) == 4 else 8, 0, 8 + 2 * len(low), 0, 65535) + low + high
    return Payload(kind, out)


def read_ts(body):
    """[(protocol, first port, last port, low, high)] with addresses as text."""
    need(body[1:4] == bytes(3) and body[0] > 0, "TS: count or reserved")
    out, count, raw = [], body[0], body[4:]
    for _ in range(count):
        kind, protocol, length, first, last = struct.unpack("!BBHHH", raw[:8])
        size = {7: 4, 8: 16}.get(kind, 0)
        need(size and length == 8 + 2 * size, f"TS: type {kind}, length {length}")
        low, high = (ipaddress.ip_address(raw[8 + i * size:8 + (i + 1) * size]) for i in (0, 1))
        need(low <= high and first <= last, "TS: range reversed")
        out.append((protocol, first, last, str(low), str(high)))
        raw = raw[length:]
    need(not raw, "TS: bytes behind the last selector")
    return out
