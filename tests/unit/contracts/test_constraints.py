"""What the database itself refuses."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from contracts.models import Contract, Counterfactual, PriceTerms, SlaResult, SlaTerms
from tests.makers import contracts as make

pytestmark = pytest.mark.django_db


def refused(name: str) -> Any:
    return pytest.raises(IntegrityError, match=name)


def test_two_active_contracts_never_share_a_delivery_point_on_a_day() -> None:
    first = make.make_contract(ends_on=dt.date(2026, 7, 1))
    make.make_contract(delivery_point=first.delivery_point, starts_on=dt.date(2026, 7, 1))
    with refused("contract_one_per_delivery_point"), transaction.atomic():
        make.make_contract(
            delivery_point=first.delivery_point, starts_on=dt.date(2026, 6, 30), ends_on=dt.date(2026, 7, 1)
        )
    make.make_contract(delivery_point=first.delivery_point, state=Contract.State.DRAFT)


@pytest.mark.parametrize("maker", [make.make_price_terms, make.make_sla_terms])
def test_terms_of_a_contract_never_overlap(maker: Any) -> None:
    contract = make.make_contract(with_terms=False)
    maker(contract, valid_until=dt.date(2026, 3, 1))
    maker(contract, valid_from=dt.date(2026, 3, 1))
    with refused("do_not_overlap"), transaction.atomic():
        maker(contract, valid_from=dt.date(2026, 2, 28), valid_until=dt.date(2026, 3, 1))


@pytest.mark.parametrize(
    ("model", "fields", "name"),
    [
        (PriceTerms, {"valid_until": dt.date(2025, 1, 1)}, "price_terms_end_after_start"),
        (PriceTerms, {"standing_per_day": 1, "standing_per_month": 1}, "price_terms_one_standing_charge"),
        (PriceTerms, {"vat_ratio": Decimal(1)}, "price_terms_vat_is_share"),
        (PriceTerms, {"energy_per_kwh": Decimal(-1)}, "price_terms_energy_not_negative"),
        (SlaTerms, {"valid_until": dt.date(2025, 1, 1)}, "sla_terms_end_after_start"),
        (SlaTerms, {"supply_max_c": Decimal(30)}, "sla_terms_band_has_width"),
        (SlaTerms, {"target_ratio": Decimal("1.1")}, "sla_terms_shares"),
        (SlaTerms, {"notice_h": Decimal(-1)}, "sla_terms_hours_not_negative"),
        (Contract, {"ends_on": dt.date(2025, 1, 1)}, "contract_ends_after_start"),
        (Contract, {"state": "ended"}, "contract_ended_has_end"),
        (Contract, {"currency": "eur"}, "contract_currency_three_letters"),
    ],
)
def test_impossible_terms_are_refused(model: Any, fields: dict[str, Any], name: str) -> None:
    make.make_contract()
    with refused(name), transaction.atomic():
        model.objects.update(**fields)


def test_a_boiler_has_a_possible_efficiency() -> None:
    make.make_counterfactual(make.make_offtaker())
    with refused("counterfactual_boiler_possible"), transaction.atomic():
        Counterfactual.objects.update(boiler_ratio=0)
    with refused("counterfactual_not_negative"), transaction.atomic():
        Counterfactual.objects.update(fuel_per_kwh=-1)


def test_the_classes_of_a_month_add_up_to_its_minutes() -> None:
    contract = make.make_contract()
    with refused("sla_result_minutes_add_up"), transaction.atomic():
        SlaResult.objects.create(
            contract=contract,
            terms=contract.sla_terms.get(),
            month_on=dt.date(2026, 1, 1),
            total_minutes=44640,
            met_minutes=44639,
            target_ratio=1,
            credit_ratio=0,
            starts_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
            ends_at=dt.datetime(2026, 2, 1, tzinfo=dt.UTC),
            judged_at=dt.datetime(2026, 2, 1, tzinfo=dt.UTC),
        )
