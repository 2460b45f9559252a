"""The life of a contract and of its terms."""

import datetime as dt
from decimal import Decimal

import pytest

from contracts.models import Contract
from contracts.services import billing, contracting
from hosting.models import Measurement
from tests.makers import contracts, hosting, thermal
from tests.makers.billing import NOVEMBER_2, OCTOBER, billable
from thermal.models import AlarmRule

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)


def a_draft() -> Contract:
    return contracts.make_contract(state=Contract.State.DRAFT)


def test_a_draft_takes_the_time_zone_of_its_site() -> None:
    site = hosting.make_site(time_zone="Europe/Helsinki")
    contract = contracting.draft_contract(
        by=None, now=NOW, number="C-9", offtaker=contracts.make_offtaker(), legal_entity=contracts.make_legal_entity(),
        delivery_point=hosting.make_delivery_point(site), starts_on=dt.date(2026, 1, 1),
    )  # fmt: skip
    assert (contract.time_zone, contract.state) == ("Europe/Helsinki", Contract.State.DRAFT)


def test_activating_makes_the_promised_band_an_alarm_limit() -> None:
    contract = a_draft()
    point = contract.delivery_point
    thermal.make_plant_device(point.site, [Measurement.Role.SUPPLY_TEMPERATURE], delivery_point=point)
    contracting.activate_contract(contract=contract, by=None, now=NOW)
    limits = AlarmRule.objects.filter(delivery_point=point).values_list("kind", "limit_value")
    assert set(limits) == {("low", 38.0), ("high", 48.0)}


def test_a_contract_without_terms_is_not_put_in_force() -> None:
    contract = contracts.make_contract(with_terms=False, state=Contract.State.DRAFT)
    with pytest.raises(contracting.TermsMissing):
        contracting.activate_contract(contract=contract, by=None, now=NOW)


def test_a_second_contract_for_the_same_heat_is_refused_by_name() -> None:
    first = contracts.make_contract()
    second = contracts.make_contract(delivery_point=first.delivery_point, state=Contract.State.DRAFT)
    with pytest.raises(contracting.DeliveryPointTaken, match=first.number):
        contracting.activate_contract(contract=second, by=None, now=NOW)


def test_what_bills_rest_on_is_fixed_once_in_force() -> None:
    contract = contracts.make_contract()
    with pytest.raises(contracting.WrongState):
        contracting.change_contract(contract=contract, by=None, now=NOW, currency="SEK")
    assert contracting.change_contract(contract=contract, by=None, now=NOW, notes="x").notes == "x"


def test_new_terms_end_the_old_ones() -> None:
    contract = contracts.make_contract()
    day = dt.date(2026, 3, 1)
    contracting.agree_price(
        contract=contract, by=None, now=NOW, valid_from=day, energy_per_kwh=Decimal("0.07"), vat_ratio=Decimal("0.19")
    )
    assert list(contract.price_terms.values_list("valid_from", "valid_until")) == [
        (dt.date(2026, 1, 1), day),
        (day, None),
    ]


def test_terms_of_billed_days_do_not_change() -> None:
    contract, _placement = billable()
    billing.run_month(month_on=OCTOBER, by=None, now=NOVEMBER_2, issue=True)
    fields = {"energy_per_kwh": Decimal(1), "vat_ratio": Decimal(0)}
    with pytest.raises(contracting.AlreadyBilled, match="2026-10-31"):
        contracting.agree_price(contract=contract, by=None, now=NOVEMBER_2, valid_from=dt.date(2026, 10, 31), **fields)
    contracting.agree_price(contract=contract, by=None, now=NOVEMBER_2, valid_from=dt.date(2026, 11, 1), **fields)


def test_a_contract_ends_after_what_is_billed() -> None:
    contract, _placement = billable()
    billing.run_month(month_on=OCTOBER, by=None, now=NOVEMBER_2, issue=True)
    with pytest.raises(contracting.AlreadyBilled):
        contracting.end_contract(contract=contract, ends_on=dt.date(2026, 10, 15), by=None, now=NOVEMBER_2)
    ended = contracting.end_contract(contract=contract, ends_on=dt.date(2026, 11, 15), by=None, now=NOVEMBER_2)
    assert ended.state == Contract.State.ENDED
