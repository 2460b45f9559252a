"""What is not granted is not there: for every model that hangs on an anchor."""

from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import AnonymousUser, Permission
from django.utils import timezone

from accounts import scoping
from accounts.models import User
from hosting.models import Site
from tests.makers import accounts as people
from tests.makers import hosting as inventory

pytestmark = pytest.mark.django_db

ANCHORED = [model for model in apps.get_models() if hasattr(model, "anchors") and not model._meta.proxy]
pytestmark = pytest.mark.django_db


def subqueries(user: Any, model: Any) -> int:
    return str(model.objects.visible_to(user).query).count("SELECT") - 1


@pytest.mark.parametrize("model", ANCHORED, ids=lambda model: model._meta.label)
def test_every_anchored_model_shows_a_stranger_nothing(model: Any, django_assert_max_num_queries: Any) -> None:
    stranger = people.stranger()
    rows = model.objects.visible_to(stranger)
    assert isinstance(rows, scoping.ScopedQuerySet)
    with django_assert_max_num_queries(1):
        assert not rows.exists()
    if not rows.query.is_empty():
        # Nothing but what is granted can pass: every way to a row leads through the table of grants.
        assert "groupobjectpermission" in str(rows.query)


@pytest.mark.parametrize("model", ANCHORED, ids=lambda model: model._meta.label)
def test_every_anchor_is_reached_by_a_path_that_exists(model: Any) -> None:
    assert model.anchors, "a model without anchors shows nothing to anyone"
    for anchor, path in model.anchors.items():
        target = model
        for name in path.split("__") if path else ():
            target = target._meta.get_field(name).related_model
        assert target is scoping.anchor_model(anchor)


@pytest.mark.parametrize("model", ANCHORED, ids=lambda model: model._meta.label)
def test_number_of_subqueries_does_not_grow_with_grants(model: Any) -> None:
    few, many = people.stranger(), people.stranger()
    sites = [inventory.make_site() for _ in range(5)]
    people.grant(few, sites[0])
    for site in sites:
        people.grant(many, site)
    assert subqueries(few, model) == subqueries(many, model) <= 6


def test_grant_shows_its_site_and_no_other() -> None:
    granted, _other = inventory.make_site(), inventory.make_site()
    assert list(Site.objects.visible_to(people.auditor(granted))) == [granted]


def test_two_grants_on_one_site_show_it_once() -> None:
    site = inventory.make_site()
    auditor = people.auditor(site)
    people.grant(auditor, site)
    assert list(Site.objects.visible_to(auditor)) == [site]


def test_staff_see_every_site() -> None:
    sites = {inventory.make_site(), inventory.make_site()}
    for user in people.cast().staff:
        assert set(Site.objects.visible_to(user)) == sites


def test_superuser_sees_every_site() -> None:
    site = inventory.make_site()
    assert list(Site.objects.visible_to(User.objects.create_superuser("root@example.org"))) == [site]


def test_anonymous_sees_nothing() -> None:
    inventory.make_site()
    assert not Site.objects.visible_to(AnonymousUser()).exists()


@pytest.mark.parametrize("role", ["administrator", "auditor"])
def test_access_that_has_ended_shows_nothing(role: str) -> None:
    site = inventory.make_site()
    yesterday = timezone.now() - timedelta(days=1)
    ended = people.person(role, sees=(site,), access_until=yesterday)
    assert not Site.objects.visible_to(ended).exists()
    assert not ended.has_perm("hosting.view_site")


def test_access_that_will_end_still_shows() -> None:
    site = inventory.make_site()
    auditor = people.auditor(site, access_until=timezone.now() + timedelta(days=1))
    assert list(Site.objects.visible_to(auditor)) == [site]


def test_inactive_person_sees_nothing() -> None:
    site = inventory.make_site()
    gone = people.person("administrator", sees=(site,), is_active=False)
    assert not Site.objects.visible_to(gone).exists()


def test_permission_without_view_shows_nothing() -> None:
    """A grant counts only if it is the permission to view."""
    site = inventory.make_site()
    auditor = people.auditor(site)
    table = scoping.grant_model("site")._default_manager
    change = Permission.objects.get(content_type__app_label="hosting", codename="change_site")
    table.update(permission=change)
    assert not Site.objects.visible_to(auditor).exists()
