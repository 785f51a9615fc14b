"""Certificates of the lab: authorities, what they sign, and the kubeconfigs that carry them.

Everything that the lab signs is signed here. It needs more than `trustme` does: keys of others are certified, a
subject has several organisations, and an authority is found again by a later process.
"""

from __future__ import annotations

import base64
import datetime
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from lab.lock import locked
from lab.paths import cache_dir

_VALID: Final = datetime.timedelta(days=3650)
_BACKDATED: Final = datetime.timedelta(hours=1)


def public_authority() -> CertificateAuthority:
    """The lab's stand-in for the public certificate authorities; made at the first call, because images hold it.

    It signs what the simulated clouds serve under official host names. Only the lab's images trust it, and its key
    stays in the cache folder of this machine.
    """
    with locked(cache_dir() / "authority.lock"):
        authority = CertificateAuthority(cache_dir() / "authority")
        # Made when it is first asked for.
        assert authority.certificate.exists()
    return authority


def unused_authority(common_name: str) -> str:
    """The PEM certificate of an authority whose key nobody has."""
    return _pem(_self_signed(ec.generate_private_key(ec.SECP256R1()), common_name)).decode()


@dataclass(frozen=True)
class Pair:
    """A certificate and its private key, as PEM files."""

    certificate: Path
    key: Path


@dataclass(frozen=True)
class CertificateAuthority:
    """A certificate authority (CA) with its files in a folder.

    All files are created once and reused, so that a restarted cluster keeps its identity.
    """

    folder: Path

    @property
    def certificate(self) -> Path:
        """The CA certificate, which clients trust."""
        return self._pair.certificate

    @property
    def key(self) -> Path:
        """The CA's private key; the controller-manager needs it for certificate requests."""
        return self._pair.key

    @property
    def _pair(self) -> Pair:
        pair = Pair(self.folder / "ca.crt", self.folder / "ca.key")
        if not pair.certificate.exists():
            key = ec.generate_private_key(ec.SECP256R1())
            _write(pair.key, _key_pem(key))
            _write(pair.certificate, _pem(_self_signed(key, "airflow-lab-ca")))
        return pair

    def issue(self, name: str, common_name: str, *, groups: Sequence[str] = (), hosts: Sequence[str] = ()) -> Pair:
        """A client certificate, which is also a server certificate if it has hosts (names or addresses).

        `groups` become organisations, which Kubernetes reads as groups. Changed hosts result in a new certificate.
        """
        pair = Pair(self.folder / f"{name}.crt", self.folder / f"{name}.key")
        if pair.certificate.exists() and _hosts(pair.certificate) == set(hosts):
            return pair
        key = ec.generate_private_key(ec.SECP256R1())
        _write(pair.key, _key_pem(key))
        _write(pair.certificate, _pem(self.sign(key.public_key(), common_name, organizations=groups, hosts=hosts)))
        return pair

    def client(self, common_name: str, *, groups: Sequence[str], until: datetime.datetime) -> tuple[str, str]:
        """Certificate and key of a client as PEM, kept nowhere."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self.sign(key.public_key(), common_name, organizations=groups, until=until)
        return _pem(certificate).decode(), _key_pem(key).decode()

    def sign(
        self,
        key: CertificatePublicKeyTypes,
        common_name: str,
        *,
        country: str = "",
        organizations: Sequence[str] = (),
        hosts: Sequence[str] = (),
        until: datetime.datetime | None = None,
    ) -> x509.Certificate:
        """Certify somebody's key for a client, and for a server too when it has hosts; for ten years unless told."""
        authority = x509.load_pem_x509_certificate(self.certificate.read_bytes())
        signer = serialization.load_pem_private_key(self.key.read_bytes(), password=None)
        assert isinstance(signer, ec.EllipticCurvePrivateKey)
        builder = _builder(_name(common_name, organizations, country), authority.subject, key, until)
        usages = [ExtendedKeyUsageOID.CLIENT_AUTH, *([ExtendedKeyUsageOID.SERVER_AUTH] if hosts else [])]
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        # Since 3.13 Python's TLS is strict: it refuses a leaf certificate without the CA's key id.
        builder = builder.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
        if hosts:
            names = x509.SubjectAlternativeName([_alternative(host) for host in hosts])
            builder = builder.add_extension(names, critical=False)
        return builder.sign(signer, hashes.SHA256())

    def signing_key(self, name: str) -> Pair:
        """A key pair without certificate (public key in `certificate`), which signs service account tokens."""
        pair = Pair(self.folder / f"{name}.pub", self.folder / f"{name}.key")
        if not pair.certificate.exists():
            key = ec.generate_private_key(ec.SECP256R1())
            _write(pair.key, _key_pem(key))
            public = key.public_key().public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
            _write(pair.certificate, public)
        return pair

    def write_kubeconfig(self, path: Path, *, server: str, identity: Pair, context: str) -> Path:
        """Write a kubeconfig with one context and embedded certificates, readable only by the owner."""

        def data(source: Path) -> str:
            return base64.b64encode(source.read_bytes()).decode()

        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": context,
            "clusters": [
                {
                    "name": context,
                    "cluster": {"server": server, "certificate-authority-data": data(self.certificate)},
                }
            ],
            "users": [
                {
                    "name": context,
                    "user": {
                        "client-certificate-data": data(identity.certificate),
                        "client-key-data": data(identity.key),
                    },
                }
            ],
            "contexts": [{"name": context, "context": {"cluster": context, "user": context}}],
        }
        _write(path, yaml.safe_dump(content, sort_keys=False).encode())
        return path


_KEY_USAGE_AUTHORITY: Final = x509.KeyUsage(
    digital_signature=True,
    key_cert_sign=True,
    crl_sign=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    encipher_only=False,
    decipher_only=False,
)


def _self_signed(key: ec.EllipticCurvePrivateKey, common_name: str) -> x509.Certificate:
    name = _name(common_name)
    builder = _builder(name, name, key.public_key())
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    return builder.add_extension(_KEY_USAGE_AUTHORITY, critical=True).sign(key, hashes.SHA256())


def _builder(
    subject: x509.Name, issuer: x509.Name, key: CertificatePublicKeyTypes, until: datetime.datetime | None = None
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(until or now + _VALID)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _name(common_name: str, organizations: Sequence[str] = (), country: str = "") -> x509.Name:
    parts = [(NameOID.COUNTRY_NAME, country)] if country else []
    parts += [(NameOID.ORGANIZATION_NAME, each) for each in organizations]
    return x509.Name([x509.NameAttribute(oid, text) for oid, text in (*parts, (NameOID.COMMON_NAME, common_name))])


def _alternative(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _hosts(certificate: Path) -> set[str]:
    extensions = x509.load_pem_x509_certificate(certificate.read_bytes()).extensions
    try:
        names = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return set()
    return {str(name.value) for name in names}


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    partial.unlink(missing_ok=True)
    partial.touch(mode=0o600)
    partial.write_bytes(content)
    partial.rename(path)
