"""What validation found blocks a bill until it is resolved, and a bill says how wrong its meter may be."""

import datetime as dt

import pytest

from contracts.documents import explanations
from contracts.models import Contract
from contracts.queries import blocks
from contracts.services import billing
from tests.makers import accounts
from tests.makers.billing import NOVEMBER_2, OCTOBER, billable
from thermal.models import HeatInterval, ValidationFinding
from thermal.models.validation import Severity
from thermal.services import validating

pytestmark = pytest.mark.django_db

MIDDLE = dt.datetime(2026, 10, 14, tzinfo=dt.UTC)


def drafted(contract: Contract) -> billing.Outcome:
    return billing.draft_invoice(contract=contract, month_on=OCTOBER, by=None, now=NOVEMBER_2)


def find(contract: Contract, **fields: object) -> ValidationFinding:
    placement = contract.delivery_point.placements.get()
    defaults = {
        "rule": "V03", "severity": Severity.BLOCK, "site": placement.site, "meter": placement.meter,
        "starts_at": MIDDLE, "ends_at": MIDDLE + dt.timedelta(hours=1), "found_at": MIDDLE, "seen_at": MIDDLE,
    }  # fmt: skip
    return ValidationFinding.objects.create(**defaults | fields)


def test_an_open_finding_that_blocks_stops_the_bill_until_it_is_accepted() -> None:
    contract, placement = billable()
    finding = find(contract)
    (problem,) = drafted(contract).problems
    reason = blocks.reason_of(problem.code, problem.facts, contract)
    assert reason.sentence == (
        f"Validation found what blocks the billing of meter {placement.meter}: 1 unresolved, "
        "the first is V03 register fell."
    )
    assert reason.url == f"/heat/review/?meter={placement.meter_id}"
    validating.accept(finding=finding, by=accounts.approver(), reason="The maker set it.", now=NOVEMBER_2)
    assert drafted(contract).invoice is not None


@pytest.mark.parametrize(
    "fields",
    [
        {"severity": Severity.REVIEW},
        {"starts_at": MIDDLE - dt.timedelta(days=60), "ends_at": MIDDLE - dt.timedelta(days=50)},
        {"meter": None},
    ],
)
def test_other_findings_block_nothing(fields: dict[str, object]) -> None:
    contract, _placement = billable()
    find(contract, **fields)
    assert drafted(contract).invoice is not None


def test_the_explanation_of_the_heat_names_the_error_that_the_meter_is_allowed() -> None:
    contract, placement = billable()
    rows = HeatInterval.objects.filter(delivery_point=contract.delivery_point)
    rows.update(supply_vw_c=45, return_vw_c=35, volume_m3="0.0250")
    placement.meter.qp_m3h, placement.meter.min_difference_k = 1.0, 3
    placement.meter.save()
    invoice = drafted(contract).invoice
    assert invoice is not None
    facts = {fact.label: fact.value for fact in explanations.line_of(invoice.lines.get(kind="energy"), invoice).inputs}
    # A tenth of qp at 10 K: 2.2 + 1.4 + 0.8 %, the second test value of class 2.
    assert facts[f"Mean temperature difference at {placement.meter}, weighted by volume"] == "10.0\N{NO-BREAK SPACE}K"
    assert "4.4" in facts["Error of the heat that class 2 allows there"]
