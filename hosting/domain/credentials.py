"""What a controller may ask before it answers: the names of its credentials by protocol, and which go together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from cryptography import x509

from kernel.errors import Refusal

SNMP_AUTH: Final = ("MD5", "SHA", "SHA-224", "SHA-256", "SHA-384", "SHA-512")
SNMP_PRIV: Final = ("DES", "AES-128", "AES-192", "AES-256")
SNMP_SHORTEST_KEY: Final = 8
"""Characters; RFC 3414, section 11.2, allows nothing shorter."""

NAMES: Final[dict[str, tuple[str, ...]]] = {
    "snmp": ("version", "community", "user", "auth_protocol", "auth_key", "priv_protocol", "priv_key"),
    "opc_ua": ("user", "password"),
    "mqtt": ("user", "password", "tls", "ca"),
    "http_push": ("key",),
}
"""By protocol, the names under which its credentials are kept; protocols that ask for nothing are not listed."""


class NoCredentialsUsed(Refusal):
    """A language without any log-in."""

    sentence = "Controllers of the protocol %(protocol)s ask for no credentials."


class CredentialUnknown(Refusal):
    """A name that means nothing in this language."""

    sentence = "“%(name)s” is no credential of the protocol %(protocol)s."


class CredentialsAreEmpty(Refusal):
    """Nothing was given to keep."""

    sentence = "Enter at least one value, or remove the credentials."


class CredentialsDoNotFit(Refusal):
    """Credentials that no device accepts in this combination."""


def checked(protocol: str, given: Mapping[str, str]) -> dict[str, str]:
    """Return the credentials to keep, without empty ones, after checking that they go together.

    Examples
    --------
    >>> checked("snmp", {"version": "2c", "community": "plant", "user": ""})
    {'version': '2c', 'community': 'plant'}
    """
    if protocol not in NAMES:
        raise NoCredentialsUsed(protocol=protocol)
    for name in given:
        if name not in NAMES[protocol]:
            raise CredentialUnknown(name=name, protocol=protocol)
    kept = {name: value for name, value in given.items() if value}
    if not kept:
        raise CredentialsAreEmpty
    if protocol in _CHECKS:
        _CHECKS[protocol](kept)
    return kept


class SnmpVersionUnknown(CredentialsDoNotFit):
    """A version that the portal does not speak."""

    sentence = "SNMP version “%(version)s” is not one of 2c and 3."


class SnmpNeedsCommunity(CredentialsDoNotFit):
    """Version 2c without a community."""

    sentence = "SNMP version 2c needs a community, and nothing but a community."


class SnmpNeedsUser(CredentialsDoNotFit):
    """Version 3 without a user, or with a community."""

    sentence = "SNMP version 3 needs a user and has no community."


class SnmpMethodAndKey(CredentialsDoNotFit):
    """A method without its key, or a key without its method."""

    sentence = "A method (%(methods)s) and its key of at least %(count)s characters go together."


class SnmpPrivacyNeedsAuthentication(CredentialsDoNotFit):
    """Encryption without authentication, which the standard does not know."""

    sentence = "SNMP encrypts only what it authenticates: give an authentication method as well."


def _check_snmp(kept: Mapping[str, str]) -> None:
    version = kept.get("version", "")
    if version == "2c":
        if set(kept) != {"version", "community"}:
            raise SnmpNeedsCommunity
        return
    if version != "3":
        raise SnmpVersionUnknown(version=version)
    if "user" not in kept or "community" in kept:
        raise SnmpNeedsUser
    _check_method(kept.get("auth_protocol"), kept.get("auth_key"), SNMP_AUTH)
    _check_method(kept.get("priv_protocol"), kept.get("priv_key"), SNMP_PRIV)
    if "priv_key" in kept and "auth_key" not in kept:
        raise SnmpPrivacyNeedsAuthentication


def _check_method(method: str | None, key: str | None, methods: tuple[str, ...]) -> None:
    if method is None and key is None:
        return
    if method not in methods or key is None or len(key) < SNMP_SHORTEST_KEY:
        raise SnmpMethodAndKey(methods=", ".join(methods), count=SNMP_SHORTEST_KEY)


class UserAndPassword(CredentialsDoNotFit):
    """Half a log-in."""

    sentence = "A user and a password go together."


class TlsNeeded(CredentialsDoNotFit):
    """A certificate that nothing would be checked against."""

    sentence = "A certificate is of use only with TLS."


class NotACertificate(CredentialsDoNotFit):
    """A text that is no certificate."""

    sentence = "The certificate is not in PEM form, from “BEGIN CERTIFICATE” to “END CERTIFICATE”."


def _check_log_in(kept: Mapping[str, str]) -> None:
    if ("user" in kept) != ("password" in kept):
        raise UserAndPassword


def _check_mqtt(kept: Mapping[str, str]) -> None:
    _check_log_in(kept)
    if "ca" not in kept:
        return
    if "tls" not in kept:
        raise TlsNeeded
    try:
        x509.load_pem_x509_certificates(kept["ca"].encode())
    except ValueError:
        raise NotACertificate from None


_CHECKS: Final[dict[str, Callable[[Mapping[str, str]], None]]] = {
    "snmp": _check_snmp,
    "opc_ua": _check_log_in,
    "mqtt": _check_mqtt,
}
