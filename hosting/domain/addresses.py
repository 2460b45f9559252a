"""What a profile says in each field language: where a point is found, and which limits a device has.

One table for everybody: the editor draws its fields from it, files and the API are checked against it
(`address_checks`), and the languages themselves take their list of known names from it. This is the shape of what
is given; whether a point can be read is decided by the language, which stands one floor higher.
"""

from __future__ import annotations

from typing import Final

from hosting.domain.address_fields import AddressField, Kind, Language
from hosting.domain.address_fields import gettext_noop as _

_SCALE: Final = (
    AddressField(
        "scale", Kind.DECIMAL, _("factor"), _("The raw number times this is in the unit of the point."), default=1
    ),
    AddressField(
        "offset", Kind.DECIMAL, _("offset"), _("Added after the factor, in the unit of the point."), default=0
    ),
)
_ORDERS: Final = (
    AddressField(
        "word_order",
        Kind.CHOICE,
        _("word order"),
        _("Big: the register with the highest digits comes first."),
        choices=("big", "little"),
        default="big",
    ),
    AddressField("byte_order", Kind.CHOICE, _("byte order"), choices=("big", "little"), default="big"),
)
_TYPES: Final = (
    *("int16", "uint16", "int32", "uint32", "int64", "uint64"),
    *("float32", "float64"),
    *("bcd16", "bcd32", "bcd64"),
)
_INVALID_WITH: Final = (
    AddressField(
        "invalid_with",
        Kind.TEXT,
        _("invalid with"),
        _("Key of the point that tells of faults: while it is not 0, the values below count for nothing."),
    ),
    AddressField(
        "invalid_values",
        Kind.NUMBERS,
        _("invalid values"),
        _("In the unit of the quantity; empty: 0 and 185 °C, as heat meters show a faulty sensor."),
    ),
)
_MODBUS: Final = Language(
    point=(
        AddressField(
            "table",
            Kind.CHOICE,
            _("table"),
            choices=("holding", "input", "coil", "discrete"),
            default="holding",
        ),
        AddressField(
            "register",
            Kind.INTEGER,
            _("register"),
            _("Counted from 0, as on the wire; 40001 of many documents is holding register 0."),
            required=True,
            minimum=0,
            maximum=65535,
        ),
        AddressField(
            "type",
            Kind.CHOICE,
            _("type"),
            choices=(
                "int16",
                "uint16",
                "int32",
                "uint32",
                "int64",
                "uint64",
                "float32",
                "float64",
                "bcd16",
                "bcd32",
                "bcd64",
            ),
            default="uint16",
        ),
        *_ORDERS,
        *_SCALE,
        AddressField(
            "missing",
            Kind.NUMBERS,
            _("no value"),
            _("Raw numbers that mean “no value”, separated by commas; 0x8000 is a bit pattern, nan any NaN."),
        ),
        AddressField(
            "bit",
            Kind.INTEGER,
            _("bit"),
            _("The bit that is the value, or the lowest of several, from 0."),
            minimum=0,
            maximum=63,
        ),
        AddressField("bit_count", Kind.INTEGER, _("number of bits"), default=1, minimum=1, maximum=64),
        *_INVALID_WITH,
    ),
    own_options=(
        AddressField(
            "max_count",
            Kind.INTEGER,
            _("registers in one request"),
            _("At most; the protocol allows 125."),
            default=125,
            minimum=4,
            maximum=125,
        ),
        AddressField(
            "max_gap",
            Kind.INTEGER,
            _("registers to read over"),
            _("A gap up to this long is read along instead of starting another request."),
            default=16,
            minimum=0,
            maximum=124,
        ),
        AddressField(
            "unreadable",
            Kind.TEXTS,
            _("registers not to be read"),
            _("Ranges such as 100-109, in any table: no request touches them."),
        ),
        *_ORDERS,
    ),
)
_MBUS: Final = Language(
    point=(
        AddressField(
            "quantity",
            Kind.TEXT,
            _("quantity of the record"),
            _("As decode_mbus prints it; empty: the one that belongs to the quantity of the point."),
        ),
        AddressField(
            "function",
            Kind.CHOICE,
            _("function"),
            choices=("instantaneous", "maximum", "minimum", "error"),
            default="instantaneous",
        ),
        AddressField("storage", Kind.INTEGER, _("storage number"), default=0, minimum=0),
        AddressField("tariff", Kind.INTEGER, _("tariff"), default=0, minimum=0),
        AddressField("subunit", Kind.INTEGER, _("sub-unit"), default=0, minimum=0),
        AddressField(
            "qualifier",
            Kind.CHOICE,
            _("extension"),
            _("positive, negative, or the numbers of the extensions, such as those that makers put behind FF."),
            choices=("positive", "negative"),
            also_number=True,
        ),
        *_SCALE,
        *_INVALID_WITH,
    ),
)

_NUMBER: Final = (
    *_SCALE,
    AddressField(
        "divisor", Kind.DECIMAL, _("divisor"), _("As documents of devices give it: 10 where 205 means 20.5."), default=1
    ),
    AddressField(
        "missing",
        Kind.NUMBERS,
        _("no value"),
        _("Raw numbers by which the device says that it has no value, separated by commas."),
    ),
    AddressField("bit", Kind.INTEGER, _("bit"), _("The one bit that is the value, from 0."), minimum=0, maximum=63),
    AddressField(
        "single_precision",
        Kind.FLAG,
        _("seven digits are enough"),
        _("Takes a register for a meter reading although it comes as a 32-bit float."),
        default=False,
    ),
)
"""What a point may say in every language that tells plain numbers one by one."""

_SNMP: Final = Language(
    point=(
        AddressField(
            "oid",
            Kind.TEXT,
            _("object identifier"),
            _("Numbers such as 1.3.6.1.2.1.1.3.0; {unit} stands for the unit of the device."),
            required=True,
        ),
        *_NUMBER,
    ),
    own_options=(
        AddressField(
            "max_oids",
            Kind.INTEGER,
            _("objects in one request"),
            _("At most; fewer if the device finds the answer too big."),
            default=24,
            minimum=1,
            maximum=128,
        ),
    ),
)
_BACNET: Final = Language(
    point=(
        AddressField(
            "object",
            Kind.TEXT,
            _("object"),
            _("Type and instance, such as analog-input,3; a maker's own type as its number."),
            required=True,
        ),
        AddressField(
            "property",
            Kind.TEXT,
            _("property"),
            _("Its name, or the number of a maker's own."),
            default="present-value",
        ),
        AddressField("index", Kind.INTEGER, _("place in the list"), _("Of a list, from 1."), minimum=0),
        *_NUMBER,
    ),
    own_options=(
        AddressField(
            "multiple",
            Kind.FLAG,
            _("many values in one request"),
            _("By ReadPropertyMultiple; a device that refuses is asked one by one anyway."),
            default=True,
        ),
        AddressField(
            "max_properties",
            Kind.INTEGER,
            _("values in one request"),
            _("At most; fewer if the answer would not fit."),
            default=24,
            minimum=1,
            maximum=128,
        ),
        AddressField(
            "status_flags",
            Kind.FLAG,
            _("ask for the state of each object"),
            _("A present value in fault or out of service is not stored."),
            default=True,
        ),
    ),
)
_OPC_UA: Final = Language(
    point=(
        AddressField(
            "node",
            Kind.TEXT,
            _("node"),
            _("Such as ns=2;s=Line1.Power or nsu=urn:maker;i=17; {unit} stands for the unit of the device."),
            required=True,
        ),
        AddressField("index", Kind.INTEGER, _("place in the list"), _("Of a list, from 0."), minimum=0),
        AddressField(
            "timestamp",
            Kind.CHOICE,
            _("time instead of the value"),
            _("For the clock of the device: when its source or the server saw the value."),
            choices=("source", "server"),
        ),
        *_NUMBER,
    ),
    own_options=(
        AddressField(
            "max_nodes",
            Kind.INTEGER,
            _("nodes in one request"),
            _("At most; fewer if the server finds them too many."),
            default=200,
            minimum=1,
            maximum=1000,
        ),
        AddressField(
            "security",
            Kind.CHOICE,
            _("protection of the connection"),
            _("The server must offer it, and trust the certificate of the portal."),
            choices=("none", "Basic256Sha256", "Aes128Sha256RsaOaep", "Aes256Sha256RsaPss"),
            default="none",
        ),
        AddressField("plain_password", Kind.FLAG, _("password may be sent unprotected"), default=False),
    ),
)
_TOLD: Final = (
    *_SCALE,
    AddressField(
        "missing",
        Kind.NUMBERS,
        _("no value"),
        _("Numbers by which the device says that it has no value, separated by commas."),
    ),
    *_INVALID_WITH,
)
_MQTT: Final = Language(
    point=(
        AddressField(
            "topic",
            Kind.TEXT,
            _("topic"),
            _("Without wildcards; {unit} stands for the unit of the device."),
            required=True,
        ),
        AddressField(
            "path",
            Kind.TEXT,
            _("place in the message"),
            _("Keys and numbers with dots between, such as data.0.value; empty: the message is the value."),
        ),
        AddressField(
            "time",
            Kind.TEXT,
            _("place of the time"),
            _("Where the message tells when it was measured: ISO 8601, or seconds since 1970. Empty: on arrival."),
        ),
        *_TOLD,
    ),
)
_HTTP_PUSH: Final = Language(point=_TOLD)
_CSV_DROP: Final = Language(
    point=(
        AddressField("column", Kind.TEXT, _("column"), _("As the header of the file names it."), required=True),
        *_TOLD,
    ),
    own_options=(
        AddressField("file", Kind.TEXT, _("files"), _("Names of the files, such as meter-*.csv."), default="*"),
        AddressField(
            "delimiter", Kind.CHOICE, _("between cells"), choices=("auto", "comma", "semicolon", "tab"), default="auto"
        ),
        AddressField("decimal_comma", Kind.FLAG, _("decimals with a comma"), default=False),
        AddressField("time_column", Kind.TEXT, _("column of the time"), default="time"),
        AddressField("time_form", Kind.TEXT, _("form of the time"), _("Such as %d.%m.%Y %H:%M; empty: ISO 8601.")),
        AddressField(
            "time_zone",
            Kind.TEXT,
            _("time zone"),
            _("Of times without offset, such as Europe/Berlin; empty: the site's."),
        ),
        AddressField(
            "unit_column",
            Kind.TEXT,
            _("column of the unit"),
            _("Holds the unit of the device. Empty: a file tells of the one device whose unit is in its name."),
        ),
    ),
)

LANGUAGES: Final[dict[str, Language]] = {
    "modbus_tcp": _MODBUS,
    "modbus_rtu_tcp": _MODBUS,
    "mbus_tcp": _MBUS,
    "snmp": _SNMP,
    "bacnet_ip": _BACNET,
    "opc_ua": _OPC_UA,
    "mqtt": _MQTT,
    "http_push": _HTTP_PUSH,
    "csv_drop": _CSV_DROP,
}
"""Each field language that profiles can be written for, by the name that controllers give it."""


def reads(profile: str, controller: str) -> bool:
    """Whether profiles for one protocol can be read from controllers that speak another.

    >>> reads("modbus_tcp", "modbus_rtu_tcp"), reads("mbus_tcp", "modbus_tcp")
    (True, False)
    """
    language = LANGUAGES.get(profile)
    return profile == controller or (language is not None and language is LANGUAGES.get(controller))
