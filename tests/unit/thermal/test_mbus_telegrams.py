"""Real telegrams: 38 that decode as their publishers say, 11 that must be refused."""

from contextlib import suppress
from decimal import Decimal, InvalidOperation
from pathlib import Path
from xml.etree import ElementTree as ET

import meterbus
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from thermal.domain import mbus

TELEGRAMS = Path(__file__).parents[4] / "shared" / "data" / "mbus"
GOOD = sorted(TELEGRAMS.glob("*.hex"))
REFUSED = sorted((TELEGRAMS / "error-frames").glob("*.hex"))

KAMSTRUP = (
    "68 F7 F7 68 08 11 72 17 58 85 06 2D 2C 08 04 04 00 00 00 0C 78 17 58 85 06 04 06 E7 91 00 00 04 14 2C DB 00 00"
    " 04 22 D9 03 00 00 04 59 B9 27 00 00 04 5D 08 12 00 00 04 61 B1 15 00 00 04 2D 5B 01 00 00 14 2D C0 01 00 00"
    " 04 3B 1F 02 00 00 14 3B 74 02 00 00 84 10 06 00 00 00 00 84 20 06 00 00 00 00 84 40 14 00 00 00 00 84 80 40"
    " 14 00 00 00 00 84 C0 40 06 00 00 00 00 04 6D 1A 2F 65 11 44 06 51 82 00 00 44 14 B2 C3 00 00 54 2D 26 02 00"
    " 00 54 3B 03 04 00 00 C4 10 06 00 00 00 00 C4 20 06 00 00 00 00 C4 40 14 00 00 00 00 C4 80 40 14 00 00 00 00"
    " C4 C0 40 06 00 00 00 00 42 6C 5F 1C 0F 00 00 00 00 E7 E4 00 00 63 66 00 00 00 00 00 00 00 00 00 00 00 00 00"
    " 00 5B C9 A5 02 34 53 00 00 E0 B2 03 00 89 9C 68 00 00 00 00 00 01 00 01 07 07 09 01 03 00 00 00 00 00 98 16"
)
HEADER = "17588506 2D2C 08 04 04 00 0000"

needs_telegrams = pytest.mark.skipif(not GOOD, reason="the telegrams of ../shared/data/mbus are not here")


def telegram_of(path: Path) -> bytes:
    return bytes.fromhex(path.read_text())


def telegram(records: str, *, header: str = HEADER, kind: int = 0x72) -> bytes:
    """A telegram with these records and a right checksum."""
    body = bytes([0x08, 0x01, kind]) + bytes.fromhex(header) + bytes.fromhex(records)
    return bytes([0x68, len(body), len(body), 0x68]) + body + bytes([sum(body) % 256, 0x16])


def record(records: str) -> mbus.Record:
    return mbus.decode(telegram(records)).records[0]


def as_number(text: str | None) -> Decimal | None:
    try:
        return Decimal(text or "")
    except InvalidOperation:
        return None


@needs_telegrams
def test_all_38_telegrams_are_there() -> None:
    assert len(GOOD) == 38
    assert len(REFUSED) == 11


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_a_real_telegram_decodes_as_published(path: Path) -> None:
    decoded = mbus.decode(telegram_of(path))
    published = ET.parse(path.with_suffix(".norm.xml"))
    head = published.find("SlaveInformation")
    assert head is not None
    assert decoded.manufacturer == head.findtext("Manufacturer")
    assert decoded.identification.lstrip("0") == (head.findtext("Id") or "").lstrip("0")
    assert decoded.status == int(head.findtext("Status") or "", 16)
    expected = [
        (
            entry.findtext("Function"),
            entry.findtext("Quantity") or "",
            (entry.findtext("Unit") or "").replace("Â", ""),
            int(entry.findtext("StorageNumber") or 0),
            int(entry.findtext("Tariff") or 0),
            int(entry.findtext("Device") or 0),
        )
        for entry in published.findall("DataRecord")
    ]
    found = [(str(r.function), r.quantity, r.unit, r.storage, r.tariff, r.subunit) for r in decoded.records]
    assert found == expected
    for entry, found_record in zip(published.findall("DataRecord"), decoded.records, strict=True):
        told, ours = entry.findtext("Value") or "", mbus.render(found_record.value) or ""
        number, our_number = as_number(told), as_number(ours)
        if number is not None and our_number is not None:
            assert abs(number - our_number) <= Decimal("0.0000005")
        else:
            assert told.removesuffix("Z") == ours or (told.startswith("1900-01-00") and not found_record.valid)


# pyMeterBus does not know binary values of 16 bytes.
KNOWN_TO_BOTH = [path for path in GOOD if path.stem != "example_binary16_lvar"]


@pytest.mark.parametrize("path", KNOWN_TO_BOTH, ids=lambda path: path.stem)
def test_an_independent_decoder_finds_the_same_numbers(path: Path) -> None:
    theirs = meterbus.load(telegram_of(path)).records
    ours = mbus.decode(telegram_of(path)).records
    assert len(theirs) == len(ours)
    for their, our in zip(theirs, ours, strict=True):
        if isinstance(our.value, Decimal) and isinstance(their.parsed_value, int | float | Decimal):
            assert float(our.value) == pytest.approx(float(their.parsed_value), rel=1e-6)


@pytest.mark.parametrize("path", REFUSED, ids=lambda path: path.stem)
def test_an_error_telegram_is_refused_in_words(path: Path) -> None:
    with pytest.raises(mbus.TelegramRefused) as refusal:
        mbus.decode(telegram_of(path))
    assert refusal.value.detail.endswith(".")


def test_billing_takes_the_main_register_and_leaves_tariffs_and_stored_values() -> None:
    values = mbus.billing_values(mbus.decode(bytes.fromhex(KAMSTRUP)))
    assert values.energy_kwh == Decimal(37351)
    assert values.volume_m3 == Decimal("561.08")
    assert (values.supply_c, values.return_c) == (Decimal("101.69"), Decimal("46.16"))
    assert (values.power_kw, values.flow_m3h) == (Decimal("34.7"), Decimal("0.543"))
    assert str(values.device_time) == "2011-01-05 15:26:00"


@pytest.mark.parametrize(
    ("records", "energy_kwh"),
    [
        ("04 03 E8 03 00 00", "1"),
        ("04 06 E7 91 00 00", "37351"),
        ("04 07 0A 00 00 00", "100"),
        ("0C 0E 08 23 03 00", "8974.444444"),
        ("04 0F 24 00 00 00", "100"),
        ("04 08 80 EE 36 00", "1"),
        ("04 FB 00 08 00 00 00", "800"),
        ("04 FB 01 08 00 00 00", "8000"),
        ("04 FB 08 24 00 00 00", "1000"),
        ("04 FB 09 24 00 00 00", "10000"),
        ("04 83 7D 01 00 00 00", "1"),
        ("04 86 74 64 00 00 00", "1"),
        ("04 83 3B 88 13 00 00", "5"),
    ],
)
def test_energy_in_every_unit_becomes_kwh(records: str, energy_kwh: str) -> None:
    assert mbus.billing_values(mbus.decode(telegram(records))).energy_kwh == Decimal(energy_kwh)


def test_a_heat_and_cooling_meter_keeps_both_energies_apart() -> None:
    values = mbus.billing_values(mbus.decode(telegram("04 06 0A 00 00 00 04 86 3C 03 00 00 00")))
    assert (values.energy_kwh, values.cooling_kwh) == (Decimal(10), Decimal(3))


def test_one_register_in_two_resolutions_gives_the_finer_one() -> None:
    values = mbus.billing_values(mbus.decode(telegram("04 06 0A 00 00 00 04 05 69 00 00 00")))
    assert values.energy_kwh == Decimal("10.5")


def test_two_main_registers_that_disagree_give_no_register_to_bill() -> None:
    values = mbus.billing_values(mbus.decode(telegram("04 06 0A 00 00 00 04 06 14 00 00 00")))
    assert values.energy_kwh is None


@pytest.mark.parametrize(
    ("records", "value", "valid"),
    [
        ("0B 61 18 00 F0", "-0.18", True),
        ("0A 5A 27 02", "22.7", True),
        ("02 5A FF FF", "-0.1", True),
        ("02 5A 00 80", None, False),
        ("05 5B 22 F3 26 42", "41.737434", True),
        ("05 5B 00 00 C0 7F", None, False),
        ("05 5B 00 00 80 7F", None, False),
        ("02 6C 5F 1C", "2010-12-31", True),
        ("04 6D 1A 2F 65 11", "2011-01-05T15:26:00", True),
        ("04 6D A1 15 E9 17", None, False),
        ("06 6D 1E 1A 2F 65 11 00", "2011-01-05T15:26:30", True),
        ("03 6D 1E 1A 0F", "15:26:30", True),
        ("0D FD 0B 05 31 32 48 46 57", "WFH21", True),
        ("0D 78 C2 34 12", "1234", True),
        ("0D 78 D2 34 12", "-1234", True),
        ("0D 78 E2 34 12", "12 34", True),
        ("02 FD 17 00 80", "32768", True),
        ("07 06 FF FF FF FF FF FF FF 7F", "9223372036854775807000", True),
        ("00 06", None, False),
        ("04 86 18 01 00 00 00", "1000", False),
    ],
)
def test_values_are_exact(records: str, value: str | None, valid: bool) -> None:
    found = record(records)
    assert (mbus.render(found.value), found.valid) == (value, valid)


def test_hexadecimal_digits_in_a_decimal_field_are_never_billed() -> None:
    values = mbus.billing_values(mbus.decode(telegram("0C 06 DD B4 EB DD")))
    assert values.energy_kwh is None


def test_a_telegram_of_fixed_structure_has_two_counters() -> None:
    decoded = mbus.decode(bytes.fromhex("68 13 13 68 08 05 73 78 56 34 12 0A 00 E9 7E 01 00 00 00 35 01 00 00 3C 16"))
    assert (decoded.identification, decoded.medium) == ("12345678", "Water")
    assert [(r.quantity, str(r.value), r.storage) for r in decoded.records] == [
        ("Volume", "0.001", 0),
        ("Volume", "0.135", 1),
    ]


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda t: t[:-1], "has"),
        (lambda t: t + b"\x00", "has"),
        (lambda t: t[:-2] + b"\x00\x16", "checksum"),
        (lambda t: t[:-1] + b"\x17", "ends with 17"),
        (lambda t: b"\x68\x0a" + t[2:], "two different lengths"),
        (lambda t: b"\xe5", "acknowledgement"),
        (lambda t: bytes.fromhex("10 5B 01 5C 16"), "request"),
        (lambda t: b"", "before its length"),
        (lambda t: b"\x00" * 20, "start bytes"),
    ],
)
def test_a_spoilt_frame_is_refused(spoil: object, told: str) -> None:
    assert callable(spoil)
    with pytest.raises(mbus.TelegramRefused, match=told):
        mbus.decode(spoil(telegram("04 06 E7 91 00 00")))


@pytest.mark.parametrize(
    "records",
    ["04", "04 06", "04 06 E7 91 00", "0D 78 05 31", "84", "04 FD", "04 FB", "04 7C 05 41", "0D 78 FF", "3F", "7F"],
)
def test_a_truncated_or_reserved_record_refuses_the_telegram(records: str) -> None:
    with pytest.raises(mbus.TelegramRefused):
        mbus.decode(telegram(records))


@pytest.mark.parametrize("records", ["84" + " 80" * 11 + " 06 00", "04 86" + " 80" * 11 + " 00"])
def test_more_than_ten_extensions_are_refused(records: str) -> None:
    with pytest.raises(mbus.TelegramRefused, match="10 extensions"):
        mbus.decode(telegram(records))


@pytest.mark.parametrize("cut", range(1, 30))
def test_a_telegram_cut_short_is_refused_even_with_a_right_checksum(cut: int) -> None:
    records = bytes.fromhex("04 06 E7 91 00 00 04 14 2C DB 00 00 0C 78 17 58 85 06 04 6D 1A 2F 65 11 04 59 B9 27 00 00")
    shorter = records[:-cut]
    if len(shorter) in (0, 6, 12, 18, 24):
        return
    with pytest.raises(mbus.TelegramRefused):
        mbus.decode(telegram(shorter.hex()))


@pytest.mark.parametrize("signature", ["2505", "1002", "1007"])
def test_an_encrypted_telegram_is_refused(signature: str) -> None:
    with pytest.raises(mbus.TelegramRefused, match="encrypted"):
        mbus.decode(telegram("04 06 E7 91 00 00", header=HEADER[:-4] + signature))


def test_a_stream_of_telegrams_is_split_at_their_borders() -> None:
    first, second = telegram("04 06 E7 91 00 00"), telegram("04 14 2C DB 00 00")
    assert mbus.split_frames(first + second) == [first, second]


@given(st.binary(max_size=300))
@example(b"\x68\x03\x03\x68\x08\x01\x72\x7b\x16")
def test_no_bytes_lead_to_anything_but_values_or_a_refusal(content: bytes) -> None:
    with suppress(mbus.TelegramRefused):
        for frame in mbus.split_frames(content):
            mbus.billing_values(mbus.decode(frame))


@given(st.binary(min_size=0, max_size=230), st.sampled_from([0x70, 0x72, 0x73, 0x78, 0x7A]))
def test_no_content_in_a_sound_frame_leads_to_anything_but_values_or_a_refusal(content: bytes, kind: int) -> None:
    try:
        decoded = mbus.decode(telegram(content.hex(), header="", kind=kind))
    except mbus.TelegramRefused:
        return
    for found in decoded.records:
        assert found.value is None or isinstance(mbus.render(found.value), str)
    mbus.billing_values(decoded)


@given(st.integers(0, 246), st.integers(1, 255))
def test_a_flipped_byte_never_changes_a_value_unnoticed(position: int, change: int) -> None:
    sound = bytes.fromhex(KAMSTRUP)
    spoilt = bytearray(sound)
    spoilt[4 + position] ^= change
    with pytest.raises(mbus.TelegramRefused):
        mbus.decode(bytes(spoilt))
