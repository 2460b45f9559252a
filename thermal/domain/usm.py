"""Keys, digests and ciphers of SNMP version 3, on plain bytes.

References
----------
RFC 3414 (User-based Security Model), RFC 3826 (AES), RFC 7860 (SHA-2).
"""

from __future__ import annotations

import functools
import hashlib
import hmac
from typing import Final

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.decrepit.ciphers.modes import CFB
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

DIGESTS: Final[dict[str, tuple[str, int]]] = {
    "MD5": ("md5", 12),
    "SHA": ("sha1", 12),
    "SHA-224": ("sha224", 16),
    "SHA-256": ("sha256", 24),
    "SHA-384": ("sha384", 32),
    "SHA-512": ("sha512", 48),
}
"""By authentication protocol, the hash and how many bytes of its code are sent."""

KEY_BYTES: Final[dict[str, int]] = {"DES": 16, "AES-128": 16, "AES-192": 24, "AES-256": 32}
"""By privacy protocol, the bytes of its key; the 16 of DES are key and initialization."""

STRETCHED_BYTES: Final = 1_048_576
SALT_BYTES: Final = 8
DES_BLOCK: Final = 8


@functools.lru_cache(maxsize=4096)
def localized_key(protocol: str, password: str, engine_id: bytes) -> bytes:
    """Return the key that a password makes at one engine; cached, because a megabyte is hashed for it.

    Examples
    --------
    RFC 3414, A.3.2:

    >>> localized_key("SHA", "maplesyrup", bytes.fromhex("000000000000000000000002")).hex()
    '6695febc9288e36282235fc7151f128497b38f3f'
    """
    name = DIGESTS[protocol][0]
    secret = password.encode()
    stretched = (secret * (STRETCHED_BYTES // len(secret) + 1))[:STRETCHED_BYTES]
    digest = hashlib.new(name, stretched, usedforsecurity=False).digest()
    return hashlib.new(name, digest + engine_id + digest, usedforsecurity=False).digest()


def digest_of(protocol: str, key: bytes, message: bytes) -> bytes:
    """Return the authentication code of a message in which the place of the code is all zero."""
    name, length = DIGESTS[protocol]
    return hmac.new(key, message, name).digest()[:length]


def encrypted(protocol: str, key: bytes, *, boots: int, time_s: int, salt: bytes, plain: bytes) -> bytes:
    """Return the enciphered text; DES fills up its last block."""
    padded = plain + bytes(-len(plain) % DES_BLOCK) if protocol == "DES" else plain
    encryptor = _cipher(protocol, key, boots, time_s, salt).encryptor()
    return encryptor.update(padded) + encryptor.finalize()


def decrypted(protocol: str, key: bytes, *, boots: int, time_s: int, salt: bytes, secret: bytes) -> bytes:
    """Return the deciphered text; raises ValueError for a text that cannot be one."""
    if len(salt) != SALT_BYTES:
        raise ValueError("a salt has eight bytes")
    decryptor = _cipher(protocol, key, boots, time_s, salt).decryptor()
    return decryptor.update(secret) + decryptor.finalize()


def _cipher(protocol: str, key: bytes, boots: int, time_s: int, salt: bytes) -> Cipher[CBC | CFB]:
    """Return the cipher of one message."""
    if protocol == "DES":
        start = bytes(a ^ b for a, b in zip(key[8:16], salt, strict=True))
        return Cipher(TripleDES(key[:8] * 3), CBC(start))
    start = boots.to_bytes(4, "big") + time_s.to_bytes(4, "big") + salt
    return Cipher(AES(key[: KEY_BYTES[protocol]]), CFB(start))


def is_known(auth_protocol: str, priv_protocol: str) -> bool:
    """Return whether keys of these two protocols can be made without a stretching that no standard has.

    Examples
    --------
    >>> is_known("SHA-256", "AES-256"), is_known("SHA", "AES-256"), is_known("", "")
    (True, False, True)
    """
    if not priv_protocol:
        return not auth_protocol or auth_protocol in DIGESTS
    if auth_protocol not in DIGESTS or priv_protocol not in KEY_BYTES:
        return False
    return hashlib.new(DIGESTS[auth_protocol][0], usedforsecurity=False).digest_size >= KEY_BYTES[priv_protocol]
