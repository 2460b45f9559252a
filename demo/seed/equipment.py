"""The equipment of a demo site and the pipes between it."""

from __future__ import annotations

import datetime as dt
from typing import Final

from demo.seed.places import Place
from hosting.models import Connection, Equipment, EquipmentModel, Site

Kind = EquipmentModel.Kind

_MODELS: Final[dict[Kind, tuple[str, str]]] = {
    Kind.RACK: ("Corvid", "DLC-42"),
    Kind.CDU: ("Corvid", "CDU-{kw:.0f}"),
    Kind.PLATE_EXCHANGER: ("Nordplate", "NP-{kw:.0f}"),
    Kind.BUFFER_TANK: ("Tanneck", "PS-{liters:.0f}"),
    Kind.HEAT_PUMP: ("Varmio", "WP-65"),
    Kind.PUMP: ("Pumpwerk", "Duo 40-120"),
    Kind.VALVE: ("Pumpwerk", "MV3-50"),
    Kind.DRY_COOLER: ("Frostheim", "DC-{cooler:.0f}"),
    Kind.EXPANSION_VESSEL: ("Tanneck", "EV-200"),
    Kind.LEAK_SENSOR: ("Corvid", "LS-1"),
    Kind.UPS: ("Voltara", "UPS-{it:.0f}"),
    Kind.HEAT_SINK: ("on site", "{sink}"),
}


def build_equipment(site: Site, place: Place) -> dict[str, Equipment]:
    """The site's equipment by tag, with its pipes."""
    found = {tag: _equipment(site, place, tag, kind) for tag, kind in _tags(place)}
    for tag, parent in (("P-1", "CDU-1"), ("LS-1", "CDU-1"), ("EV-1", "BT-1")):
        Equipment.objects.filter(pk=found[tag].pk).update(parent=found[parent])
    _pipe(place, found)
    return found


def _tags(place: Place) -> list[tuple[str, Kind]]:
    tags = [(f"R-{number:02d}", Kind.RACK) for number in range(1, place.racks + 1)]
    tags += [
        ("UPS-1", Kind.UPS),
        ("CDU-1", Kind.CDU),
        ("P-1", Kind.PUMP),
        ("LS-1", Kind.LEAK_SENSOR),
        ("HX-1", Kind.PLATE_EXCHANGER),
        ("BT-1", Kind.BUFFER_TANK),
        ("EV-1", Kind.EXPANSION_VESSEL),
        ("P-2", Kind.PUMP),
        ("DC-1", Kind.DRY_COOLER),
        ("HS-1", Kind.HEAT_SINK),
    ]
    if place.installation.plant.heat_pump:
        tags.append(("HP-1", Kind.HEAT_PUMP))
    else:
        tags.append(("V-1", Kind.VALVE))
    return tags


def _model(place: Place, kind: Kind) -> EquipmentModel:
    plant = place.installation.plant
    manufacturer, name = _MODELS[kind]
    rated_kw = {
        Kind.RACK: plant.it_kw / place.racks,
        Kind.CDU: plant.capture_kw,
        Kind.PLATE_EXCHANGER: plant.capture_kw,
        Kind.HEAT_PUMP: plant.heat_pump.heat_kw if plant.heat_pump else None,
        Kind.DRY_COOLER: plant.dry_cooler.nominal_kw,
        Kind.HEAT_SINK: plant.contract_kw,
        Kind.UPS: plant.it_kw,
    }.get(kind)
    model, _ = EquipmentModel.objects.get_or_create(
        manufacturer=manufacturer,
        name=name.format(
            kw=plant.capture_kw,
            liters=plant.buffer_m3 * 1_000,
            cooler=plant.dry_cooler.nominal_kw,
            it=plant.it_kw,
            sink=place.sink_name,
        ),
        defaults={
            "kind": kind,
            "rated_kw": rated_kw,
            "volume_l": plant.buffer_m3 * 1_000 if kind is Kind.BUFFER_TANK else None,
            "max_bar": 6.0 if kind in {Kind.BUFFER_TANK, Kind.EXPANSION_VESSEL} else None,
        },
    )
    return model


def _equipment(site: Site, place: Place, tag: str, kind: Kind) -> Equipment:
    theirs = kind is Kind.HEAT_SINK
    owner = Equipment.Owner.OFFTAKER if theirs else Equipment.Owner.PROVIDER
    equipment, _ = Equipment.objects.get_or_create(
        site=site,
        tag=tag,
        defaults={
            "model": _model(place, kind),
            "serial": f"{place.code[:3]}{tag.replace('-', '')}{len(tag):02d}",
            "owner": owner,
            "maintainer": owner,
            "installed_on": dt.date.fromisoformat(place.live_since) - dt.timedelta(days=30),
        },
    )
    return equipment


def _pipe(place: Place, found: dict[str, Equipment]) -> None:
    """Supply pipes carry the heat towards the offtaker or the cooler; return pipes bring the water back."""
    lift = "HP-1" if "HP-1" in found else "V-1"
    primary = place.primary_fluid
    racks = [tag for tag in found if tag.startswith("R-")]
    legs = [(rack, "CDU-1", primary) for rack in racks]
    legs += [("CDU-1", "HX-1", primary), ("CDU-1", "DC-1", primary)]
    legs += [("HX-1", "BT-1", "water"), ("BT-1", lift, "water"), (lift, "P-2", "water"), ("P-2", "HS-1", "water")]
    backs = [("HS-1", lift, "water"), (lift, "BT-1", "water"), ("BT-1", "HX-1", "water")]
    backs += [("HX-1", "CDU-1", primary), ("DC-1", "CDU-1", primary)]
    backs += [("CDU-1", rack, primary) for rack in racks]
    for leg, pipes in ((Connection.Leg.SUPPLY, legs), (Connection.Leg.RETURN, backs)):
        for source, target, fluid in pipes:
            Connection.objects.get_or_create(
                source=found[source], target=found[target], leg=leg, defaults={"fluid": fluid, "nominal_mm": 50}
            )
