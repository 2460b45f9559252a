"""Who the portal is towards OPC UA servers: a key and a certificate of its own, made when they are first needed."""

from __future__ import annotations

import datetime as dt
import os
import socket
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

APPLICATION: Final = "urn:heatledger:portal"
KEY_BITS: Final = 2048
VALID: Final = dt.timedelta(days=20 * 365)
"""A server trusts this very certificate, by hand; there is nobody who would renew it everywhere."""


def identity(path: Path, *, now: dt.datetime) -> tuple[bytes, bytes]:
    """Return certificate and private key in PEM form, from the file if there is one.

    Whoever of several processes is first to put the file into its place has made it for all of them.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor, draft = tempfile.mkstemp(dir=path.parent)  # readable by nobody else
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(_made(now))
        with suppress(FileExistsError):
            os.link(draft, path)
        Path(draft).unlink()
    told = path.read_bytes()
    place = told.index(b"-----BEGIN CERTIFICATE")
    return told[place:], told[:place]


def _made(now: dt.datetime) -> bytes:
    """Return a new key and the certificate that it signed for itself."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Heatledger")])
    names = [x509.UniformResourceIdentifier(APPLICATION), x509.DNSName(socket.gethostname())]
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=True,
        key_encipherment=True,
        data_encipherment=True,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + VALID)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    pem = serialization.Encoding.PEM
    return key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain) + certificate.public_bytes(pem)
