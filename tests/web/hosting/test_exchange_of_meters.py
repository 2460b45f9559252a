"""The guided exchange of a meter: step by step, with photos, and nothing a fact before it is confirmed."""

import datetime as dt
import hashlib
import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import Error, IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from accounts.models import User
from hosting.domain import pictures
from hosting.models import Meter, MeterPhoto, MeterPlacement, MeterSwap
from hosting.services import exchanging, metering
from tests import clients
from tests.clients import body
from tests.makers import accounts as people
from tests.makers import hosting as makers
from tests.makers import thermal
from thermal.models import Correction, HeatInterval
from thermal.models.ledger import Quality
from thermal.services import marking, settlement

pytestmark = pytest.mark.django_db

START = dt.datetime(2026, 10, 1, tzinfo=dt.UTC)
NOW = dt.datetime(2026, 10, 20, 12, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


def drawn(kind: str = "JPEG", **options: Any) -> bytes:
    """A small picture as a camera would store it."""
    buffer = io.BytesIO()
    Image.linear_gradient("L").resize((32, 24)).convert("RGB").save(buffer, kind, **options)
    return buffer.getvalue()


PICTURE = pictures.without_metadata(drawn(), "image/jpeg")
OLD = {"removed_at": "2026-10-15T10:05", "final_register": "3769", "final_volume_m3": "", "seal_found": "S-1"}
NEW = {
    "serial": "NEW-1", "accuracy_class": "2", "qp_m3h": "1.5", "sensor_side": "return", "register_digits": "8",
    "register_step": "0.01", "seal_number": "S-2", "verified_until_on": "2032-01-01", "fitted_at": "2026-10-15T10:50",
    "first_register": "0.5", "first_volume_m3": "",
}  # fmt: skip
WHY = {"reason": "Verification expires."}
STEPS = {"meter_swap": OLD, "meter_swap_new": NEW, "meter_swap_reason": WHY}


@pytest.fixture(autouse=True)
def _now(settings: Any, tmp_path: Path) -> Any:
    settings.MEDIA_ROOT = tmp_path
    with time_machine.travel(NOW, tick=True):
        yield


def client_of(user: User) -> Client:
    """A browser of the person, who types times in UTC."""
    User.objects.filter(pk=user.pk).update(time_zone="UTC")
    return clients.client_of(user)


def url_of(name: str, placement: MeterPlacement) -> str:
    return reverse(f"hosting:{name}", args=[placement.pk])


def picture(content: bytes = PICTURE, name: str = "display.jpg") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, "image/jpeg")


def enter(client: Client, placement: MeterPlacement, **changes: dict[str, Any]) -> None:
    for name, typed in STEPS.items():
        response = client.post(url_of(name, placement), typed | changes.get(name, {}))
        assert response.status_code == 302, body(response)


@pytest.fixture
def read_meter() -> MeterPlacement:
    """A meter that was read hourly, 8 kWh each, until it was removed."""
    thermal.make_partitions(START, months=2)
    meter = makers.make_meter(max_kw=20.0, seal_number="S-1")
    placement = makers.make_placement(meter, valid_from=START - HOUR)
    rows = [(START + n * HOUR, 1000 + 8 * n) for n in range(14 * 24 + 11)]
    thermal.make_readings(meter, rows)
    marking.mark_recorded(readings=[(meter.pk, at) for at, _ in rows], now=NOW)
    settlement.settle_marked(now=NOW)
    return placement


def test_the_exchange_is_entered_in_steps_and_confirmed_once(read_meter: MeterPlacement) -> None:
    client = client_of(people.engineer())
    review = url_of("meter_swap_review", read_meter)
    assert client.get(review)["Location"] == url_of("meter_swap", read_meter)
    enter(client, read_meter)
    assert not Meter.objects.filter(serial="NEW-1").exists()
    page = body(client.get(review))
    for text in ("NEW-1", "3,769", "No photo", "a mean of", "partly measured", "same hours of earlier weeks"):
        assert text in page
    assert client.post(review, {"confirm": "yes"})["Location"] == Meter.objects.get(serial="NEW-1").get_absolute_url()
    read_meter.refresh_from_db()
    fitted = MeterPlacement.objects.get(meter__serial="NEW-1")
    assert (read_meter.final_register, fitted.first_register, fitted.delivery_point) == (
        Decimal(3769), Decimal("0.5"), read_meter.delivery_point,
    )  # fmt: skip
    assert client.get(review).status_code == 404


def test_what_passed_while_nobody_measured_is_estimated_and_labelled(read_meter: MeterPlacement) -> None:
    client = client_of(people.engineer())
    enter(client, read_meter)
    client.post(url_of("meter_swap_review", read_meter), {"confirm": "yes"})
    correction = Correction.objects.get()
    # 45 minutes at 8 kW: 10 of 15 minutes, twice 15, and 5 more.
    assert (correction.kind, correction.method, correction.heat_kwh) == ("add", "history", Decimal(6))
    heat = dict(correction.quarters.values_list("start", "heat_kwh"))
    assert [round(float(kwh), 3) for _start, kwh in sorted(heat.items())] == [1.333, 2.0, 2.0, 0.667]
    assert "Verification expires." in correction.reason
    settlement.settle_marked(now=NOW)
    rows = HeatInterval.objects.filter(delivery_point=read_meter.delivery_point, start__in=heat)
    assert set(rows.values_list("quality", flat=True)) == {Quality.ESTIMATED}
    new = Meter.objects.get(serial="NEW-1")
    assert reverse("thermal:meter_quality", args=[new.pk]) in body(client.get(new.get_absolute_url()))


def test_where_nothing_tells_the_heat_the_gap_stays_and_the_page_says_so() -> None:
    placement = makers.make_placement(valid_from=START, first_register=Decimal(3000))
    client = client_of(people.engineer())
    enter(client, placement)
    page = body(client.get(url_of("meter_swap_review", placement)))
    assert "it stays a gap" in page
    assert "No reading of the old meter is known" in page
    client.post(url_of("meter_swap_review", placement), {"confirm": "yes"})
    assert not Correction.objects.exists()


def test_implausible_registers_are_doubted_before_they_are_facts(read_meter: MeterPlacement) -> None:
    client = client_of(people.engineer())
    review = url_of("meter_swap_review", read_meter)
    for final, said in (("99999", "that can have passed"), ("3000", "is below the last reading")):
        enter(client, read_meter, meter_swap={"final_register": final, "seal_found": ""})
        page = body(client.get(review))
        assert said in page
        assert "The seal on record is S-1" in page


def test_typing_is_kept_over_steps_people_and_errors(read_meter: MeterPlacement) -> None:
    enter(client_of(people.engineer()), read_meter)
    other = client_of(people.engineer())
    page = body(other.get(url_of("meter_swap", read_meter)))
    assert 'value="3769"' in page
    assert 'value="2026-10-15T10:05"' in page
    assert 'value="NEW-1"' in body(other.get(url_of("meter_swap_new", read_meter)))
    refused = body(other.post(url_of("meter_swap", read_meter), OLD | {"final_register": "many"}))
    assert 'value="many"' in refused
    neither = body(other.post(url_of("meter_swap_new", read_meter), NEW | {"serial": ""}))
    assert "Choose a meter on record" in neither
    known = makers.make_meter()
    both = body(other.post(url_of("meter_swap_new", read_meter), NEW | {"successor": known.pk}))
    assert "not both" in both
    twice = body(other.post(url_of("meter_swap_new", read_meter), NEW | {"serial": known.serial}))
    assert "already exists" in twice


def test_a_meter_on_record_is_fitted(read_meter: MeterPlacement) -> None:
    client, known = client_of(people.engineer()), makers.make_meter()
    enter(client, read_meter, meter_swap_new={"serial": "", "successor": known.pk, "sensor_side": ""})
    client.post(url_of("meter_swap_review", read_meter), {"confirm": "yes"})
    assert known.placements.get().first_register == Decimal("0.5")


def test_a_refused_exchange_says_why_and_changes_nothing(read_meter: MeterPlacement) -> None:
    client = client_of(people.engineer())
    MeterPlacement.objects.filter(pk=read_meter.pk).update(first_register=5000)
    review = url_of("meter_swap_review", read_meter)
    enter(client, read_meter)
    assert "is below its first register" in body(client.post(review, {"confirm": "yes"}))
    MeterPlacement.objects.filter(pk=read_meter.pk).update(first_register=1000)
    enter(client, read_meter, meter_swap_new={"fitted_at": "2026-10-14T10:00"})
    assert "cannot be fitted before" in body(client.post(review, {"confirm": "yes"}))
    enter(client, read_meter, meter_swap_new={"fitted_at": "2026-12-14T10:00"})
    assert "in the future" in body(client.post(review, {"confirm": "yes"}))
    enter(client, read_meter, meter_swap_new={"serial": "", "successor": read_meter.meter_id})
    assert "is the one that is taken away" in body(client.post(review, {"confirm": "yes"}))
    read_meter.refresh_from_db()
    assert (read_meter.valid_until, Meter.objects.count(), MeterPlacement.objects.count()) == (None, 1, 1)


def test_photos_are_hashed_kept_and_shown_to_those_who_see_the_site(read_meter: MeterPlacement) -> None:
    engineer = people.engineer()
    client = client_of(engineer)
    enter(client, read_meter, meter_swap={"photo": picture()})
    photo = MeterPhoto.objects.get()
    assert (photo.sha256, photo.size_bytes, photo.media_type, photo.uploaded_by, photo.moment) == (
        hashlib.sha256(PICTURE).hexdigest(), len(PICTURE), "image/jpeg", engineer, "old",
    )  # fmt: skip
    cast = people.cast(granted=(read_meter.site,), neighbors=(makers.make_site(),))
    for user in (cast.operator, cast.auditor):
        answer: Any = client_of(user).get(photo.get_absolute_url())
        assert b"".join(answer.streaming_content) == PICTURE
        assert (answer["Content-Type"], answer["X-Content-Type-Options"]) == ("image/jpeg", "nosniff")
        assert photo.get_absolute_url() in body(client_of(user).get(read_meter.meter.get_absolute_url()))
    for user in (cast.neighbor, cast.stranger, people.auditor(makers.make_site())):
        assert client_of(user).get(photo.get_absolute_url()).status_code == 404
    client.post(url_of("meter_swap_new", read_meter), NEW | {"photo": picture(drawn("PNG"))})
    client.post(url_of("meter_swap_review", read_meter), {"confirm": "yes"})
    new = Meter.objects.get(serial="NEW-1")
    shown = MeterPhoto.objects.get(moment="new")
    assert shown.media_type == "image/png"
    assert shown.get_absolute_url() in body(client.get(new.get_absolute_url()))
    assert photo.get_absolute_url() not in body(client.get(new.get_absolute_url()))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"<svg onload=alert(1)>", "neither"),
        (b"\xff\xd8\xff" + b"x" * 11_000_000, "larger than 10 MB"),
        (b"\xff\xd8\xff\xe0" + b"picture" * 100, "cannot be shown"),
        (PICTURE[: len(PICTURE) // 2], "cannot be shown"),
        (drawn("PNG")[:-20], "cannot be shown"),
    ],
)
def test_what_is_no_picture_or_too_large_is_not_kept(
    read_meter: MeterPlacement, settings: Any, content: bytes, said: str
) -> None:
    client = client_of(people.engineer())
    refused = body(client.post(url_of("meter_swap", read_meter), OLD | {"photo": picture(content)}))
    assert said in refused
    assert 'value="3769"' in refused
    assert not MeterPhoto.objects.exists()
    assert not MeterSwap.objects.exists()
    assert files_in(settings.MEDIA_ROOT) == []


def files_in(folder: Path) -> list[Path]:
    return [path for path in Path(folder).rglob("*") if path.is_file()]


def test_an_exchange_that_is_over_keeps_no_file(read_meter: MeterPlacement, settings: Any) -> None:
    MeterPlacement.objects.filter(pk=read_meter.pk).update(valid_until=NOW, final_register=9000)
    with pytest.raises(metering.PlacementHasEnded):
        exchanging.keep_step(
            placement=read_meter, step="old", entered={}, photo=picture(), by=people.engineer(), now=NOW
        )
    assert files_in(settings.MEDIA_ROOT) == []


@pytest.mark.django_db(transaction=True)
def test_an_upload_that_fails_at_commit_leaves_neither_file_nor_row(settings: Any) -> None:
    placement, nobody = makers.make_placement(), User(pk=10**9, email="nobody@example.test")
    with pytest.raises(IntegrityError):
        exchanging.keep_step(placement=placement, step="old", entered={}, photo=picture(), by=nobody, now=NOW)
    assert files_in(settings.MEDIA_ROOT) == []
    assert not MeterPhoto.objects.exists()


def test_a_storage_that_fails_leaves_no_row(read_meter: MeterPlacement, settings: Any, tmp_path: Path) -> None:
    (tmp_path / "full").write_bytes(b"")
    settings.MEDIA_ROOT = tmp_path / "full"
    with pytest.raises(OSError, match="full"):
        exchanging.keep_step(
            placement=read_meter, step="old", entered={}, photo=picture(), by=people.engineer(), now=NOW
        )
    assert not MeterPhoto.objects.exists()
    assert not MeterSwap.objects.exists()


def test_where_and_by_whom_a_photo_was_taken_is_not_kept(read_meter: MeterPlacement, settings: Any) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Somebody's phone"
    exif.get_ifd(0x8825)[1] = "N"
    taken = drawn(exif=exif, comment=b"at home", progressive=True) + b"a film after the picture"
    client = client_of(people.engineer())
    enter(client, read_meter, meter_swap={"photo": picture(taken, name="../../etc/Frau Meier.jpg")})
    words = PngInfo()
    words.add_text("Author", "Somebody")
    client.post(url_of("meter_swap_new", read_meter), NEW | {"photo": picture(drawn("PNG", pnginfo=words))})
    kept = [path.read_bytes() for path in files_in(settings.MEDIA_ROOT)]
    for told in (b"phone", b"at home", b"film", b"Somebody", b"Meier"):
        assert not any(told in content for content in kept)
    assert not any("Meier" in str(path) for path in files_in(settings.MEDIA_ROOT))
    jpeg = Image.open(io.BytesIO(next(content for content in kept if content.startswith(b"\xff\xd8"))))
    assert dict(jpeg.getexif()) == {0x0112: 6}
    assert jpeg.tobytes() == Image.open(io.BytesIO(taken)).tobytes()


def test_only_who_changes_placements_exchanges_meters(read_meter: MeterPlacement) -> None:
    cast = people.cast(granted=(read_meter.site,), neighbors=(makers.make_site(),))
    for name in (*STEPS, "meter_swap_review"):
        for user in (cast.operator, cast.auditor, cast.offtaker, cast.neighbor, cast.stranger):
            client = client_of(user)
            assert client.get(url_of(name, read_meter)).status_code in {403, 404}, (user.email, name)
            assert client.post(url_of(name, read_meter), OLD).status_code in {403, 404}, (user.email, name)


def test_the_rows_of_an_exchange_are_final_and_whole(read_meter: MeterPlacement) -> None:
    by = people.engineer()
    swap = exchanging.keep_step(placement=read_meter, step="old", entered={}, photo=picture(), by=by, now=NOW)
    with pytest.raises(Error), transaction.atomic():
        swap.photos.get().delete()
    wrongs: list[tuple[dict[str, Any], str]] = [
        ({"size_bytes": 0}, "not_empty"),
        ({"sha256": "abc"}, "has_fingerprint"),
    ]
    for wrong, constraint in wrongs:
        facts: dict[str, Any] = {
            "swap": swap, "moment": "old", "storage_name": "x", "media_type": "image/png", "size_bytes": 1,
            "sha256": "0" * 64, "uploaded_by": by, "uploaded_at": NOW,
        }  # fmt: skip
        with pytest.raises(IntegrityError, match=f"meter_photo_{constraint}"), transaction.atomic():
            MeterPhoto.objects.create(**facts | wrong)
    with pytest.raises(IntegrityError, match="meter_swap_once"), transaction.atomic():
        MeterSwap.objects.create(placement=read_meter, started_by=by, started_at=NOW)
    with pytest.raises(IntegrityError, match="meter_swap_confirmed_as_a_whole"), transaction.atomic():
        MeterSwap.objects.filter(pk=swap.pk).update(confirmed_at=NOW)
    with pytest.raises(exchanging.StepIsMissing):
        exchanging.confirm(swap=swap, by=by, now=NOW)
