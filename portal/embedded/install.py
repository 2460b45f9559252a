"""Set the project up: virtual environment, pinned packages, front-end packages.

    python3.11 -I portal/embedded/install.py [--dev]

Runs before anything is installed, so it imports the standard library only. Each step leaves a stamp with the hash of
what it was made from; a later run that finds it does nothing, an interrupted one leaves none and is repeated.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import time
import venv
from collections.abc import Callable
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
NODE_MODULES = ROOT / "node_modules"
PEERS = ROOT / "tests" / "peers"
SNMPSIM = VENV / "snmpsim"
LOCALE = ROOT / "locale"
OLDEST_PYTHON = (3, 11)


def fingerprint(*files: Path) -> str:
    """Return a hash of the files and of this Python: another minor version needs other wheels."""
    digest = hashlib.sha256(sys.version.encode())
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def stage(title: str, stamp: Path, wanted: str, work: Callable[[], None]) -> None:
    """Do the work unless its stamp says that it is done, and say how long it took."""
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    print(f"- {title} ...", flush=True)
    begun = time.monotonic()
    work()
    stamp.write_text(wanted)
    print(f"  done in {time.monotonic() - begun:.0f} s", flush=True)


def run(*command: str | Path) -> None:
    finished = subprocess.run(list(map(str, command)), cwd=ROOT, stdin=subprocess.DEVNULL, check=False)
    if finished.returncode != 0:
        sys.exit(f"Set-up stopped: {Path(command[0]).name} failed (exit status {finished.returncode}).")


def environment_works() -> bool:
    """Return whether the environment runs; a moved clone or an upgraded Python leaves a broken one."""
    if not PYTHON.exists():
        return False
    probe = [str(PYTHON), "-c", "import pip, sys; print(sys.prefix, sys.version)"]
    finished = subprocess.run(probe, capture_output=True, text=True, check=False)
    return finished.returncode == 0 and finished.stdout.strip() == f"{VENV} {sys.version}"


def create_environment() -> None:
    shutil.rmtree(VENV, ignore_errors=True)
    try:
        venv.EnvBuilder(with_pip=True, symlinks=True).create(VENV)
    except subprocess.CalledProcessError:
        sys.exit("Set-up stopped: this Python cannot make virtual environments; on Debian install python3-venv.")


def install_packages(requirements: Path) -> None:
    pip: list[str | Path] = [PYTHON, "-m", "pip", "install", "-qq", "--disable-pip-version-check", "--no-input"]
    # The file names every package, so nothing is left to resolve.
    run(*pip, "--no-deps", "--require-hashes", "-r", requirements)


def npm() -> Path:
    """Return the machine's npm, or that of the wheel, installed for the purpose."""
    if found := shutil.which("npm"):
        return Path(found)
    install_packages(ROOT / "requirements-npm.txt")
    os.environ["PATH"] = f"{VENV / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return VENV / "bin" / "npm"


def install_front_end() -> None:
    run(npm(), "ci", "--silent")


def install_peers() -> None:
    run(npm(), "ci", "--silent", "--prefix", PEERS)


def python_with_gdbm() -> Path | None:
    """Return a Python that has dbm.gnu, which the simulated SNMP agents keep their records in; Debian's may."""
    for name in (sys.executable, "/usr/bin/python3"):
        probe = [name, "-c", "import dbm.gnu"]
        if Path(name).exists() and subprocess.run(probe, capture_output=True, check=False).returncode == 0:
            return Path(name)
    return None


def install_snmpsim(python: Path, requirements: Path) -> None:
    """Give the simulator an environment of its own: it runs on another Python than everything else."""
    shutil.rmtree(SNMPSIM, ignore_errors=True)
    run(python, "-m", "venv", "--without-pip", SNMPSIM)
    pip: list[str | Path] = [PYTHON, "-m", "pip", "--python", SNMPSIM / "bin" / "python"]
    quietly = ("install", "-qq", "--disable-pip-version-check", "--no-input", "--no-deps", "--require-hashes")
    run(*pip, *quietly, "-r", requirements)


def compile_translations() -> None:
    run(PYTHON, "-m", "portal.embedded.translations")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--dev", action="store_true", help="also what tests and linters need")
    wanted = parser.parse_args()
    if sys.version_info < OLDEST_PYTHON:
        sys.exit(f"Python {'.'.join(map(str, OLDEST_PYTHON))} or newer is needed; this is {sys.version.split()[0]}.")
    requirements = ROOT / ("requirements-dev.txt" if wanted.dev else "requirements.txt")
    if not environment_works():
        stage("Python environment (.venv)", VENV / ".created", fingerprint(), create_environment)
    # The file for development holds the other one too.
    complete = VENV / ".requirements-dev.txt"
    if wanted.dev or not (complete.is_file() and complete.read_text() == fingerprint(ROOT / "requirements-dev.txt")):
        stamp = VENV / f".{requirements.name}"
        stage("Python packages", stamp, fingerprint(requirements), lambda: install_packages(requirements))
    catalogs = fingerprint(*sorted(LOCALE.glob("*/LC_MESSAGES/*.po")))
    stage("Translations", LOCALE / ".compiled", catalogs, compile_translations)
    front_end = fingerprint(ROOT / "package-lock.json")
    stage("Front-end packages", NODE_MODULES / ".installed", front_end, install_front_end)
    if wanted.dev:
        peers = fingerprint(PEERS / "package-lock.json")
        stage("Peers of the tests", PEERS / "node_modules" / ".installed", peers, install_peers)
        simulator = ROOT / "requirements-snmpsim.txt"
        # Its tests skip without it, and say so.
        if python := python_with_gdbm():
            wanted_agents = fingerprint(simulator)
            work = partial(install_snmpsim, python, simulator)
            stage("Simulated SNMP agents", SNMPSIM / ".installed", wanted_agents, work)


if __name__ == "__main__":
    main()
