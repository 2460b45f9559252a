from itertools import permutations

import pytest
from django.contrib.auth.models import Group, Permission

from accounts import roles

STAFF = {"administrator", "operator", "engineer", "billing", "approver", "compliance"}


def test_the_roles_of_the_design_are_there() -> None:
    assert {role.key for role in roles.ROLES} == STAFF | {"auditor", "offtaker-viewer", "offtaker-finance"}
    assert {role.key for role in roles.ROLES if role.staff} == STAFF


@pytest.mark.parametrize("role", roles.ROLES, ids=lambda role: role.key)
def test_only_staff_see_everything(role: roles.Role) -> None:
    held = {permission for permission in roles.GLOBAL_VIEWS if role.holds(permission)}
    assert held == (set(roles.GLOBAL_VIEWS) if role.key in STAFF else set())


@pytest.mark.parametrize("role", roles.ROLES, ids=lambda role: role.key)
def test_no_role_holds_both_sides_of_a_separated_duty(role: roles.Role) -> None:
    for one, other in roles.SEPARATED_DUTIES:
        assert not (role.holds(one) and role.holds(other))


@pytest.mark.parametrize(
    ("permission", "holders"),
    [
        ("contracts.change_priceterms", {"administrator"}),
        ("contracts.issue_invoice", {"billing"}),
        ("contracts.approve_creditnote", {"approver"}),
        ("accounts.change_roles", {"administrator"}),
        ("accounts.add_invitation", {"administrator"}),
        ("thermal.acknowledge_alarm", {"operator", "engineer"}),
        ("thermal.approve_correction", {"approver"}),
        ("hosting.change_site", {"administrator", "engineer"}),
        ("hosting.add_plannedoutage", {"administrator", "engineer", "operator", "compliance"}),
        ("compliance.build_auditpack", {"compliance", "auditor"}),
        ("contracts.view_invoice", STAFF | {"auditor", "offtaker-finance"}),
    ],
)
def test_each_capability_is_with_whom_it_belongs(permission: str, holders: set[str]) -> None:
    assert {role.key for role in roles.ROLES if role.holds(permission)} == holders


@pytest.mark.parametrize("key", ["auditor", "offtaker-viewer", "offtaker-finance"])
@pytest.mark.parametrize("action", ["add", "change", "delete", "issue", "approve", "acknowledge"])
def test_guests_change_nothing(key: str, action: str) -> None:
    for app in roles.FLOORS:
        for model in ("site", "alarm", "invoice", "creditnote", "contract", "auditpack", "user"):
            assert not roles.BY_KEY[key].holds(f"{app}.{action}_{model}")


def test_roles_that_control_each_other_conflict_in_any_order() -> None:
    pairs = {frozenset((one.key, other.key)) for keys in permutations(STAFF, 2) for one, other in roles.conflicts(keys)}
    assert pairs == {frozenset({"administrator", "billing"}), frozenset({"billing", "approver"})}


@pytest.mark.django_db
def test_groups_hold_what_the_table_says() -> None:
    for role in roles.ROLES:
        group = Group.objects.get(name=role.key)
        held = {f"{p.content_type.app_label}.{p.codename}" for p in group.permissions.select_related("content_type")}
        assert held
        assert all(role.holds(permission) for permission in held)
    assert roles.sync() == 0


@pytest.mark.django_db
def test_sync_takes_back_what_the_table_does_not_say() -> None:
    billing, admin = Group.objects.get(name="billing"), Group.objects.get(name="administrator")
    stray = admin.permissions.get(codename="change_roles", content_type__app_label="accounts")
    billing.permissions.add(stray)
    assert roles.sync() == 1
    assert not billing.permissions.filter(pk=stray.pk).exists()


@pytest.mark.django_db
def test_separated_duties_are_permissions_that_exist() -> None:
    for permission in {one for pair in roles.SEPARATED_DUTIES for one in pair} | set(roles.GLOBAL_VIEWS):
        label, codename = permission.split(".")
        assert Permission.objects.filter(content_type__app_label=label, codename=codename).exists(), permission
