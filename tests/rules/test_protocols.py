"""The protocol layer cannot write to a device: losing the portal, or owning it, must never move a valve."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted((ROOT / "thermal" / "protocols").glob("**/*.py"))
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


def test_there_is_a_protocol_layer() -> None:
    assert MODULES


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_no_name_that_writes_to_a_device_occurs(path: Path) -> None:
    names = {
        getattr(node, FIELDS[type(node)])
        for node in ast.walk(ast.parse(path.read_text()))
        if type(node) in FIELDS and isinstance(getattr(node, FIELDS[type(node)]), str)
    }
    assert [name for name in names if WRITES.search(name)] == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_no_function_of_ours_is_called_write(path: Path) -> None:
    tree = ast.parse(path.read_text())
    functions = [node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    assert [name for name in functions if name.lstrip("_").startswith(("write", "set_"))] == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
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
