"""Which credentials go together, by protocol."""

import pytest

from hosting.domain import credentials
from tests.makers import field

V3 = {"version": "3", "user": "reader"}
AUTH = {"auth_protocol": "SHA-256", "auth_key": "long enough"}
PRIV = {"priv_protocol": "AES-128", "priv_key": "as long again"}


@pytest.mark.parametrize(
    ("protocol", "given"),
    [
        ("snmp", {"version": "2c", "community": "plant"}),
        ("snmp", V3),
        ("snmp", V3 | AUTH),
        ("snmp", V3 | AUTH | PRIV),
        ("opc_ua", {"user": "reader", "password": "secret"}),
        ("mqtt", {"user": "reader", "password": "secret"}),
        ("mqtt", {"tls": "yes"}),
        ("http_push", {"key": "k"}),
    ],
)
def test_what_goes_together_is_kept(protocol: str, given: dict[str, str]) -> None:
    assert credentials.checked(protocol, dict.fromkeys(credentials.NAMES[protocol], "") | given) == given


@pytest.mark.parametrize(
    ("protocol", "given", "refusal"),
    [
        ("modbus_tcp", {"user": "a"}, credentials.NoCredentialsUsed),
        ("mqtt", {"community": "a"}, credentials.CredentialUnknown),
        ("opc_ua", {"user": "", "password": ""}, credentials.CredentialsAreEmpty),
        ("opc_ua", {"user": "a"}, credentials.UserAndPassword),
        ("mqtt", {"password": "a"}, credentials.UserAndPassword),
        ("mqtt", {"ca": "a"}, credentials.TlsNeeded),
        ("mqtt", {"ca": "a", "tls": "yes"}, credentials.NotACertificate),
        ("snmp", {"version": "1", "community": "a"}, credentials.SnmpVersionUnknown),
        ("snmp", {"version": "2c"}, credentials.SnmpNeedsCommunity),
        ("snmp", {"version": "2c", "community": "a", "user": "b"}, credentials.SnmpNeedsCommunity),
        ("snmp", {"version": "3"}, credentials.SnmpNeedsUser),
        ("snmp", V3 | {"community": "a"}, credentials.SnmpNeedsUser),
        ("snmp", V3 | {"auth_protocol": "SHA", "auth_key": "short"}, credentials.SnmpMethodAndKey),
        ("snmp", V3 | {"auth_key": "long enough"}, credentials.SnmpMethodAndKey),
        ("snmp", V3 | {"auth_protocol": "ROT13", "auth_key": "long enough"}, credentials.SnmpMethodAndKey),
        ("snmp", V3 | PRIV, credentials.SnmpPrivacyNeedsAuthentication),
    ],
)
def test_what_no_device_accepts_is_refused(protocol: str, given: dict[str, str], refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        credentials.checked(protocol, given)


def test_a_certificate_is_kept_with_tls() -> None:
    given = {"tls": "yes", "ca": field.certificate().pem}
    assert credentials.checked("mqtt", given) == given
