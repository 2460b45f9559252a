"""A short soak: workers poll under random faults, one of them is killed, and the accounts balance."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
OURS = ("DATABASE_URL", "CELERY_BROKER_URL", "HEATLEDGER_VAR", "DJANGO_SETTINGS_MODULE")


def test_fifteen_seconds_of_faults_leave_the_accounts_balanced() -> None:
    environment = {name: value for name, value in os.environ.items() if name not in OURS}
    command = [sys.executable, "-m", "benchmarks.soak", "--minutes", "0.25", "--controllers", "20", "--poll-s", "1"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WRONG" not in done.stdout
    assert "ok    polls due = answered + failed" in done.stdout
