"""The pages of device profiles: the editor without scripts, versions in use, files, and the library."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from hosting.domain.addresses import LANGUAGES
from hosting.models import DeviceProfile, Protocol
from hosting.queries import profiles as stored
from hosting.services import profile_files
from tests.clients import client_of
from tests.makers import accounts as people
from tests.makers import hosting as make

pytestmark = pytest.mark.django_db

PROFILE = {"key": "sdm", "name": "SDM", "device_kind": "electricity_meter", "source": "A list", "verified_against": ""}
POWER = {"slot": "0", "key": "power", "name": "Power", "quantity": "power_kw", "unit": "W"}
CREATE = "/inventory/profiles/new/?protocol=modbus_tcp"


def typed(*rows: dict[str, str], initial: int = 0, **profile: str) -> dict[str, str]:
    """What a browser posts: the profile, and a row of fields for each point."""
    data = PROFILE | {"points-TOTAL_FORMS": str(len(rows)), "points-INITIAL_FORMS": str(initial)} | profile
    for place, row in enumerate(rows):
        data |= {f"points-{place}-{name}": value for name, value in row.items()}
    return data


def load(*keys: str) -> list[DeviceProfile]:
    entries = [entry for entry in stored.library() if entry.draft.key in keys]
    return [saved.profile for saved in profile_files.load_library(entries=entries, by=None)]


def test_a_profile_is_entered_with_its_points() -> None:
    engineer = client_of(people.engineer())
    assert "modbus_tcp" in engineer.get("/inventory/profiles/new/").content.decode()
    form = engineer.get(CREATE).content.decode()
    assert "points-2-address__register" in form
    second = POWER | {"slot": "1", "key": "energy", "quantity": "energy_kwh", "unit": "kWh", "address__register": "72"}
    rows = [
        POWER | {"address__table": "input", "address__register": "52", "address__type": "float32"},
        second | {"address__scale": "0.10", "address__missing": "65535, 0x8000", "address__type": "uint32"},
        {"slot": "2"},
    ]
    answer = engineer.post(CREATE, typed(*rows, option__max_count="80"))
    profile = DeviceProfile.objects.get()
    assert answer["Location"] == profile.get_absolute_url()
    assert (profile.key, profile.options, profile.device_kind) == ("sdm", {"max_count": 80}, "electricity_meter")
    assert [point.address for point in profile.points.all()] == [
        {"table": "input", "register": 52, "type": "float32"},
        {"register": 72, "type": "uint32", "scale": 0.1, "missing": [65535, "0x8000"]},
    ]
    assert "Not verified against a device" in engineer.get(profile.get_absolute_url()).content.decode()


@pytest.mark.parametrize("protocol", Protocol.values)
def test_every_language_has_its_editor(protocol: str) -> None:
    text = client_of(people.engineer()).get(f"/inventory/profiles/new/?protocol={protocol}").content.decode()
    for part in LANGUAGES[protocol].point:
        assert f'name="points-0-address__{part.name}"' in text


@pytest.mark.parametrize(
    ("row", "profile", "words"),
    [
        ({"address__register": "70000"}, {}, "register “70000” is not a number from 0 to 65535."),
        ({"address__register": "65535", "address__type": "float32"}, {}, "is not a register from 0"),
        ({"address__register": "1", "unit": "°C"}, {}, "°C is not a unit of power_kw."),
        ({"address__register": ""}, {}, "This field is required."),
        ({"address__register": "1", "key": ""}, {}, "This field is required."),
        ({"address__register": "1"}, {"option__max_count": "300"}, "max_count “300” is not a number from 4 to 125."),
        ({"address__register": "1"}, {"key": "a b"}, "Enter a valid “slug”"),
    ],
)
def test_a_mistake_is_shown_at_its_field_and_nothing_is_stored(
    row: dict[str, str], profile: dict[str, str], words: str
) -> None:
    answer = client_of(people.engineer()).post(CREATE, typed(POWER | row) | profile)
    assert answer.status_code == 200
    text = answer.content.decode()
    assert "field-error" in text
    assert words in text
    assert not DeviceProfile.objects.exists()


def test_two_points_do_not_share_a_slot_or_a_key() -> None:
    row = POWER | {"address__register": "1"}
    text = client_of(people.engineer()).post(CREATE, typed(row, row)).content.decode()
    assert text.count("Another point has it already.") == 2


def test_a_row_is_added_without_losing_what_was_typed() -> None:
    data = typed(POWER | {"address__register": "52", "slot": "7"}) | {"add_row": "1"}
    text = client_of(people.engineer()).post(CREATE, data).content.decode()
    assert 'name="points-1-slot" value="8"' in text
    assert 'name="points-0-address__register" value="52"' in text
    assert not DeviceProfile.objects.exists()


def test_a_version_is_changed_reordered_and_shortened_until_it_is_used() -> None:
    (profile,) = load("gwf-mtkcoder-mbus")
    engineer = client_of(people.engineer())
    url = reverse("hosting:deviceprofile_update", args=[profile.pk])
    assert 'value="gwf-mtkcoder-mbus"' in engineer.get(url).content.decode()
    volume = {"slot": "3", "key": "volume_m3", "name": "Volume", "quantity": "volume_m3", "unit": ""}
    flow = {"slot": "1", "key": "flow", "name": "Flow", "quantity": "flow_m3h", "unit": ""}
    assert engineer.post(url, typed(volume, flow, initial=1, name="GWF", key="other")).status_code == 302
    profile.refresh_from_db()
    assert (profile.key, profile.name, profile.version) == ("gwf-mtkcoder-mbus", "GWF", 1)
    assert [point.key for point in profile.points.all()] == ["flow", "volume_m3"]
    engineer.post(url, typed(flow | {"DELETE": "on"}, volume, initial=2))
    assert [point.key for point in profile.points.all()] == ["volume_m3"]
    device = make.make_device(profile=profile)
    following = reverse("hosting:deviceprofile_next", args=[profile.pk])
    for answer in (engineer.get(url), engineer.post(url, typed(volume, initial=1))):
        assert answer["Location"] == following
    page = engineer.get(profile.get_absolute_url()).content.decode()
    assert device.code in page
    assert url not in page
    made = engineer.post(following)
    second = DeviceProfile.objects.get(version=2)
    assert made["Location"] == reverse("hosting:deviceprofile_update", args=[second.pk])
    assert engineer.get(made["Location"]).status_code == 200


def test_two_versions_are_compared() -> None:
    (first,) = load("eastron-sdm120")
    engineer = client_of(people.engineer())
    text = stored.yaml_of(first).replace("register: 12,", "register: 14,")
    upload = SimpleUploadedFile("sdm.yaml", text.encode())
    answer = engineer.post("/inventory/profiles/import/", {"file": upload})
    page = engineer.get(answer["Location"]).content.decode()
    assert "Against version 1" in page
    assert "<td>register</td>" in page
    assert "Both say the same." in engineer.get(answer["Location"] + "?against=1").content.decode() or "14" in page
    assert "Choose a version" in engineer.get(first.get_absolute_url()).content.decode()
    assert "<td>register</td>" in engineer.get(first.get_absolute_url() + "?against=2").content.decode()


def test_a_file_goes_out_and_comes_in_again_and_a_wrong_one_is_told_by_line() -> None:
    (profile,) = load("eastron-sdm630")
    engineer = client_of(people.engineer())
    file = engineer.get(reverse("hosting:deviceprofile_file", args=[profile.pk]))
    assert file["Content-Disposition"] == 'attachment; filename="eastron-sdm630-v1.yaml"'
    again = engineer.post(
        "/inventory/profiles/import/", {"file": SimpleUploadedFile("a.yaml", file.content)}, follow=True
    )
    assert "says the same already" in again.content.decode()
    wrong = file.content.replace(b"quantity: voltage_v", b"quantity: volts", 1)
    text = engineer.post("/inventory/profiles/import/", {"file": SimpleUploadedFile("a.yaml", wrong)}).content.decode()
    assert "a.yaml, line " in text
    assert "quantity “volts” is none of" in text
    assert DeviceProfile.objects.count() == 1


def test_the_library_is_searched_and_added_from_once() -> None:
    engineer = client_of(people.engineer())
    text = engineer.get("/inventory/profiles/library/?q=sharky&kind=heat_meter").content.decode()
    assert "Diehl SHARKY 775" in text
    assert "Eastron" not in text
    for words in ("was added.", "says the same already"):
        answer = engineer.post("/inventory/profiles/library/diehl-sharky-775-mbus/add/", follow=True)
        assert words in answer.content.decode()
    assert DeviceProfile.objects.count() == 1
    assert engineer.post("/inventory/profiles/library/nothing/add/").status_code == 404
    changed = engineer.get("/inventory/profiles/library/?q=sharky+mbus").content.decode()
    assert DeviceProfile.objects.get().get_absolute_url() in changed
    assert "No profile fits" in engineer.get("/inventory/profiles/library/?q=zzz").content.decode()


def test_an_update_of_the_library_is_a_new_version() -> None:
    (profile,) = load("eastron-sdm630")
    profile.points.filter(slot=0).update(unit="MWh")
    engineer = client_of(people.engineer())
    assert "Add as new version" in engineer.get("/inventory/profiles/library/?q=sdm630").content.decode()
    answer = engineer.post("/inventory/profiles/library/eastron-sdm630/add/", follow=True)
    assert "was added as a new version" in answer.content.decode()


def test_the_library_asks_as_often_for_many_profiles_as_for_one() -> None:
    client = client_of(people.operator())

    def queries(search: str) -> int:
        with CaptureQueriesContext(connection) as asked:
            assert client.get(f"/inventory/profiles/library/?q={search}").status_code == 200
        return len(asked)

    load("eastron-sdm630")
    queries("sdm630")
    assert queries("sdm630") == queries("") <= 12


def test_only_engineers_and_administrators_write() -> None:
    (profile,) = load("eastron-sdm630")
    cast = people.cast(granted=(make.make_site(),))
    key = [profile.pk]
    writing = [
        CREATE,
        reverse("hosting:deviceprofile_update", args=key),
        reverse("hosting:deviceprofile_next", args=key),
        "/inventory/profiles/import/",
    ]
    for person in (cast.engineer, cast.administrator):
        assert [client_of(person).get(url).status_code for url in writing] == [200] * len(writing)
    for person in (cast.operator, cast.billing_clerk, cast.auditor, cast.offtaker, cast.stranger):
        client = client_of(person)
        assert {client.get(url).status_code for url in writing} <= {403, 404}
        assert {client.post(url).status_code for url in writing} <= {403, 404}
        assert client.post("/inventory/profiles/library/gwf-mtkcoder-mbus/add/").status_code == 403
    stranger = client_of(cast.stranger)
    assert stranger.get(reverse("hosting:deviceprofile_file", args=key)).status_code == 404
    assert stranger.get("/inventory/profiles/library/").status_code == 403
    assert DeviceProfile.objects.count() == 1


def test_a_device_is_read_by_a_profile_for_what_its_controller_speaks() -> None:
    (mbus,) = load("gwf-mtkcoder-mbus")
    (modbus,) = load("eastron-sdm630")
    controller = make.make_controller(protocol="modbus_rtu_tcp")
    engineer = client_of(people.engineer())
    body = {"controller": controller.pk, "code": "d-1", "unit_address": "1", "reading_s": 900}
    url = "/api/v1/devices/"
    refused = engineer.post(url, body | {"profile": mbus.pk}, content_type="application/json")
    assert (refused.status_code, list(refused.json())) == (400, ["profile"])
    text = engineer.post("/inventory/devices/new/", body | {"profile": mbus.pk}).content.decode()
    assert "written for another protocol" in text
    assert engineer.post("/inventory/devices/new/", body | {"profile": modbus.pk}).status_code == 302
