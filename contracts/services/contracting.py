"""The life of a contract: drafted, put in force, changed in its terms, ended."""

from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from contracts.models import Contract, Invoice, PriceTerms, SlaTerms
from contracts.queries import terms
from contracts.services import judging
from kernel.errors import Refusal
from kernel.periods import Period, local_date, local_midnight
from thermal.services import rules

Terms = PriceTerms | SlaTerms


class TermsMissing(Refusal):
    """A contract in force has a price on every day."""


class DeliveryPointTaken(Refusal):
    """One delivery point, one contract at a time."""


class WrongState(Refusal):
    """The contract is not in a state that allows this."""


class AlreadyBilled(Refusal):
    """What a bill was made from stays as it was."""


@transaction.atomic
def draft_contract(*, by: User | None, now: datetime, **fields: Any) -> Contract:
    """A contract that is not yet in force; its days begin in the time zone of the site unless told otherwise."""
    if not fields.get("time_zone"):
        fields["time_zone"] = fields["delivery_point"].site.time_zone
    return Contract.objects.create(**fields)


@transaction.atomic
def change_contract(*, contract: Contract, by: User | None, now: datetime, **fields: Any) -> Contract:
    """The contract with other particulars; what bills rest on is fixed once it is in force."""
    fixed = {"delivery_point", "legal_entity", "currency", "time_zone", "starts_on", "offtaker"}
    changed = {name for name in fields if getattr(contract, name) != fields[name]}
    if contract.state != Contract.State.DRAFT and changed & fixed:
        raise WrongState(_("Parties, place, currency, zone and start of a contract in force are fixed."))
    for name, value in fields.items():
        setattr(contract, name, value)
    contract.save()
    return contract


@transaction.atomic
def activate_contract(*, contract: Contract, by: User | None, now: datetime) -> Contract:
    """The contract in force; the alarm limits of its delivery point become its temperature band."""
    contract = Contract.objects.select_for_update().get(pk=contract.pk)
    if contract.state != Contract.State.DRAFT:
        raise WrongState(_("Only a draft can be put in force."))
    if terms.sla_terms_on(contract, contract.starts_on) is None:
        raise TermsMissing(_("Add SLA terms that hold from the first day."))
    if not any(each.hold_on(contract.starts_on) for each in terms.price_terms_of(contract)):
        raise TermsMissing(_("Add price terms that hold from the first day."))
    _refuse_taken_point(contract)
    contract.state = Contract.State.ACTIVE
    contract.save()
    _set_alarm_limits(contract, by, now)
    return contract


def _refuse_taken_point(contract: Contract) -> None:
    """Say which contract holds the delivery point on one of these days; the database refuses it anyway."""
    others = Contract.objects.filter(delivery_point=contract.delivery_point_id).exclude(pk=contract.pk)
    for other in others.exclude(state=Contract.State.DRAFT):
        if contract.starts_on < (other.ends_on or date.max) and other.starts_on < (contract.ends_on or date.max):
            raise DeliveryPointTaken(
                _("Contract %(number)s holds this delivery point in that time.") % {"number": other.number}
            )


def _set_alarm_limits(contract: Contract, by: User | None, now: datetime) -> None:
    """Give the delivery point's alarms the band that is promised today, or will be first."""
    day = max(contract.starts_on, local_date(now, contract.zone))
    promised = terms.sla_terms_on(contract, day)
    if promised is not None:
        rules.set_supply_band_rule(
            delivery_point=contract.delivery_point,
            low_c=float(promised.supply_min_c),
            high_c=float(promised.supply_max_c),
            by=by,
            now=now,
        )


@transaction.atomic
def end_contract(*, contract: Contract, ends_on: date, by: User | None, now: datetime) -> Contract:
    """The contract, ended before ``ends_on``, the first day that no longer belongs to it."""
    contract = Contract.objects.select_for_update().get(pk=contract.pk)
    if contract.state != Contract.State.ACTIVE:
        raise WrongState(_("Only a contract in force can be ended."))
    if ends_on <= contract.starts_on:
        raise WrongState(_("It cannot end before it starts."))
    billed = Invoice.objects.filter(contract=contract, state=Invoice.State.ISSUED, ends_on__gt=ends_on)
    if billed.exists():
        raise AlreadyBilled(_("Days after %(day)s are already billed.") % {"day": ends_on.isoformat()})
    contract.ends_on, contract.state = ends_on, Contract.State.ENDED
    contract.save()
    return contract


@transaction.atomic
def agree_price(*, contract: Contract, by: User | None, now: datetime, **fields: Any) -> PriceTerms:
    """New price terms; those that held until then end where the new ones begin."""
    _end_previous(PriceTerms, contract, fields["valid_from"])
    return PriceTerms.objects.create(contract=contract, **fields)


@transaction.atomic
def agree_service(*, contract: Contract, by: User | None, now: datetime, **fields: Any) -> SlaTerms:
    """New SLA terms; those before end where they begin, days are judged anew and alarm limits follow."""
    _end_previous(SlaTerms, contract, fields["valid_from"])
    created = SlaTerms.objects.create(contract=contract, **fields)
    if contract.state == Contract.State.ACTIVE:
        _set_alarm_limits(contract, by, now)
        start = local_midnight(max(fields["valid_from"], contract.starts_on), contract.zone)
        if start < now:
            judging.judge_again(contract=contract, period=Period(start, now), now=now)
    return created


def _end_previous(model: type[Terms], contract: Contract, starts_on: date) -> None:
    """End the terms that hold on the day; refuse where a bill rests on a day that would change."""
    Contract.objects.select_for_update().get(pk=contract.pk)
    billed = Invoice.objects.filter(contract=contract, state=Invoice.State.ISSUED, ends_on__gt=starts_on)
    if last := billed.order_by("-ends_on").first():
        raise AlreadyBilled(
            _("Days up to %(day)s are billed; new terms may begin after them.")
            % {"day": (last.ends_on - timedelta(days=1)).isoformat()}
        )
    model._default_manager.filter(contract=contract, valid_from__gte=starts_on).delete()
    holding = model._default_manager.filter(contract=contract, valid_from__lt=starts_on).order_by("-valid_from").first()
    if holding is not None and (holding.valid_until is None or holding.valid_until > starts_on):
        model._default_manager.filter(pk=holding.pk).update(valid_until=starts_on)
