"""Rules of the repository: ours, small, free of any one machine, and in pieces that a person can read."""

import ast
import json
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LARGEST_BYTES = 400_000
LONGEST_MODULE_LINES = 400
LONGEST_FUNCTION_LINES = 40
# Places of one machine. `/root/` and the like may be spoken of, not built upon.
MACHINE_PATHS = re.compile(
    r"(?<![\w.])/work/[a-z]|/home/[a-z]+/[a-z]|/Users/[A-Za-z]+/|/root/[a-z.]+/|[A-Z]:\\\\Users", re.ASCII
)
FOREIGN = re.compile(r"@license|@preserve|\(c\) \d{4}|Copyright \d{4}|Licensed under the", re.IGNORECASE)
THIS_FILE = "tests/rules/test_repository.py"
# Longer than a function should be, for a reason.
LONG_FUNCTIONS = {
    "demo/plant/physics.py:flows_at": "one heat balance, from the racks to the dry cooler, in the order of the water",
    "hosting/domain/isolation.py:loss": "half of it are the parameters and examples of its docstring",
    "hosting/services/csv_import.py:import_table": "two thirds of it are its signature and docstring",
}
# Longer than a module should be, for a reason.
LONG_MODULES = {
    "compliance/api.py": "one serializer and one view set per model, all alike",
    "contracts/api.py": "one serializer and one view set per model, all alike",
    "hosting/domain/heat_path.py": "one layout algorithm",
}


def tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z", *patterns], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def text_of(path: Path) -> str:
    try:
        return path.read_text()
    except UnicodeDecodeError:
        return ""


def our_code() -> list[Path]:
    return [path for path in tracked("*.py") if "migrations" not in path.parts]


def test_no_tracked_file_names_a_place_of_one_machine() -> None:
    naming = [relative(path) for path in tracked() if MACHINE_PATHS.search(text_of(path))]
    assert [name for name in naming if name != THIS_FILE] == []


def test_no_tracked_file_is_large() -> None:
    assert [relative(path) for path in tracked() if path.stat().st_size > LARGEST_BYTES] == []


def test_no_code_of_others_is_checked_in() -> None:
    suspicious = [
        relative(path)
        for path in tracked("*.py", "*.js", "*.css", "*.svg", "*.html")
        if ".min." in path.name or "node_modules" in path.parts or FOREIGN.search(text_of(path))
    ]
    assert [name for name in suspicious if name != THIS_FILE] == []


@pytest.mark.parametrize("path", tracked("requirements*.txt"), ids=relative)
def test_requirements_are_pinned_with_hashes_and_name_no_index(path: Path) -> None:
    lines = [line for line in path.read_text().splitlines() if line and not line.lstrip().startswith("#")]
    packages = [line for line in lines if not line.startswith(" ")]
    assert packages
    assert all("==" in line and line.endswith("\\") for line in packages)
    assert all(line.strip().startswith("--hash=sha256:") for line in lines if line.startswith(" "))


@pytest.mark.parametrize("path", tracked("*package-lock.json"), ids=relative)
def test_the_lock_files_of_npm_have_hashes_and_name_no_host(path: Path) -> None:
    packages = json.loads(path.read_text())["packages"]
    third_party = {name: facts for name, facts in packages.items() if name}
    assert third_party
    assert all("integrity" in facts and "resolved" not in facts for facts in third_party.values())


def test_every_dependency_says_why_it_is_there() -> None:
    lines = (ROOT / "pyproject.toml").read_text().splitlines()
    entry = re.compile(r'^    "[A-Za-z0-9_.\[\]-]+[^"]*",$')
    begin, end = lines.index("dependencies = ["), lines.index("[dependency-groups]")
    block = [line.strip() for line in lines[begin:end]]
    explained = [
        block[number - 1].startswith("#") or block[number - 1].startswith('"')
        for number, line in enumerate(lines[begin:end])
        if entry.match(line)
    ]
    assert len(explained) > 20
    assert all(explained)


def test_functions_fit_on_a_screen() -> None:
    long = []
    for path in our_code():
        if path.parts[len(ROOT.parts)] == "tests":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None:
                lines_count = node.end_lineno - node.lineno + 1
                name = f"{relative(path)}:{node.name}"
                if lines_count > LONGEST_FUNCTION_LINES and name not in LONG_FUNCTIONS:
                    long.append(f"{name} ({lines_count})")
    assert long == []


def test_modules_fit_into_a_head() -> None:
    long = {relative(path): len(path.read_text().splitlines()) for path in our_code()}
    assert [
        f"{name} ({lines_count})"
        for name, lines_count in long.items()
        if lines_count > LONGEST_MODULE_LINES and name not in LONG_MODULES
    ] == []


def test_nothing_is_called_by_a_name_that_says_nothing() -> None:
    vague = {"core", "common", "utils", "util", "helpers", "helper", "misc", "lib"}
    assert [relative(path) for path in tracked() if vague & {path.stem, *path.relative_to(ROOT).parts[:-1]}] == []
