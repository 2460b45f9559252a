"""What `manage.py decode_mbus` prints."""

import json
from contextlib import suppress
from pathlib import Path

import pytest
from django.core.management import call_command

GOOD = "68 31 31 68 08 01 72 45 58 57 03 B4 05 34 04 9E 00 27 B6 03 06 F9 34 15 03 15 C6 00 4D 05 2E 00 00 00 00 05 3D 00 00 00 00 05 5B 22 F3 26 42 05 5F C7 DA 0D 42 FA 16"  # noqa: E501
KEYS = ["file", "ok", "error", "manufacturer", "id", "medium", "status", "records", "billing"]


def decoded(capsys: pytest.CaptureFixture[str], *names: object) -> list[dict[str, object]]:
    with suppress(SystemExit):
        call_command("decode_mbus", *map(str, names))
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_text_and_binary_files_give_the_same_document(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text, binary = tmp_path / "a.hex", tmp_path / "a.bin"
    text.write_text(GOOD.replace(" 03 06", "\r\n03 06"))
    binary.write_bytes(bytes.fromhex(GOOD))
    first, second = decoded(capsys, text, binary)
    assert list(first) == KEYS
    assert {**first, "file": ""} == {**second, "file": ""}
    assert first["ok"] is True
    assert (first["id"], first["manufacturer"]) == ("03575845", "AMT")
    billing = first["billing"]
    assert isinstance(billing, dict)
    assert (billing["energy_kwh"], billing["volume_m3"]) == ("1389817", "504647")
    records = first["records"]
    assert isinstance(records, list)
    assert records[0] == {
        "quantity": "Energy",
        "value": "1389817000",
        "unit": "Wh",
        "function": "Instantaneous value",
        "storage": 0,
        "tariff": 0,
        "subunit": 0,
    }


def test_one_bad_file_does_not_hide_the_good_ones(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, spoilt, odd = tmp_path / "good.hex", tmp_path / "spoilt.hex", tmp_path / "odd.hex"
    good.write_text(GOOD)
    spoilt.write_text(GOOD.replace("FA 16", "FB 16"))
    odd.write_text("68 3")
    with pytest.raises(SystemExit, match="1"):
        call_command("decode_mbus", str(spoilt), str(good))
    capsys.readouterr()
    documents = decoded(capsys, spoilt, tmp_path / "absent.hex", odd, tmp_path, good)
    assert [document["ok"] for document in documents] == [False, False, False, False, True]
    assert all(document["error"] for document in documents[:-1])


def test_two_telegrams_in_one_file_give_two_documents(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    both = tmp_path / "both.hex"
    both.write_text(f"{GOOD}\n{GOOD}\n")
    assert len(decoded(capsys, both)) == 2
