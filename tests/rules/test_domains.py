"""Rules of the pure rooms: they import without any framework, and money meets no float."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PURE = sorted(
    path.relative_to(ROOT) for pattern in ("kernel/**/*.py", "*/domain/**/*.py") for path in ROOT.glob(pattern)
)
MONEY = [path for path in PURE if path.parts[:2] == ("contracts", "domain")]

IMPORT_ALONE = """
import importlib, importlib.abc, sys

class Refused(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"django", "celery", "psycopg", "redis", "rest_framework", "environ"}:
            raise ImportError(f"a pure module asked for {name}")

sys.meta_path.insert(0, Refused())
for name in sys.argv[1:]:
    importlib.import_module(name)
"""


def module_name(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def test_pure_modules_import_with_every_framework_blocked() -> None:
    names = [module_name(path) for path in PURE if path.name != "__main__.py"]
    assert names
    finished = subprocess.run(
        [sys.executable, "-c", IMPORT_ALONE, *names], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert finished.returncode == 0, finished.stderr


@pytest.mark.parametrize("path", MONEY, ids=str)
def test_money_meets_no_float(path: Path) -> None:
    tree = ast.parse((ROOT / path).read_text())
    floats = [
        node.lineno
        for node in ast.walk(tree)
        if (isinstance(node, ast.Name) and node.id == "float")
        or (isinstance(node, ast.Constant) and isinstance(node.value, float))
    ]
    assert floats == []


@pytest.mark.parametrize("path", PURE, ids=str)
def test_pure_modules_read_no_clock(path: Path) -> None:
    tree = ast.parse((ROOT / path).read_text())
    clocks = {"now", "utcnow", "today", "monotonic", "perf_counter"}
    calls = [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in clocks
    ]
    assert calls == []
