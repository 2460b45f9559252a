"""The commissioning page of a device: who may look, compare and accept, and what they see."""

from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.urls import reverse

from accounts.models import Job
from tests.clients import client_of
from tests.makers import accounts as people
from tests.makers import hosting
from tests.makers.commissioning import NOW, accept, make_meter_device, make_probe, told
from thermal.models import DeviceAcceptance, DeviceProbe

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _now() -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


def page_of(device: Any) -> str:
    return reverse("thermal:device_commissioning", args=[device.pk])


def typed(probe: DeviceProbe, step: str, **given: str) -> dict[str, str]:
    return {"probe": str(probe.pk), "energy_unit": "kWh", "note": "", "step": step} | given


def test_the_page_by_cast() -> None:
    device = make_meter_device()
    make_probe(device)
    cast = people.cast(granted=(device.controller.site,), neighbors=(hosting.make_site(),))
    seen = {
        "operator": 200, "engineer": 200, "auditor": 200, "offtaker": 200, "neighbor": 404, "stranger": 404,
    }  # fmt: skip
    for name, status in seen.items():
        assert client_of(getattr(cast, name)).get(page_of(device)).status_code == status, name
    ask = reverse("thermal:device_probe", args=[device.pk])
    progress = reverse("thermal:device_probe_progress", args=[device.pk])
    assert client_of(cast.neighbor).get(progress).status_code == 404
    assert client_of(cast.auditor).get(progress).status_code == 200
    for name, status in {"engineer": 302, "operator": 302, "auditor": 403, "neighbor": 404, "stranger": 404}.items():
        assert client_of(getattr(cast, name)).post(ask).status_code == status, name


def test_only_field_people_see_the_form_and_may_use_it() -> None:
    device = make_meter_device()
    probe = make_probe(device)
    cast = people.cast(granted=(device.controller.site,))
    assert "Beside the display" in client_of(cast.engineer).get(page_of(device)).content.decode()
    for user in (cast.billing_clerk, cast.auditor):
        assert "Beside the display" not in client_of(user).get(page_of(device)).content.decode()
        assert client_of(user).post(page_of(device), typed(probe, "accept", value_0="37351")).status_code == 403
    assert not DeviceAcceptance.objects.exists()


def test_looking_queues_a_job_and_the_page_waits_for_it(django_capture_on_commit_callbacks: Any) -> None:
    device, client = make_meter_device(), client_of(people.operator())
    with django_capture_on_commit_callbacks(execute=True):
        client.post(reverse("thermal:device_probe", args=[device.pk]))
    assert Job.objects.get().state == Job.State.QUEUED
    page = client.get(page_of(device)).content.decode()
    progress = reverse("thermal:device_probe_progress", args=[device.pk])
    assert f'hx-get="{progress}"' in page
    assert "HX-Refresh" not in client.get(progress)
    DeviceProbe.objects.all().delete()
    make_probe(device)
    assert client.get(progress)["HX-Refresh"] == "true"


def test_raw_registers_and_scaled_values_stand_side_by_side() -> None:
    device = make_meter_device()
    make_probe(device, told("37351", None, raw={0: "0000 91E7"}))
    page = client_of(people.engineer()).get(page_of(device)).content.decode()
    assert "<code>0000 91E7</code>" in page
    assert "37351" in page
    assert "not in the answer" in page


def test_comparing_stores_nothing_and_shows_what_differs() -> None:
    device = make_meter_device()
    probe = make_probe(device)
    page = client_of(people.engineer()).post(page_of(device), typed(probe, "compare", value_0="37300", serial="12"))
    text = page.content.decode()
    assert "the device tells 37351, the display shows 37300 kWh, 51 steps apart" in text
    assert "The display names meter 12" in text
    assert 'value="accept"' in text
    assert not DeviceAcceptance.objects.exists()


def test_a_display_in_megawatt_hours_is_converted() -> None:
    device = make_meter_device()
    probe = make_probe(device)
    given = typed(probe, "accept", value_0="37.35", energy_unit="MWh")
    assert client_of(people.engineer()).post(page_of(device), given).status_code == 302
    accepted = DeviceAcceptance.objects.get()
    assert accepted.typed["values"][0]["typed"] == "37350"
    assert accepted.finding_codes == []


def test_accepting_is_recorded_with_the_person_and_shown() -> None:
    device, engineer = make_meter_device(), people.engineer()
    client = client_of(engineer)
    assert "Bills of its meter wait for it" in client.get(page_of(device)).content.decode()
    probe = make_probe(device)
    assert client.post(page_of(device), typed(probe, "accept", value_0="37351")).status_code == 302
    assert DeviceAcceptance.objects.get().by == engineer
    assert "The acceptance holds" in client.get(page_of(device)).content.decode()


def test_a_difference_without_a_note_is_refused_on_the_form() -> None:
    device = make_meter_device()
    probe = make_probe(device)
    client = client_of(people.engineer())
    answer = client.post(page_of(device), typed(probe, "accept", value_0="1"))
    assert "Say in the note why" in answer.content.decode()
    assert 'value="1"' in answer.content.decode()
    client.post(page_of(device), typed(probe, "reject", value_0="1", note="Another meter."))
    assert DeviceAcceptance.objects.get().verdict == "rejected"


def test_values_come_from_the_look_and_not_from_the_browser() -> None:
    device, other = make_meter_device(), make_meter_device()
    probe = make_probe(other)
    assert client_of(people.engineer()).post(page_of(device), typed(probe, "accept")).status_code == 404


def test_a_lapsed_acceptance_says_so() -> None:
    device = make_meter_device()
    accept(device)
    device.unit_address = "98"
    device.save()
    page = client_of(people.engineer()).get(page_of(device)).content.decode()
    assert "no longer holds" in page
    assert "Nobody has accepted what this device tells" in page


def test_the_page_of_the_device_leads_there() -> None:
    device = make_meter_device()
    assert page_of(device) in client_of(people.engineer()).get(device.get_absolute_url()).content.decode()


def test_the_page_asks_as_often_for_twenty_verdicts_as_for_two(django_assert_max_num_queries: Any) -> None:
    device, client = make_meter_device(), client_of(people.engineer())
    for _count in range(2):
        accept(device)
    with django_assert_max_num_queries(30) as two:
        client.get(page_of(device))
    for _count in range(18):
        accept(device)
    with django_assert_max_num_queries(len(two)):
        client.get(page_of(device))


def test_the_roles_are_told_who_may_accept() -> None:
    call_command("sync_roles")
    assert people.operator().has_perm("thermal.accept_device")
    assert not people.billing_clerk().has_perm("thermal.accept_device")
