"""Inventory files come in row by row, once, and go out so that they come back unchanged."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from hosting import exchange
from hosting.models import Connection, DeviceProfile, Equipment, EquipmentModel, Measurement, Site
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
    device = make.make_device(make.make_controller(site), meter=placement.meter)
    make.make_measurement(device, Measurement.Role.FLOW, connection=Connection.objects.get())
    make.make_measurement(device, Measurement.Role.FLOW, delivery_point=point)
    make.make_measurement(device, Measurement.Role.EQUIPMENT_STATE, equipment=rack)
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


POINTS = """profile,profile_version,slot,key,name,quantity,unit,address
sdm,1,0,power,Power,power_kw,W,"{""register"": 52, ""type"": ""float32""}"
sdm,1,1,energy,Energy,energy_kwh,kWh,"{""register"": 72, ""type"": ""float32""}"
"""
PROFILES = """key,version,name,protocol,options
sdm,1,SDM,modbus_tcp,"{""max_count"": 80}"
"""


def test_a_profile_comes_in_as_two_tables(admin: User) -> None:
    import_text(PROFILES, admin, table="device-profiles")
    import_text(POINTS, admin, table="profile-points")
    profile = DeviceProfile.objects.get()
    assert (profile.options, profile.created_by) == ({"max_count": 80}, admin)
    assert profile.points.get(key="energy").address == {"register": 72, "type": "float32"}


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("72", "70000", "register “70000” is not a number from 0 to 65535"),
        ("72", "65535", "is not a register from 0"),
        ("kWh", "°C", "°C is not a unit of energy_kwh"),
        ('"{""register"": 72, ""type"": ""float32""}"', "register 72", "is no JSON object"),
        ("sdm,1,1", "sdm,2,1", "“sdm / 2”"),
    ],
)
def test_a_point_that_cannot_be_read_is_refused_alone(admin: User, old: str, new: str, problem: str) -> None:
    import_text(PROFILES, admin, table="device-profiles")
    report = import_text(POINTS.replace(old, new), admin, table="profile-points", all_or_none=False)
    assert [outcome.action for outcome in report.outcomes] == ["created", "refused"]
    assert problem in report.outcomes[1].problems[0]


def test_a_version_in_use_is_refused_row_by_row(admin: User) -> None:
    import_text(PROFILES, admin, table="device-profiles")
    import_text(POINTS, admin, table="profile-points")
    make.make_device(profile=DeviceProfile.objects.get())
    for table, text in (
        ("profile-points", POINTS.replace("52", "54")),
        ("device-profiles", PROFILES.replace("80", "60")),
    ):
        report = import_text(text, admin, table=table)
        assert "This version is in use" in report.outcomes[0].problems[0]
        assert report.count("unchanged") == len(report.outcomes) - 1


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("{device},0,flow,{site},,,,,", ""),
        ("{device},9,flow,{site},,,,,", "no slot 9"),
        ("{device},0,flow,{other},,,,,", "stands at another site"),
        ("{device},0,flow,{site},,,,,{elsewhere}", "belongs to another site"),
        ("{device},0,flow,{site},NO-1,,,,", "NO-1"),
    ],
)
def test_a_meaning_stays_at_the_site_of_its_device(admin: User, row: str, problem: str) -> None:
    device, elsewhere = make.make_device(), make.make_delivery_point()
    names = {"device": device.code, "site": device.controller.site.code, "other": elsewhere.site.code}
    header = "device,slot,role,site,equipment,from,to,leg,delivery_point"
    text = f"{header}\n{row.format(**names, elsewhere=elsewhere.code)}\n"
    report = import_text(text, admin, table="measurements")
    assert report.applied is not bool(problem)
    assert problem in "".join(report.outcomes[0].problems)


def test_points_need_as_few_queries_for_many_profiles(admin: User) -> None:
    profiles = "".join(f"p{number},1,P{number},modbus_tcp\n" for number in range(40))
    import_text(f"key,version,name,protocol\n{profiles}", admin, table="device-profiles")
    header = "profile,profile_version,slot,key,name,quantity,unit,address\n"
    lines = [
        f'p{number},1,{slot},k{slot},Point,power_kw,W,"{{""register"": {slot}}}"\n'
        for number in range(40)
        for slot in range(20)
    ]
    with CaptureQueriesContext(connection) as queries:
        report = import_text(header + "".join(lines), admin, table="profile-points")
    assert report.count("created") == 800
    assert len(queries) <= 24


def test_a_device_comes_in_with_a_profile_for_what_its_controller_speaks(admin: User) -> None:
    make.make_controller(code="gateway")
    make.make_profile(key="own")
    make.make_profile(key="other", protocol="mbus_tcp", points=[])
    header = "controller,profile,profile_version,code,unit_address"
    text = f"{header}\ngateway,own,1,d-1,1\ngateway,other,1,d-2,2\n"
    report = import_text(text, admin, table="devices", all_or_none=False)
    assert [outcome.action for outcome in report.outcomes] == ["created", "refused"]
    assert "written for another protocol" in report.outcomes[1].problems[0]
