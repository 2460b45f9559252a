"""Secrets that are shown once and kept as a hash."""

import hashlib
import secrets
from typing import Final

_KEY_BYTES: Final = 32


def new_key() -> str:
    """A key that nobody guesses, fit for an address."""
    return secrets.token_urlsafe(_KEY_BYTES)


def fingerprint(key: str) -> str:
    """The SHA-256 of a key in hexadecimal; long random keys need no salt and no slow hash."""
    return hashlib.sha256(key.encode()).hexdigest()
