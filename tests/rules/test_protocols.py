"""The protocol layer cannot write to a device: losing the portal, or owning it, must never move a valve."""

import ast
import inspect
import re
from pathlib import Path

import pytest

from thermal.domain.mbus import requests
from thermal.protocols.modbus import frames

ROOT = Path(__file__).resolve().parents[2]
# Requests are also made in the domain, where a language does not need a library for it.
MODULES = sorted((ROOT / "thermal" / "protocols").glob("**/*.py")) + sorted(
    (ROOT / "thermal" / "domain").glob("**/*.py")
)
# Names of the libraries that change a device: functions, and the requests behind them.
WRITES = re.compile(
    r"(mask_)?write_(coils?|registers?|file_record)$|readwrite_registers$|(Mask|Read)?Write\w*(Request|Parameters)$"
    r"|(^|_)publish$|will_set$|set_cmd$|Set(Next)?RequestPDU$|set-request$"
    r"|write_(attribute|value|property|params)\w*$|set_(value|writable|attr\w*)$|call_method$|CallMethodRequest$"
    r"|(WriteProperty(Multiple)?|ReinitializeDevice|DeviceCommunicationControl|AtomicWriteFile|(Create|Delete)Object"
    r"|(Add|Remove)ListElement)(Request)?$"
)
# Where such a name can stand; requests of SNMP are named by texts.
FIELDS: dict[type[ast.AST], str] = {ast.Attribute: "attr", ast.Name: "id", ast.alias: "name", ast.Constant: "value"}
# Modbus function codes that write: coils, registers, mask, read-write, file record.
WRITING_CODES = {0x05, 0x06, 0x0F, 0x10, 0x15, 0x16, 0x17}


def writing_names(source: str) -> list[str]:
    names = {
        getattr(node, FIELDS[type(node)])
        for node in ast.walk(ast.parse(source))
        if type(node) in FIELDS and isinstance(getattr(node, FIELDS[type(node)]), str)
    }
    return sorted(name for name in names if WRITES.search(name))


def test_there_is_a_protocol_layer() -> None:
    assert {path.name for path in MODULES} >= {"mbus.py", "mqtt.py", "frames.py", "requests.py", "messages.py"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_no_name_that_writes_to_a_device_occurs(path: Path) -> None:
    assert writing_names(path.read_text()) == []


@pytest.mark.parametrize(
    "source",
    [
        "client.write_register(0, 1)",
        "client.write_coils(0, [True])",
        "from pymodbus.pdu.register_message import WriteSingleRegisterRequest",
        "client.readwrite_registers(read_address=0)",
        "from pysnmp.hlapi.v3arch.asyncio import set_cmd",
        "v2c.SetRequestPDU()",
        'scoped["data"]["set-request"] = request',
        "from bacpypes3.apdu import WritePropertyRequest",
        "from bacpypes3.apdu import WritePropertyMultipleRequest",
        "app.write_property(address, object, 'presentValue', 1)",
        "DeviceCommunicationControlRequest()",
        "node.write_value(1)",
        "node.set_value(1)",
        "node.call_method('2:start')",
        "ua.WriteParameters()",
        "client.publish('plc/set', 1)",
        "client.will_set('plc/set', 1)",
    ],
)
def test_the_rule_knows_how_each_language_writes(source: str) -> None:
    assert writing_names(source)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_no_function_of_ours_is_called_write(path: Path) -> None:
    tree = ast.parse(path.read_text())
    functions = [node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    assert [name for name in functions if name.lstrip("_").startswith(("write", "set_"))] == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_no_writing_function_code_is_spelled_out(path: Path) -> None:
    tree = ast.parse(path.read_text())
    codes = [
        node.value.value
        for node in ast.walk(tree)
        if isinstance(node, ast.keyword)
        and node.arg in {"function_code", "fc"}
        and isinstance(node.value, ast.Constant)
        and node.value.value in WRITING_CODES
    ]
    assert codes == []


def test_modbus_has_no_words_but_the_four_that_read() -> None:
    assert sorted(frames.READS.values()) == [1, 2, 3, 4]


def test_the_bus_of_meters_has_no_words_but_waking_selecting_and_asking() -> None:
    """SND_UD, by which a master sets things, occurs only as the selection of a meter (CI 52 to address FD)."""
    functions = {name for name, _made in inspect.getmembers(requests, inspect.isfunction)} - {"dataclass"}
    assert functions == {"_short", "meter_address", "request_data", "reset_link", "select_meter"}
    assert requests.reset_link(5)[1] == 0x40
    assert {requests.request_data(5, frame_count=bit)[1] for bit in (True, False)} == {0x5B, 0x7B}
    selection = requests.select_meter("12345678FFFFFFFF")
    assert selection[4:7] == bytes.fromhex("53 FD 52")
    assert len(selection) == 17
