"""Small factories of offtakers, contracts and their terms; every argument has a default."""

import datetime as dt
import itertools
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.db import connection

from contracts.models import (
    Contact,
    Contract,
    Counterfactual,
    LegalEntity,
    Offtaker,
    PriceTerms,
    SlaTerms,
)
from hosting.models import DeliveryPoint, MeterPlacement
from tests.makers import hosting
from thermal.models import HeatInterval, MeterReading
from thermal.models.ledger import Quality

_number = itertools.count(1)
FIRST_DAY = dt.date(2026, 1, 1)


def make_legal_entity(**fields: Any) -> LegalEntity:
    number = next(_number)
    defaults: dict[str, Any] = {
        "code": f"LE{number}",
        "name": f"Warm Server {number} GmbH",
        "address": "Serverstraße 1\n10115 Berlin",
        "country": "DE",
        "vat_number": f"DE{number:09d}",
        "bank_name": "Bank of Examples",
        "iban": "DE02 1203 0000 0000 2020 51",
        "bic": "BYLADEM1001",
    }
    return LegalEntity.objects.create(**defaults | fields)


def make_offtaker(**fields: Any) -> Offtaker:
    number = next(_number)
    defaults: dict[str, Any] = {
        "code": f"offtaker-{number}",
        "name": f"Pool company {number}",
        "kind": Offtaker.Kind.POOL,
        "address": "Am Bad 2\n10115 Berlin",
        "country": "DE",
        "billing_email": f"bills{number}@example.org",
    }
    return Offtaker.objects.create(**defaults | fields)


def make_contact(offtaker: Offtaker | None = None, **fields: Any) -> Contact:
    number = next(_number)
    defaults: dict[str, Any] = {"name": f"Person {number}", "email": f"person{number}@example.org"}
    return Contact.objects.create(offtaker=offtaker or make_offtaker(), **defaults | fields)


def make_price_terms(contract: Contract, **fields: Any) -> PriceTerms:
    defaults: dict[str, Any] = {
        "valid_from": contract.starts_on,
        "energy_per_kwh": Decimal("0.06119"),
        "standing_per_day": None if "standing_per_month" in fields else Decimal("0.85"),
        "vat_ratio": Decimal("0.20"),
    }
    return PriceTerms.objects.create(contract=contract, **defaults | fields)


def make_sla_terms(contract: Contract, **fields: Any) -> SlaTerms:
    defaults: dict[str, Any] = {
        "valid_from": contract.starts_on,
        "supply_min_c": Decimal(38),
        "supply_max_c": Decimal(48),
    }
    return SlaTerms.objects.create(contract=contract, **defaults | fields)


def make_contract(*, with_terms: bool = True, **fields: Any) -> Contract:
    """An active contract from 1 January 2026 in Berlin, with price and SLA terms from its first day."""
    number = next(_number)
    defaults: dict[str, Any] = {
        "number": f"C-{number:04d}",
        "time_zone": "Europe/Berlin",
        "starts_on": FIRST_DAY,
        "state": Contract.State.ACTIVE,
    }
    for name, maker in (
        ("offtaker", make_offtaker),
        ("delivery_point", hosting.make_delivery_point),
        ("legal_entity", make_legal_entity),
    ):
        if name not in fields:
            defaults[name] = maker()
    contract = Contract.objects.create(**defaults | fields)
    if with_terms:
        make_price_terms(contract)
        make_sla_terms(contract)
    return contract


def make_counterfactual(offtaker: Offtaker, **fields: Any) -> Counterfactual:
    defaults: dict[str, Any] = {
        "valid_from": FIRST_DAY,
        "fuel_name": "natural gas",
        "fuel_per_kwh": Decimal("0.055"),
        "boiler_ratio": Decimal("0.85"),
        "fuel_g_per_kwh": Decimal("182.96"),
        "source": "DESNZ 2025, gross calorific value",
    }
    return Counterfactual.objects.create(offtaker=offtaker, **defaults | fields)


def place_meter(delivery_point: DeliveryPoint, **fields: Any) -> MeterPlacement:
    """A heat meter that measures the delivery point from 2020 on."""
    return hosting.make_placement(delivery_point=delivery_point, **fields)


def make_readings(placement: MeterPlacement, registers: Mapping[dt.datetime, str | Decimal], **fields: Any) -> None:
    """Register values in kWh by instant, from a file: those that are polled need a device that was accepted."""
    defaults: dict[str, Any] = {"source": MeterReading.Source.IMPORT}
    MeterReading.objects.bulk_create(
        MeterReading(meter=placement.meter, at=at, energy_kwh=Decimal(kwh), received_at=at, **defaults | fields)
        for at, kwh in registers.items()
    )


def make_intervals(
    delivery_point: DeliveryPoint,
    start: dt.datetime,
    end: dt.datetime,
    *,
    supply_c: float | None = 42.0,
    demand: bool | None = True,
    heat_kwh: Decimal | None = Decimal(5),
    quality: Quality = Quality.MEASURED,
) -> None:
    """A ledger row for every quarter hour from start to end, all alike."""
    first = HeatInterval.objects.create(
        delivery_point=delivery_point,
        start=start,
        heat_kwh=None if quality == Quality.MISSING else heat_kwh,
        supply_mean_c=supply_c,
        supply_min_c=supply_c,
        demand=demand,
        measured_s=0 if quality == Quality.MISSING else 900,
        quality=quality,
        rule_version=1,
        settled_at=end,
    )
    columns = [field.column for field in HeatInterval._meta.concrete_fields if field.column and field.column != "start"]
    names = ", ".join(columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO thermal_heatinterval ({names}, start) SELECT {names}, q FROM thermal_heatinterval first,"
            " generate_series(first.start + interval '15 minutes', %s - interval '1 second', interval '15 minutes') q"
            " WHERE delivery_point_id = %s AND start = %s",
            [end, delivery_point.pk, first.start],
        )


def withdraw_reading(placement: MeterPlacement, at: dt.datetime) -> None:
    """A newer version of the reading that says nothing: readings themselves are final."""
    MeterReading.objects.create(meter=placement.meter, at=at, version=2, received_at=at, source="correction")
