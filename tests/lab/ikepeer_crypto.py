"""Keys and ciphers of the scripted peers: RFC 7296 2.13 to 2.18, 5282, 4303 (boxes for IKE and for ESP).

Written after the RFCs with python3-cryptography and hashlib, and nothing of kedge's, so that both check each other.
"""
import hashlib
import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec, x25519
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from .ikepeer_wire import T_DH, T_ENCR, T_ESN, T_INTEG, T_PRF, Fault, need

HASHES = {T_PRF: {1: "md5", 2: "sha1", 5: "sha256", 6: "sha384", 7: "sha512"},
          T_INTEG: {1: ("md5", 12), 2: ("sha1", 12), 12: ("sha256", 16), 13: ("sha384", 24), 14: ("sha512", 32)}}

# RFC 2409 6.1 and 6.2, RFC 3526: 2^n - 2^(n-64) - 1 + 2^64 * ([2^(n-130) pi] + k), here with pi's own digits
_PI_OFFSETS = {1: (768, 149686), 2: (1024, 129093), 5: (1536, 741804), 14: (2048, 124476), 15: (3072, 1690314),
               16: (4096, 240904)}
_CURVES = {19: (ec.SECP256R1(), 32), 20: (ec.SECP384R1(), 48), 21: (ec.SECP521R1(), 66)}


def _pi(bits):
    """[2^bits pi] by Machin's formula, with 64 bits to spare."""
    one = 1 << (bits + 64)

    def arctan(inverse):
        term, total, sign, n = one // inverse, 0, 1, 1
        while term:
            total += sign * (term // n)
            term //= inverse * inverse
            sign, n = -sign, n + 2
        return total

    return (4 * (4 * arctan(5) - arctan(239))) >> 64


def prime(group):
    bits, k = _PI_OFFSETS[group]
    return (1 << bits) - (1 << (bits - 64)) - 1 + (1 << 64) * (_pi(bits - 130) + k)


class Exchange:
    """One side's Diffie-Hellman: public, and shared(the other's public)."""
    _primes = {}

    def __init__(self, group):
        self.group = group
        if group in _PI_OFFSETS:
            self._p = self._primes.setdefault(group, prime(group))
            self._private = int.from_bytes(os.urandom(40), "big")
            self._length = (self._p.bit_length() + 7) // 8
            self.public = pow(2, self._private, self._p).to_bytes(self._length, "big")
        elif group in _CURVES:
            curve, self._length = _CURVES[group]
            self._private = ec.generate_private_key(curve)
            self.public = self._private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)[1:]
        else:
            need(group == 31, f"group {group} is not known here")
            self._private = x25519.X25519PrivateKey.generate()
            self.public = self._private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    def shared(self, public):
        need(len(public) == len(self.public), f"KE of {len(public)} bytes for group {self.group}")
        if self.group in _PI_OFFSETS:
            other = int.from_bytes(public, "big")
            need(1 < other < self._p - 1, "KE out of range")
            return pow(other, self._private, self._p).to_bytes(self._length, "big")
        if self.group in _CURVES:
            point = ec.EllipticCurvePublicKey.from_encoded_point(_CURVES[self.group][0], b"\4" + public)
            return self._private.exchange(ec.ECDH(), point)
        return self._private.exchange(x25519.X25519PublicKey.from_public_bytes(public))


class Suite:
    """What was chosen: a proposal with one transform of each type."""

    def __init__(self, proposal):
        chosen = {kind: (number, bits) for kind, number, bits in proposal.transforms}
        need(len(chosen) == len(proposal.transforms), f"a choice with two of a kind: {proposal.words()}")
        self.proposal, self.words = proposal, proposal.words()
        self.encr = chosen.get(T_ENCR)
        self.prf = chosen.get(T_PRF, (None, 0))[0]
        self.integ = chosen.get(T_INTEG, (0, 0))[0]
        self.dh = chosen.get(T_DH, (0, 0))[0]
        self.esn = bool(chosen.get(T_ESN, (0, 0))[0])
        self.aead = self.encr[0] in (18, 19, 20, 28)
        need(self.aead != bool(self.integ), f"AEAD and integrity do not fit: {self.words}")

    @property
    def key_lengths(self):
        """(encryption with salt, integrity) in bytes."""
        number, bits = self.encr
        encryption = {2: 8, 3: 24, 11: 0, 28: 36}.get(number, bits // 8 + (4 if self.aead else 0))
        digest = HASHES[T_INTEG][self.integ][0] if self.integ else None
        return encryption, hashlib.new(digest).digest_size if digest else 0


def prf(number, key, data):
    return hmac.new(key, data, HASHES[T_PRF][number]).digest()


def prf_plus(number, key, seed, length):
    out = block = b""
    count = 1
    while len(out) < length:
        block = prf(number, key, block + seed + bytes([count]))
        out += block
        count += 1
    return out[:length]


def split(stream, lengths):
    out = []
    for length in lengths:
        out.append(stream[:length])
        stream = stream[length:]
    return out


class IkeKeys:
    """SK_d, SK_a, SK_e, SK_p of both sides (2.14)."""

    def __init__(self, suite, skeyseed, ni, nr, spi_i, spi_r):
        encryption, integrity = suite.key_lengths
        size = hashlib.new(HASHES[T_PRF][suite.prf]).digest_size
        stream = prf_plus(suite.prf, skeyseed, ni + nr + spi_i + spi_r, 3 * size + 2 * integrity + 2 * encryption)
        self.d, self.ai, self.ar, self.ei, self.er, self.pi, self.pr = split(
            stream, [size, integrity, integrity, encryption, encryption, size, size])


def first_seed(suite, ni, nr, shared):
    return prf(suite.prf, ni + nr, shared)


def auth_psk(number, psk, message, nonce, sk_p, identity):
    """RFC 7296 2.15."""
    return prf(number, prf(number, psk, b"Key Pad for IKEv2"), message + nonce + prf(number, sk_p, identity))


class Box:
    """One direction's protection. The authenticated part in front is aad; what comes out is IV, ciphertext, ICV."""

    def __init__(self, suite, key, integrity_key):
        self.number, self.key, self.integrity_key = suite.encr[0], key, integrity_key
        self.aead = suite.aead
        self.digest, self.icv = HASHES[T_INTEG][suite.integ] if suite.integ else (None, 16)
        self.block = {2: 8, 3: 8, 12: 16}.get(self.number, 4)
        self.iv = {2: 8, 3: 8, 12: 16, 11: 0}.get(self.number, 8)
        self._count, self._seen = 0, set()

    def _cipher(self, iv):
        key = self.key * 3 if self.number == 2 else self.key
        return Cipher((algorithms.AES if self.number == 12 else algorithms.TripleDES)(key), modes.CBC(iv))

    def _aead(self):
        return (ChaCha20Poly1305 if self.number == 28 else AESGCM)(self.key[:-4])

    def _mac(self, data):
        return hmac.new(self.integrity_key, data, self.digest).digest()[:self.icv]

    def overhead(self):
        return self.iv + self.icv

    def seal(self, aad, plain, suffix=b""):
        """suffix: authenticated behind everything but not sent (ESN's high half)."""
        self._count += 1
        if self.aead:
            iv = self._count.to_bytes(8, "big")
            return iv + self._aead().encrypt(self.key[-4:] + iv, plain, aad)
        iv, text = os.urandom(self.iv), plain
        if self.iv:
            encryptor = self._cipher(iv).encryptor()
            text = encryptor.update(plain) + encryptor.finalize()
        return iv + text + self._mac(aad + iv + text + suffix)

    def open(self, aad, data, suffix=b""):
        """A Fault when it does not verify, or when an IV comes twice."""
        need(len(data) >= self.overhead(), "sealed part too short")
        iv, text, icv = data[:self.iv], data[self.iv:], b""
        if self.aead:
            try:
                plain = self._aead().decrypt(self.key[-4:] + iv, text, aad)
            except InvalidTag as error:
                raise Fault("the ICV does not verify") from error
        else:
            text, icv = text[:-self.icv], text[-self.icv:]
            need(hmac.compare_digest(self._mac(aad + iv + text + suffix), icv), "the ICV does not verify")
            need(len(text) % self.block == 0, "not a multiple of the block")
            plain = text
            if self.iv:
                decryptor = self._cipher(iv).decryptor()
                plain = decryptor.update(text) + decryptor.finalize()
        need(not self.iv or iv not in self._seen, "an IV is used twice")
        self._seen.add(iv)
        return plain
