"""Inventory files come in row by row, once, and go out so that they come back unchanged."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from hosting import exchange
from hosting.models import Equipment, EquipmentModel, Site
from hosting.queries import exports
from hosting.services import csv_import
from kernel import csvfiles
from tests.makers import hosting as make

pytestmark = pytest.mark.django_db

SITES = """code,name,time_zone,country,installed_it_kw,lifecycle
pool,Pool,Europe/Berlin,DE,120.5,live
glass,Glasshouse,Europe/Amsterdam,NL,60,building
"""


@pytest.fixture
def admin() -> User:
    return User.objects.create_superuser("admin@example.com", "irrelevant")


def import_text(
    text: str, by: User, *, table: str = "sites", apply: bool = True, all_or_none: bool = True
) -> csv_import.Report:
    return csv_import.import_table(
        table=exchange.TABLES[table], content=text.encode(), by=by, apply=apply, all_or_none=all_or_none
    )


def exported(table: str, user: User) -> bytes:
    return b"".join(exports.export_lines(table=exchange.TABLES[table], user=user))


def test_new_rows_are_created_with_their_values(admin: User) -> None:
    report = import_text(SITES, admin)
    assert (report.applied, report.count("created")) == (True, 2)
    site = Site.objects.get(code="pool")
    assert (site.name, site.installed_it_kw, site.lifecycle) == ("Pool", 120.5, "live")


def test_a_dry_run_stores_nothing_and_says_what_would_happen(admin: User) -> None:
    report = import_text(SITES, admin, apply=False)
    assert (report.applied, report.count("created"), Site.objects.count()) == (False, 2, 0)


def test_importing_twice_changes_nothing(admin: User) -> None:
    import_text(SITES, admin)
    report = import_text(SITES, admin)
    assert report.count("unchanged") == 2


def test_a_changed_cell_changes_only_its_row_and_names_the_column(admin: User) -> None:
    import_text(SITES, admin)
    report = import_text(SITES.replace("120.5", "130"), admin)
    assert [(o.action, o.changed) for o in report.outcomes] == [("changed", ("installed_it_kw",)), ("unchanged", ())]
    assert Site.objects.get(code="pool").installed_it_kw == 130


@pytest.mark.parametrize(
    ("cell", "instead", "problem"),
    [
        ("120.5", "many", "“installed_it_kw”: “many” is not a number"),
        ("Europe/Berlin", "Europe/Bremen", "“time_zone”"),
        ("live", "alive", "“lifecycle”"),
        ("120.5", "-3", "“installed_it_kw”"),
        ("DE", "d1", "site country two letters"),
        ("glass", "pool", "same key stands already in line 2"),
    ],
)
def test_a_wrong_cell_is_refused_with_its_line_and_column(admin: User, cell: str, instead: str, problem: str) -> None:
    report = import_text(SITES.replace(cell, instead), admin)
    (refused,) = [outcome for outcome in report.outcomes if outcome.action == "refused"]
    assert problem in refused.problems[0]
    assert (report.applied, Site.objects.count()) == (False, 0)


def test_sound_rows_are_stored_beside_refused_ones_if_wanted(admin: User) -> None:
    report = import_text(SITES.replace("DE", "d1"), admin, all_or_none=False)
    assert (report.applied, report.count("created"), report.count("refused")) == (True, 1, 1)
    assert [site.code for site in Site.objects.all()] == ["glass"]


def test_an_unknown_column_is_refused_by_name(admin: User) -> None:
    with pytest.raises(csv_import.UnknownColumn, match="colour"):
        import_text("code,colour\npool,red\n", admin)


def test_a_missing_key_column_is_refused_by_name(admin: User) -> None:
    with pytest.raises(csvfiles.ColumnIsMissing, match="code"):
        import_text("name\nPool\n", admin)


def test_decimal_commas_are_read_where_semicolons_separate(admin: User) -> None:
    import_text(SITES.replace(",", ";").replace("120.5", "120,5"), admin)
    assert Site.objects.get(code="pool").installed_it_kw == 120.5


def test_parts_find_their_parent_in_the_same_file(admin: User) -> None:
    make.make_site(code="pool")
    EquipmentModel.objects.create(manufacturer="Acme", name="Rack", kind="rack")
    rows = ["pool,R-1,,Acme,Rack", "pool,R-1.1,R-1,Acme,Rack", "pool,R-1.1.1,R-1.1,Acme,Rack"]
    text = "\n".join(["site,tag,part_of,manufacturer,model", *rows])
    report = import_text(text, admin, table="equipment")
    assert [outcome.problems for outcome in report.outcomes] == [(), (), ()]
    assert Equipment.objects.get(tag="R-1.1.1").parent == Equipment.objects.get(tag="R-1.1")


def test_a_reference_to_nothing_is_refused_by_its_name(admin: User) -> None:
    make.make_site(code="pool")
    report = import_text("site,tag,manufacturer,model\npool,R-1,Acme,Rack\n", admin, table="equipment")
    assert "Acme / Rack" in report.outcomes[0].problems[0]


@pytest.mark.parametrize("table", list(exchange.TABLES))
def test_an_export_imported_again_changes_nothing(admin: User, table: str) -> None:
    site = make.make_site(notes="=1+1", address="Line 1\nLine 2")
    rack = make.make_equipment(site)
    cooler = make.make_equipment(site, EquipmentModel.Kind.DRY_COOLER, parent=rack)
    make.make_connection(rack, cooler)
    point = make.make_delivery_point(site, equipment=cooler)
    placement = make.make_placement(delivery_point=point)
    make.make_device(make.make_controller(site), meter=placement.meter)
    make.make_outage(site, delivery_point=point)
    content = exported(table, admin)
    report = csv_import.import_table(table=exchange.TABLES[table], content=content, by=admin, apply=True)
    assert report.outcomes
    assert {outcome.action for outcome in report.outcomes} == {"unchanged"}, report.outcomes
    assert exported(table, admin) == content


def test_an_import_needs_few_queries(admin: User) -> None:
    lines = [f"s{number},Site {number},Europe/Berlin,DE,{number}" for number in range(1000)]
    text = "\n".join(["code,name,time_zone,country,installed_it_kw", *lines])
    with CaptureQueriesContext(
        connection,
    ) as queries:
        report = import_text(text, admin)
    assert report.count("created") == 1000
    assert len(queries) <= 20


def test_a_stranger_neither_sees_nor_overwrites_a_site(admin: User) -> None:
    import_text(SITES, admin)
    stranger = User.objects.create_user("stranger@example.com", "irrelevant")
    report = import_text(SITES.replace("Pool", "Mine"), stranger)
    assert report.count("refused") == 2
    assert Site.objects.get(code="pool").name == "Pool"
    assert exported("sites", stranger).count(b"\n") == 1
