"""Rules of the data model: numbers name their units, nothing vanishes with its target, constraints have names."""

from typing import Any

import pytest
from django.apps import apps
from django.db import models

from kernel import units

OURS = {"accounts", "hosting", "thermal", "contracts", "compliance", "portal", "demo"}

# Numbers that measure nothing, by what their name ends in.
NO_QUANTITY = {
    "version": "counts revisions of a row",
    "revision": "counts revisions of a document",
    "number": "a number in a series",
    "position": "an order",
    "priority": "an order",
    "slot": "an index into an array of values",
    "port": "a network address",
    "year": "a calendar year, not a duration",
    "quality": "a code",
    "reason": "a code",
    "export_mode": "a code",
    "export_cause": "a code",
    "info_code": "bits that the meter sets",
    "register_digits": "a property of a display",
}
# Quantities whose unit stands in a field beside them.
UNIT_BESIDE = {
    "amount": "money; the currency stands in the row or in its contract",
    "price": "money per unit; both stand in the row",
    "quantity": "of an invoice line, which names its unit",
    "value": "of a point, parameter or rule, which names its unit",
    "register": "in the unit of the meter's register",
    "register_step": "in the unit of the meter's register",
    "register_address": "a place in a device's memory",
}
# Parts that are nothing without their whole; elsewhere deleting is refused while something points to a row.
PARTS = {
    "accounts.Membership": "ends with the person or the group",
    "compliance.PermitCondition": "is part of its permit",
    "contracts.BillingBlock": "says why a contract cannot be billed; recomputed with every run",
    "contracts.Contact": "is part of its offtaker",
    "contracts.InvoiceLine": "is part of its invoice, which a trigger protects",
    "hosting.ControllerSecret": "opens nothing but its controller",
    "hosting.Measurement": "is part of its device",
    "hosting.ProfilePoint": "is part of its profile",
    "thermal.DeviceDay": "counts what its device told; frames protect a device that ever told anything",
    "thermal.DeviceProbe": "is a look at a device, tidied away after days; verdicts keep what they rest on",
    "thermal.DirtyMark": "is work to be done, not a record",
    "thermal.MonthMark": "is work to be done, not a record",
    "thermal.ValidationMark": "is work to be done, not a record",
}
# Links that may be cut: the record says enough without them.
CUT = {
    ("compliance.AuditPack", "job"): "jobs are tidied away, packs stay",
}
# Models that no row can contradict.
WITHOUT_CONSTRAINTS = {
    "accounts.Membership": "the table is Django's own; its pair is unique",
    "thermal.AlarmTransition": "a line of history: any state may follow any other",
    "thermal.DirtyMark": "its primary key is all there is",
    "thermal.MonthMark": "its primary key is all there is",
    "thermal.MeterReading": "partitioned: its primary key stands in the migration",
    "thermal.TelemetryFrame": "partitioned: its primary key stands in the migration",
}


def our_models() -> list[type[models.Model]]:
    """Return the models we wrote: no history tables, no object permissions, which their packages generate."""
    generated = ("pghistory.", "guardian.")
    return [
        model
        for model in apps.get_models()
        if model._meta.app_label in OURS and not any(base.__module__.startswith(generated) for base in model.__mro__)
    ]


def numeric_fields() -> list[tuple[str, str]]:
    kinds = (models.IntegerField, models.FloatField, models.DecimalField)
    return [
        (model._meta.label, field.name)
        for model in our_models()
        for field in model._meta.local_fields
        if isinstance(field, kinds) and not field.primary_key and not field.choices
    ]


def links() -> list[tuple[str, str, Any]]:
    return [
        (model._meta.label, field.name, field.remote_field.on_delete)
        for model in our_models()
        for field in model._meta.local_fields
        if field.remote_field is not None
    ]


def names_its_unit(name: str) -> bool:
    explained = [*NO_QUANTITY, *UNIT_BESIDE]
    return units.suffix_of(name) is not None or any(name == end or name.endswith(f"_{end}") for end in explained)


def test_every_number_names_its_unit() -> None:
    assert [f"{label}.{name}" for label, name in numeric_fields() if not names_its_unit(name)] == []


def test_nothing_vanishes_with_what_it_points_to() -> None:
    vanishing = [
        f"{label}.{name}"
        for label, name, on_delete in links()
        if on_delete is not models.PROTECT and label not in PARTS and (label, name) not in CUT
    ]
    assert vanishing == []


@pytest.mark.parametrize("model", our_models(), ids=lambda model: model._meta.label)
def test_every_model_has_named_constraints(model: type[models.Model]) -> None:
    constraints = model._meta.constraints
    assert constraints or model._meta.label in WITHOUT_CONSTRAINTS
    # Django derives no name for these three kinds; one that is empty or a number would tell an operator nothing.
    assert all(len(constraint.name) > 5 for constraint in constraints)


@pytest.mark.parametrize("model", our_models(), ids=lambda model: model._meta.label)
def test_every_model_says_in_one_line_what_it_is(model: type[models.Model]) -> None:
    text = model.__doc__ or ""
    assert not text.startswith(f"{model.__name__}("), "Django made this docstring up"
    assert text.strip().splitlines()[0].endswith(".")


def test_exemptions_name_models_that_exist() -> None:
    labels = {model._meta.label for model in our_models()}
    named = {*PARTS, *WITHOUT_CONSTRAINTS, *(label for label, _ in CUT)}
    assert named <= labels
