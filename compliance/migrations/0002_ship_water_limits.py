"""Ship the limits of common practice, each labelled as an unverified default until somebody reads its source."""

from datetime import date
from decimal import Decimal

from typing import Any

from django.db import migrations

FROM = date(2000, 1, 1)
UNVERIFIED = "unverified default"
VDI = f"VDI 2035, {UNVERIFIED}"
BSRIA = f"BSRIA BG50/BG29, indicative, {UNVERIFIED}"
MAKER = f"manuals of heat pump and boiler makers, {UNVERIFIED}"
BRAZED = f"data sheet of a brazed copper plate exchanger, {UNVERIFIED}"
GLYCOL = f"common practice with glycol, {UNVERIFIED}"
BIMSCHV = f"42. BImSchV Annex 1, evaporative coolers, action value, {UNVERIFIED}"
HSG_1 = f"HSG274 part 1, {UNVERIFIED}"
HSG_2 = f"HSG274 part 2, {UNVERIFIED}"

# jurisdiction, treatment, parameter, lowest, highest, source; in the unit of the parameter.
LIMITS = [
    ("", "low_salt", "conductivity_us_cm", None, "100", MAKER),
    ("", "low_salt", "oxygen_mg_l", None, "0.1", VDI),
    ("", "low_salt", "acidity_ph", "8.2", "10.0", VDI),
    ("", "low_salt", "solids_mg_l", None, "30", MAKER),
    ("", "low_salt", "iron_mg_l", None, "3", BSRIA),
    ("", "low_salt", "copper_mg_l", None, "1", BSRIA),
    ("", "low_salt", "germs_22c_cfu_ml", None, "100000", BSRIA),
    ("", "low_salt", "pseudomonas_cfu_ml", None, "10000", BSRIA),
    ("", "saline", "conductivity_us_cm", "100", "1500", MAKER),
    ("", "saline", "oxygen_mg_l", None, "0.02", VDI),
    ("", "saline", "acidity_ph", "8.2", "10.0", VDI),
    ("", "saline", "solids_mg_l", None, "30", MAKER),
    ("", "saline", "iron_mg_l", None, "3", BSRIA),
    ("", "saline", "copper_mg_l", None, "1", BSRIA),
    ("", "saline", "germs_22c_cfu_ml", None, "100000", BSRIA),
    ("", "saline", "pseudomonas_cfu_ml", None, "10000", BSRIA),
    ("", "aluminium", "conductivity_us_cm", None, "100", MAKER),
    ("", "aluminium", "oxygen_mg_l", None, "0.1", VDI),
    ("", "aluminium", "acidity_ph", "8.2", "9.0", VDI),
    ("", "aluminium", "solids_mg_l", None, "30", MAKER),
    ("", "glycol", "glycol_ratio", "0.25", None, GLYCOL),
    ("", "glycol", "acidity_ph", "7.5", "9.5", GLYCOL),
    ("", "brazed", "acidity_ph", "7.5", "8.5", BRAZED),
    ("", "brazed", "conductivity_us_cm", None, "500", BRAZED),
    ("", "brazed", "chloride_mg_l", None, "100", BRAZED),
    ("", "brazed", "sulphate_mg_l", None, "100", BRAZED),
    ("", "brazed", "nitrate_mg_l", None, "100", BRAZED),
    ("", "brazed", "ammonia_mg_l", None, "2", BRAZED),
    ("", "brazed", "iron_mg_l", None, "0.2", BRAZED),
    ("", "brazed", "aluminium_mg_l", None, "0.2", BRAZED),
    ("", "brazed", "manganese_mg_l", None, "0.1", BRAZED),
    # 10 000 CFU per 100 ml.
    ("DE", "evaporative", "legionella_cfu_l", None, "100000", BIMSCHV),
    ("GB", "evaporative", "legionella_cfu_l", None, "1000", HSG_1),
    ("GB", "evaporative", "germs_22c_cfu_ml", None, "100000", HSG_1),
    ("GB", "hot_water", "legionella_cfu_l", None, "1000", HSG_2),
]


def ship(apps: Any, _schema_editor: Any) -> None:
    """Add the limits."""
    limit = apps.get_model("compliance", "WaterLimit")
    limit.objects.bulk_create(
        limit(
            jurisdiction=jurisdiction,
            treatment=treatment,
            parameter=parameter,
            lowest_value=None if lowest is None else Decimal(lowest),
            highest_value=None if highest is None else Decimal(highest),
            valid_from=FROM,
            source=source,
        )
        for jurisdiction, treatment, parameter, lowest, highest, source in LIMITS
    )


class Migration(migrations.Migration):
    dependencies = [("compliance", "0001_initial")]

    operations = [migrations.RunPython(ship, migrations.RunPython.noop)]
