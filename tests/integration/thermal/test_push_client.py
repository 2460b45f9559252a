"""The clients of the operations manual do what it says, against a web server."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from hosting.services import secrets
from tests.makers import hosting as makers
from tests.makers import peers
from thermal.models import PushReceipt

pytestmark = pytest.mark.django_db(transaction=True)
MANUAL = Path(__file__).resolve().parents[3] / "docs" / "operations.md"


def example(language: str) -> str:
    """The block of the manual that signs."""
    blocks = re.findall(rf"```{language}\n(.*?)```", MANUAL.read_text(), re.DOTALL)
    (found,) = [block for block in blocks if "X-Heatledger-Signature" in block]
    return str(found)


def test_the_clients_of_the_manual_are_understood(live_server: Any, tmp_path: Path) -> None:
    controller = makers.make_controller(protocol="http_push", host="", port=None)
    key = secrets.make_push_key(controller=controller, by=None, now=timezone.now())
    point = {"key": "power-kw", "quantity": "power_kw", "unit": "kW", "address": {}}
    device = makers.make_device(controller, profile=makers.make_profile([point], protocol="http_push"))
    at = timezone.now().replace(microsecond=0).isoformat()
    items = [{"device": device.code, "at": at, "values": {"power-kw": "40.5"}}]
    address = f"{live_server.url}/api/v1/push/{controller.code}/"
    client = [sys.executable, "-c", example("python"), address, key, "1"]
    told = subprocess.run(client, input=json.dumps(items), capture_output=True, text=True, check=True)
    assert json.loads(told.stdout)["items"] == [{"result": "stored"}]
    if not (shutil.which("curl") and shutil.which("openssl")):
        peers.absent("no curl or no openssl on this machine (Debian: apt-get install curl openssl)")
    (tmp_path / "batch.json").write_text(json.dumps({"sequence": 2, "sent_at": at, "items": items}) + "\n")
    (tmp_path / "key").write_text(key)
    script = example("sh").replace("https://portal.example.com/api/v1/push/CODE/", address)
    told = subprocess.run(["bash", "-ec", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert json.loads(told.stdout)["items"] == [{"result": "known"}]
    assert PushReceipt.objects.count() == 2
