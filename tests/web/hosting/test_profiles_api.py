"""Device profiles over HTTP: written by those who build sites, refused in words, and never changed while in use."""

from typing import Any

import pytest
from django.test import Client

from hosting.models import DeviceProfile
from tests.clients import client_of
from tests.makers import accounts as people
from tests.makers import hosting as make

pytestmark = pytest.mark.django_db

URL = "/api/v1/device-profiles/"
POWER = {
    "slot": 0,
    "key": "power",
    "name": "Power",
    "quantity": "power_kw",
    "unit": "W",
    "address": {"register": 52, "type": "float32"},
}
SDM = {"key": "sdm", "name": "SDM", "protocol": "modbus_tcp", "device_kind": "electricity_meter", "points": [POWER]}


def send(client: Client, method: str, url: str, body: Any = None) -> Any:
    return getattr(client, method)(url, body, content_type="application/json")


def send_file(client: Client, text: str | bytes) -> Any:
    return client.post(f"{URL}import/", text, content_type="application/yaml")


def test_a_profile_is_written_copied_and_changed_until_it_is_used() -> None:
    engineer = client_of(people.engineer())
    made = send(engineer, "post", URL, SDM)
    assert made.status_code == 201, made.content
    assert made.json()["points"] == [POWER]
    again = send(engineer, "post", URL, SDM)
    assert (again.status_code, again.json()["code"]) == (409, "key_is_taken")
    one = f"{URL}{made.json()['id']}/"
    other = {"points": [POWER | {"address": {"register": 54, "type": "float32"}}]}
    assert send(engineer, "put", f"{one}points/", other).json()["points"][0]["address"]["register"] == 54
    make.make_device(profile=DeviceProfile.objects.get())
    refused = send(engineer, "put", f"{one}points/", {"points": [POWER]})
    assert (refused.status_code, refused.json()["code"]) == (409, "profile_in_use")
    copied = send(engineer, "post", f"{one}next/")
    assert (copied.status_code, copied.json()["version"]) == (201, 2)
    assert send(engineer, "put", f"{URL}{copied.json()['id']}/points/", {"points": [POWER]}).status_code == 200


@pytest.mark.parametrize(
    ("point", "status", "words"),
    [
        ({"address": {"register": 70000}}, 409, "Point “power”: register “70000” is not a number from 0 to 65535."),
        ({"address": {"register": 65535, "type": "float32"}}, 409, "is not a register from 0 to 65535"),
        ({"unit": "°C"}, 409, "°C is not a unit of power_kw"),
        ({"quantity": "joy"}, 400, "quantity"),
        ({"slot": 400}, 400, "slot"),
        ({"address": "52"}, 400, "address"),
    ],
)
def test_a_point_that_cannot_be_read_is_refused_by_name(point: dict[str, Any], status: int, words: str) -> None:
    answer = send(client_of(people.engineer()), "post", URL, SDM | {"points": [POWER | point]})
    assert answer.status_code == status
    assert words in answer.content.decode()
    assert not DeviceProfile.objects.exists()


def test_a_file_goes_out_and_comes_in() -> None:
    engineer = client_of(people.engineer())
    made = send(engineer, "post", URL, SDM).json()
    file = engineer.get(f"{URL}{made['id']}/file/")
    assert file["Content-Type"] == "application/yaml"
    same = send_file(engineer, file.content)
    assert (same.status_code, same.json()["outcome"], same.json()["id"]) == (200, "unchanged", made["id"])
    other = send_file(engineer, file.content.replace(b"52", b"54"))
    assert (other.status_code, other.json()["outcome"], other.json()["version"]) == (201, "new version", 2)
    wrong = send_file(engineer, file.content.replace(b"52", b"70000"))
    assert (wrong.status_code, wrong.json()["code"]) == (409, "profile_file_refused")
    assert "points[0].address.register" in wrong.json()["detail"]
    assert send_file(engineer, "x" * 300_000).status_code == 409
    assert send(engineer, "post", f"{URL}import/", SDM).status_code == 415


def test_only_engineers_and_administrators_write() -> None:
    cast = people.cast(granted=(make.make_site(),))
    made = send(client_of(cast.administrator), "post", URL, SDM)
    assert made.status_code == 201
    one = f"{URL}{made.json()['id']}/"
    for user in (cast.operator, cast.billing_clerk, cast.auditor, cast.offtaker, cast.neighbor, cast.stranger):
        client = client_of(user)
        assert send(client, "post", URL, SDM | {"key": "mine"}).status_code == 403
        assert send(client, "post", f"{one}next/").status_code == 403
        assert send(client, "put", f"{one}points/", {"points": [POWER]}).status_code == 403
        assert send_file(client, "key: mine").status_code == 403
    assert send(Client(), "post", URL, SDM).status_code == 401
    assert DeviceProfile.objects.count() == 1
