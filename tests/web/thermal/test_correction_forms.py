"""The forms of corrections: what each makes of what was typed, and that everything is looked at before it is stored."""

import datetime as dt
import re
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.test import Client

from accounts.models import User
from tests.clients import body, client_of
from tests.makers import accounts as people
from tests.makers import thermal
from tests.makers.corrections import HOUR, NOW, REASON, START, CorrectedMeter
from thermal.models import CorrectedReading, Correction, DirtyMark, HeatInterval, MeterReading

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _now() -> Any:
    with time_machine.travel(NOW, tick=True):
        yield


@pytest.fixture
def furnished() -> CorrectedMeter:
    return CorrectedMeter()


def propose(client: Client, url: str, typed: dict[str, Any]) -> Any:
    """Looks at what would change, then proposes it; what is refused is the answer to the look."""
    look = client.post(url, typed)
    seen = re.search(r'name="seen" value="(\w+)"', body(look))
    return client.post(url, {**typed, "store": "yes", "seen": seen[1]}) if seen else look


# ---- the forms -------------------------------------------------------------------------------------------------------


def local(at: dt.datetime) -> str:
    """As typed by a person whose profile says UTC."""
    return f"{at:%Y-%m-%dT%H:%M:%S}"


@pytest.fixture
def engineer(furnished: CorrectedMeter) -> Client:
    User.objects.filter(pk=furnished.engineer.pk).update(time_zone="UTC")
    return client_of(furnished.engineer)


def test_several_registers_are_set_and_one_reading_is_taken_away(furnished: CorrectedMeter, engineer: Client) -> None:
    url = furnished.forms()["correction_edit"]
    at = START + 10 * HOUR
    page = body(engineer.get(url, {"at": at.isoformat()}))
    assert 'value="1080.0000"' in page
    typed = {
        "row_count": "3", "at_0": local(at), "register_0": "1081", "at_1": local(at + HOUR), "gone_1": "on", **REASON,
    }  # fmt: skip
    response = propose(engineer, url, typed)
    made = Correction.objects.order_by("pk").last()
    assert made is not None
    assert response["Location"] == made.get_absolute_url()
    assert [(row.at, row.energy_kwh) for row in made.readings.order_by("at")] == [(at, 1081), (at + HOUR, None)]


def test_more_rows_keep_what_was_typed_and_what_is_wrong_is_said(furnished: CorrectedMeter, engineer: Client) -> None:
    url = furnished.forms()["correction_edit"]
    typed = {"row_count": "3", "at_0": local(START), "register_0": "5"}
    page = body(engineer.post(url, typed | {"more": "5"}))
    assert 'name="at_7"' in page
    assert 'value="5"' in page
    assert "This field is required" not in page
    for wrong, said in [
        ({"at_0": local(START), **REASON}, "or take the reading away"),
        ({"register_0": "5", **REASON}, "Say when"),
        ({"at_0": local(START), "register_0": "5", "at_1": local(START), "gone_1": "on", **REASON}, "another row"),
        (REASON, "Nothing is changed"),
    ]:
        assert said in body(engineer.post(url, {"row_count": "3", **wrong})), said


def test_an_instant_typed_to_the_second_finds_the_reading_within_it(
    furnished: CorrectedMeter, engineer: Client
) -> None:
    exact = START + 10 * HOUR + dt.timedelta(minutes=1, microseconds=250_000)
    thermal.make_reading(furnished.meter, exact, 1090)
    typed = {"row_count": "1", "at_0": local(exact), "gone_0": "on", **REASON}
    propose(engineer, furnished.forms()["correction_edit"], typed)
    assert MeterReading.objects.get(meter=furnished.meter, at=exact, version=2).energy_kwh is None


def test_a_stretch_is_divided_multiplied_and_moved(furnished: CorrectedMeter, engineer: Client) -> None:
    forms = furnished.forms()
    start, end = START + 20 * HOUR, START + 21 * HOUR
    stretch = {"starts_at": local(start), "ends_at": local(end), **REASON}
    for name, more, kind, count in [
        ("correction_divide", {}, "distribute", 3),
        ("correction_rescale", {"unit": "1000"}, "edit", 4),
        ("correction_rescale", {"unit": "other", "factor": "1.5"}, "edit", 4),
        ("correction_shift", {"offset_h": "-0.5"}, "edit", 6),
    ]:
        response = propose(engineer, forms[name], stretch | more)
        assert response.status_code == 302, (name, body(response))
        made = Correction.objects.order_by("pk").last()
        assert made is not None
        assert (made.kind, made.readings.count()) == (kind, count), name
    assert "Enter the factor" in body(engineer.post(forms["correction_rescale"], stretch | {"unit": "other"}))
    backwards = stretch | {"ends_at": local(start - HOUR)}
    assert "after the start" in body(engineer.post(forms["correction_divide"], backwards))


def test_an_estimate_is_shown_before_it_is_proposed(furnished: CorrectedMeter, engineer: Client) -> None:
    url = furnished.forms()["correction_estimate"]
    start = START + 210 * HOUR
    typed = {"starts_at": local(start), "ends_at": local(start + 6 * HOUR), "method": "", "reason": ""}
    before = Correction.objects.count()
    page = body(engineer.post(url, typed))
    for text in ("What would change", "48", "comes on top", "The gap is longer than two hours"):
        assert text in page
    assert Correction.objects.count() == before
    refused = body(propose(engineer, url, typed))
    assert "This field is required" in refused
    assert 'id="id_reason_error"' in refused
    assert "What would change" in refused
    propose(engineer, url, typed | REASON)
    made = Correction.objects.order_by("pk").last()
    assert made is not None
    assert (made.kind, made.heat_kwh) == ("add", Decimal(48))
    assert "counts or waits already" in body(engineer.post(url, typed))
    assert "cannot be used here" in body(
        engineer.post(url, typed | {"starts_at": local(START), "ends_at": local(START + HOUR), "method": "check_meter"})
    )


def test_every_way_is_looked_at_before_anything_is_stored(furnished: CorrectedMeter, engineer: Client) -> None:
    stretch = {"starts_at": local(START + 20 * HOUR), "ends_at": local(START + 21 * HOUR)}
    later = {"starts_at": local(START + 210 * HOUR), "ends_at": local(START + 211 * HOUR)}
    ways: dict[str, dict[str, Any]] = {
        "correction_edit": {"row_count": "1", "at_0": local(START + 20 * HOUR), "register_0": "1163"},
        "correction_divide": stretch,
        "correction_rescale": stretch | {"unit": "1000"},
        "correction_shift": stretch | {"offset_h": "-0.5"},
        "correction_estimate": later | {"method": "history"},
    }

    def stored() -> list[Any]:
        counts = [model.objects.count() for model in (Correction, CorrectedReading, MeterReading, DirtyMark)]
        return [*counts, *HeatInterval.objects.order_by("pk").values()]

    before = stored()
    for name, typed in ways.items():
        page = body(engineer.post(furnished.forms()[name], typed))
        for text in ("What would change", "October 2026", 'class="state state-', '"estimated": ['):
            assert text in page, (name, text)
    assert stored() == before


def test_what_was_typed_after_the_look_is_looked_at_again(furnished: CorrectedMeter, engineer: Client) -> None:
    url, start = furnished.forms()["correction_divide"], START + 20 * HOUR
    typed = {"starts_at": local(start), "ends_at": local(start + HOUR), **REASON}
    seen = re.search(r'name="seen" value="(\w+)"', body(engineer.post(url, typed)))
    assert seen
    before = Correction.objects.count()
    changed = typed | {"ends_at": local(start + 2 * HOUR), "store": "yes", "seen": seen[1]}
    assert "Nothing is stored yet" in body(engineer.post(url, changed))
    assert "What would change" in body(engineer.post(url, typed | {"store": "yes"}))
    assert Correction.objects.count() == before


def test_a_refusal_stands_at_its_field(furnished: CorrectedMeter, engineer: Client) -> None:
    forms, far = furnished.forms(), START + 500 * HOUR
    nothing_there = {"starts_at": local(far), "ends_at": local(far + HOUR)}
    odd = {"starts_at": local(START), "ends_at": local(START + dt.timedelta(minutes=7))}
    for name, typed, field in [
        ("correction_rescale", nothing_there | {"unit": "1000"}, "starts_at"),
        ("correction_rescale", odd | {"unit": "other", "factor": "1"}, "factor"),
        ("correction_shift", odd | {"offset_h": "0"}, "offset_h"),
        ("correction_divide", nothing_there, "starts_at"),
        ("correction_estimate", odd, "ends_at"),
    ]:
        assert f'id="id_{field}_error"' in body(engineer.post(forms[name], typed)), (name, field)


def test_a_finding_leads_to_its_ways_and_is_answered(furnished: CorrectedMeter, engineer: Client) -> None:
    finding = thermal.make_finding(
        meter=furnished.meter, rule="V01", kind="gap", severity=1, starts_at=START + 20 * HOUR,
        ends_at=START + 21 * HOUR,
    )  # fmt: skip
    page = body(engineer.get(finding.get_absolute_url()))
    url = furnished.forms()["correction_divide"] + f"?finding={finding.pk}"
    for way in (url, furnished.forms()["correction_edit"], furnished.forms()["correction_estimate"]):
        assert way in page
    assert url not in body(client_of(people.approver()).get(finding.get_absolute_url()))
    assert f'value="{local(finding.starts_at)}"' in body(engineer.get(url))
    typed = {"starts_at": local(finding.starts_at), "ends_at": local(finding.ends_at), **REASON}
    propose(engineer, url, typed)
    finding.refresh_from_db()
    assert finding.state == "estimated"
    made = finding.corrections.get()
    assert made.get_absolute_url() in body(engineer.get(finding.get_absolute_url()))
    # A finding of another meter is not this one's business.
    other = thermal.make_finding()
    propose(engineer, furnished.forms()["correction_divide"] + f"?finding={other.pk}", typed)
    other.refresh_from_db()
    assert other.state == "open"


# ---- over HTTP -------------------------------------------------------------------------------------------------------
