"""Who sells the heat, who takes it, and on which terms."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from django.db import transaction

from accounts.models import Audience, User
from accounts.services import audiences
from contracts.models import Contact, Contract, Counterfactual, LegalEntity, Offtaker
from contracts.services import contracting
from demo.seed.people import PEOPLE, PROVIDER_DOMAIN
from demo.seed.places import PLACES, Place
from demo.seed.story import Story
from demo.sites import GREENHOUSE, NETWORK, POOL
from hosting.models import DeliveryPoint, Site

_SELLERS: Final[tuple[dict[str, Any], ...]] = (
    {
        "code": "BLH",
        "name": "Brightloop Heat GmbH",
        "address": "Spandauer Damm 22\n14059 Berlin",
        "country": "DE",
        "vat_number": "DE327781204",
        "registration": "Amtsgericht Charlottenburg, HRB 214807",
        "email": f"billing@{PROVIDER_DOMAIN}",
        "phone": "+49 30 5550 1180",
        "bank_name": "Spreebank",
        "iban": "DE02 1203 0000 0000 2020 51",
        "bic": "BYLADEM1001",
    },
    {
        "code": "BLU",
        "name": "Brightloop Heat UK Ltd",
        "address": "3 Aire Quay\nLeeds LS10 1AB",
        "country": "GB",
        "vat_number": "GB418204417",
        "registration": "Companies House 14207733",
        "email": f"billing.uk@{PROVIDER_DOMAIN}",
        "phone": "+44 113 555 0180",
        "bank_name": "Aire & Calder Bank",
        "iban": "GB33 BUKB 2020 1555 5555 55",
        "bic": "BUKBGB22",
        "payment_days": 21,
    },
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deal:
    """One contract and the offtaker behind it."""

    site: str
    seller: str
    number: str
    offtaker: dict[str, Any]
    contacts: tuple[tuple[str, str, str], ...]
    audience: str
    currency: str
    energy_per_kwh: str
    earlier_energy_per_kwh: str
    standing: dict[str, Decimal]
    vat_ratio: str
    vat_note: str
    expected_kwh_per_year: int
    band_k: tuple[int, int]
    target_ratio: str
    alternative: dict[str, Any]


DEALS: Final[tuple[Deal, ...]] = (
    Deal(
        site=POOL.code,
        seller="BLH",
        number="HC-2025-001",
        offtaker={
            "code": "lindenufer",
            "name": "Bäderbetrieb Lindenufer GmbH",
            "kind": Offtaker.Kind.POOL,
            "address": "Lindenufer 14\n13597 Berlin",
            "country": "DE",
            "vat_number": "DE291104772",
            "billing_email": "rechnung@lindenufer.example",
            "language": "de",
        },
        contacts=(
            ("Paul Krause", Contact.Role.OPERATIONS, "pool@lindenufer.example"),
            ("Fatma Yilmaz", Contact.Role.FINANCE, "finance@lindenufer.example"),
        ),
        audience="Stadtbad Lindenufer",
        currency="EUR",
        energy_per_kwh="0.0589",
        earlier_energy_per_kwh="0.0571",
        standing={"standing_per_month": Decimal("310.00")},
        vat_ratio="0.19",
        vat_note="",
        expected_kwh_per_year=560_000,
        band_k=(-2, 5),
        target_ratio="0.99",
        alternative={
            "fuel_name": "natural gas",
            "fuel_per_kwh": "0.0640",
            "fuel_g_per_kwh": "182.9",
        },
    ),
    Deal(
        site=GREENHOUSE.code,
        seller="BLH",
        number="HC-2025-002",
        offtaker={
            "code": "delier",
            "name": "Kwekerij De Lier B.V.",
            "kind": Offtaker.Kind.GREENHOUSE,
            "address": "Oostweg 8\n2678 De Lier",
            "country": "NL",
            "vat_number": "NL863320117B01",
            "billing_email": "facturen@delier.example",
            "language": "en",
        },
        contacts=(("Koen Visser", Contact.Role.MANAGEMENT, "kas@delier.example"),),
        audience="Kwekerij De Lier",
        currency="EUR",
        energy_per_kwh="0.0712",
        earlier_energy_per_kwh="0.0712",
        standing={"standing_per_day": Decimal("6.40")},
        vat_ratio="0",
        vat_note="Reverse charge",
        expected_kwh_per_year=210_000,
        band_k=(-3, 5),
        target_ratio="0.97",
        alternative={
            "fuel_name": "natural gas",
            "fuel_per_kwh": "0.0710",
            "fuel_g_per_kwh": "182.9",
        },
    ),
    Deal(
        site=NETWORK.code,
        seller="BLU",
        number="HC-2024-003",
        offtaker={
            "code": "airequay",
            "name": "Aire Quay Heat Network Ltd",
            "kind": Offtaker.Kind.HEAT_NETWORK,
            "address": "1 Aire Quay\nLeeds LS10 1AA",
            "country": "GB",
            "vat_number": "GB337104820",
            "billing_email": "ap@airequay.example",
            "language": "en",
        },
        contacts=(("Nia Hughes", Contact.Role.OPERATIONS, "network@airequay.example"),),
        audience="Aire Quay Heat Network",
        currency="GBP",
        energy_per_kwh="0.0493",
        earlier_energy_per_kwh="0.0493",
        standing={"standing_per_month": Decimal("940.00")},
        vat_ratio="0.20",
        vat_note="",
        expected_kwh_per_year=1_350_000,
        band_k=(-3, 5),
        target_ratio="0.99",
        alternative={
            "fuel_name": "natural gas",
            "fuel_per_kwh": "0.0550",
            "fuel_g_per_kwh": "182.9",
        },
    ),
)


@transaction.atomic
def build_commerce(*, story: Story, by: User) -> None:
    """Sellers, offtakers, contracts in force and who may see them; what is there already stays."""
    for seller in _SELLERS:
        LegalEntity.objects.get_or_create(code=seller["code"], defaults=seller)
    for deal in DEALS:
        offtaker = _offtaker(deal)
        if not Contract.objects.filter(number=deal.number).exists():
            _contract(deal, offtaker, story, by)
        _let_in(deal, offtaker, by, story.built_at)
    _let_auditor_in(by, story.built_at)


def _offtaker(deal: Deal) -> Offtaker:
    offtaker, _ = Offtaker.objects.get_or_create(code=deal.offtaker["code"], defaults=deal.offtaker)
    for name, role, email in deal.contacts:
        Contact.objects.get_or_create(offtaker=offtaker, name=name, defaults={"role": role, "email": email})
    return offtaker


def _contract(deal: Deal, offtaker: Offtaker, story: Story, by: User) -> None:
    place = next(place for place in PLACES if place.code == deal.site)
    starts_on = story.first_month_on
    contract = contracting.draft_contract(
        by=by,
        now=story.epoch,
        number=deal.number,
        offtaker=offtaker,
        delivery_point=DeliveryPoint.objects.get(code=place.delivery_code),
        legal_entity=LegalEntity.objects.get(code=deal.seller),
        currency=deal.currency,
        starts_on=starts_on,
        expected_kwh_per_year=Decimal(deal.expected_kwh_per_year),
    )
    price: dict[str, Any] = {"vat_ratio": Decimal(deal.vat_ratio), "vat_note": deal.vat_note, **deal.standing}
    _agree_prices(contract, deal, price, story, by)
    contracting.agree_service(contract=contract, by=by, now=story.epoch, **_service(deal, place, starts_on))
    contracting.activate_contract(contract=contract, by=by, now=story.epoch)
    Counterfactual.objects.create(
        offtaker=offtaker,
        valid_from=starts_on,
        currency=deal.currency,
        boiler_ratio=Decimal("0.88"),
        source="Offer of the local supplier; factor: DESNZ 2025, natural gas, gross",
        **{name: Decimal(value) if name.endswith("kwh") else value for name, value in deal.alternative.items()},
    )


def _agree_prices(contract: Contract, deal: Deal, price: dict[str, Any], story: Story, by: User) -> None:
    earlier, later = Decimal(deal.earlier_energy_per_kwh), Decimal(deal.energy_per_kwh)
    contracting.agree_price(
        contract=contract, by=by, now=story.epoch, valid_from=contract.starts_on, energy_per_kwh=earlier, **price
    )
    if earlier != later:
        # In the middle of a month, so that its bill shows both prices.
        contracting.agree_price(
            contract=contract,
            by=by,
            now=story.epoch,
            valid_from=story.last_month_on.replace(day=16),
            energy_per_kwh=later,
            reason="Yearly adjustment to the gas index",
            **price,
        )


def _service(deal: Deal, place: Place, starts_on: dt.date) -> dict[str, Any]:
    set_c = Decimal(str(place.installation.plant.supply_c))
    low_k, high_k = deal.band_k
    return {
        "valid_from": starts_on,
        "supply_min_c": set_c + low_k,
        "supply_max_c": set_c + high_k,
        "target_ratio": Decimal(deal.target_ratio),
        "credit_ratio": Decimal("0.05"),
        "credit_cap_ratio": Decimal("0.25"),
    }


def _let_in(deal: Deal, offtaker: Offtaker, by: User, now: dt.datetime) -> None:
    """The offtaker's people see the offtaker and its contracts, and nothing of anyone else."""
    audience = _audience(deal.audience, by, now)
    audiences.grant(audience=audience, anchors=[offtaker, *offtaker.contracts.all()], by=by, now=now)
    _join(audience, deal.audience, by, now)


def _let_auditor_in(by: User, now: dt.datetime) -> None:
    """The auditor examines one site and its contract."""
    name = next(person.audience for person in PEOPLE if person.role == "auditor")
    audience = _audience(name, by, now)
    site = Site.objects.get(code=POOL.code)
    contracts = Contract.objects.filter(delivery_point__site=site)
    audiences.grant(audience=audience, anchors=[site, *contracts], by=by, now=now)
    _join(audience, name, by, now)


def _audience(name: str, by: User, now: dt.datetime) -> Audience:
    found = Audience.objects.filter(name=name).first()
    return found or audiences.create_audience(name=name, by=by, now=now)


def _join(audience: Audience, name: str, by: User, now: dt.datetime) -> None:
    for person in PEOPLE:
        if person.audience == name:
            user = User.objects.get(email=person.email)
            audiences.replace_audiences(person=user, audiences=[audience], by=by, now=now)
