"""A filter over more sites than anybody would scroll through is typed."""

import pytest
from django.test import Client

from accounts import filters
from hosting.models import Site
from tests.makers import accounts as people
from tests.makers import hosting as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator() -> Client:
    client = Client()
    client.force_login(people.operator())
    return client


def many_sites() -> Site:
    """One more site than a list of choices holds; the first has a controller."""
    site = make.make_site(code="first-one")
    make.make_controller(site, code="its-controller")
    make.make_controller(code="another-controller")
    fields = {"time_zone": "Europe/Berlin", "country": "DE", "installed_it_kw": 1.0}
    Site.objects.bulk_create(Site(code=f"s{n}", name=f"S{n}", **fields) for n in range(filters.MOST_CHOICES))
    return site


def test_few_sites_are_chosen_from_a_list(operator: Client) -> None:
    make.make_controller(make.make_site(name="Lido"))
    page = operator.get("/inventory/controllers/").content.decode()
    assert '<select name="site"' in page
    assert "Lido</option>" in page


def test_many_sites_are_typed_by_code_or_linked_by_key(operator: Client) -> None:
    site = many_sites()
    page = operator.get("/inventory/controllers/").content.decode()
    assert '<select name="site"' not in page
    assert page.count("</option>") < filters.MOST_CHOICES
    for given in ("FIRST-ONE", site.pk):
        page = operator.get("/inventory/controllers/", {"site": given}).content.decode()
        assert "its-controller" in page
        assert "another-controller" not in page


def test_an_unknown_code_is_said(operator: Client) -> None:
    many_sites()
    page = operator.get("/inventory/controllers/", {"site": "nowhere"}).content.decode()
    assert "There is no “nowhere” here" in page


def test_a_hidden_site_is_no_code() -> None:
    site = many_sites()
    client = Client()
    client.force_login(people.auditor(make.make_site()))
    page = client.get("/inventory/controllers/", {"site": site.code}).content.decode()
    assert "its-controller" not in page
