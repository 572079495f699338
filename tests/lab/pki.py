"""Certificates for tests: authorities, what they sign, what they revoke. All as PEM.

    root = Authority("Lab Root")
    mid = root.authority("Lab Intermediate")
    gate = mid.issue("gate", "p256", dns=["gate.example"])     # .key, .cert, .chain (without the root)
    mid.crl(gate)
"""
import datetime
import ipaddress

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

FROM, TO = datetime.datetime(2020, 1, 1), datetime.datetime(2100, 1, 1)
KINDS = {"rsa2048": lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048),
         "p256": lambda: ec.generate_private_key(ec.SECP256R1()),
         "p384": lambda: ec.generate_private_key(ec.SECP384R1()),
         "p521": lambda: ec.generate_private_key(ec.SECP521R1()),
         "ed25519": ed25519.Ed25519PrivateKey.generate}


def pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def signing_hash(key):
    return None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()


def name(cn):
    return x509.Name([x509.NameAttribute(NameOID.COUNTRY_NAME, "US"),
                      x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Example"),
                      x509.NameAttribute(NameOID.COMMON_NAME, cn)])


def usage(ca):
    return x509.KeyUsage(digital_signature=not ca, content_commitment=False, key_encipherment=False,
                         data_encipherment=False, key_agreement=False, key_cert_sign=ca, crl_sign=ca,
                         encipher_only=False, decipher_only=False)


class Entity:
    """A key with its certificate; chain is what it sends: its own, and what is between it and the root."""

    def __init__(self, key, certificate, above=()):
        self.private, self.certificate = key, certificate
        self.key = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                     serialization.NoEncryption()).decode()
        self.cert = pem(certificate)
        self.chain = self.cert + "".join(above)


class Authority(Entity):
    def __init__(self, cn, kind="p256", issuer=None):
        key = KINDS[kind]()
        self.issuer = issuer
        subject = name(cn)
        certificate = self._sign(subject, key.public_key(), issuer.certificate.subject if issuer else subject,
                                 issuer.private if issuer else key, FROM, TO, ca=True)
        super().__init__(key, certificate, issuer.above() if issuer else ())

    def above(self):
        """Itself and what is over it, but the root."""
        return (self.cert, *self.issuer.above()) if self.issuer else ()

    @staticmethod
    def _sign(subject, public, issuer, key, start, end, ca, names=()):
        builder = (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(public)
                   .serial_number(x509.random_serial_number()).not_valid_before(start).not_valid_after(end)
                   .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
                   .add_extension(usage(ca), critical=True)
                   .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
                   .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()),
                                  critical=False))
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        if not ca:
            builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH,
                                                                   ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        return builder.sign(key, signing_hash(key))

    def authority(self, cn, kind="p256"):
        return Authority(cn, kind, self)

    def issue(self, cn, kind="p256", dns=(), ip=(), mail=(), start=FROM, end=TO):
        key = KINDS[kind]()
        names = [*map(x509.DNSName, dns), *map(x509.RFC822Name, mail),
                 *(x509.IPAddress(ipaddress.ip_address(i)) for i in ip)]
        certificate = self._sign(name(cn), key.public_key(), self.certificate.subject, self.private, start, end,
                                 ca=False, names=names)
        return Entity(key, certificate, self.above())

    def crl(self, *revoked):
        builder = x509.CertificateRevocationListBuilder().issuer_name(self.certificate.subject)
        builder = builder.last_update(FROM).next_update(TO).add_extension(x509.CRLNumber(1), critical=False)
        builder = builder.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(self.private.public_key()), critical=False)
        for entity in revoked:
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder().serial_number(entity.certificate.serial_number)
                .revocation_date(FROM).build())
        return builder.sign(self.private, signing_hash(self.private)).public_bytes(
            serialization.Encoding.PEM).decode()
