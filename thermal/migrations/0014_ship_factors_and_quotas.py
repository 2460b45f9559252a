"""Ship published emission factors and the quotas of the German law; those not read in the source say so."""

from datetime import date
from typing import Any

from django.db import migrations

DEFRA = "UK Government GHG conversion factors for company reporting"
UNVERIFIED = "unverified default"
EU = "default of the EU emissions trading rules (net calorific value), unverified"
ENEFG = "Energieeffizienzgesetz (EnEfG), section 11"

# country, energy, calorific value, g CO2e per kWh, year or None for all years, source, checked.
# Electricity in the United Kingdom is generation with transmission and distribution.
FACTORS: list[tuple[str, str, str, float, int | None, str, bool]] = [
    ("GB", "natural_gas", "gross", 182.93, 2023, DEFRA + ", " + UNVERIFIED, False),
    ("GB", "natural_gas", "gross", 182.90, 2024, DEFRA + ", " + UNVERIFIED, False),
    ("GB", "natural_gas", "gross", 182.96, 2025, DEFRA + " 2025", True),
    ("GB", "heating_oil", "gross", 246.77, 2023, DEFRA + ", " + UNVERIFIED, False),
    ("GB", "heating_oil", "gross", 246.77, 2024, DEFRA + ", " + UNVERIFIED, False),
    ("GB", "lpg", "gross", 214.5, 2024, DEFRA + ", " + UNVERIFIED, False),
    ("GB", "grid", "", 224.97, 2023, DEFRA + ", " + UNVERIFIED, False),
    ("GB", "grid", "", 225.35, 2024, DEFRA + ", losses " + UNVERIFIED, False),
    ("GB", "grid", "", 195.53, 2025, DEFRA + " 2025", True),
    ("EU", "natural_gas", "net", 201.96, None, EU, False),
    ("EU", "heating_oil", "net", 266.76, None, EU, False),
    ("EU", "lpg", "net", 227.16, None, EU, False),
    ("EU", "grid", "", 264.0, 2021, "European Environment Agency, 2021", True),
    ("EU", "grid", "", 210.0, 2023, "European Environment Agency, 2023, " + UNVERIFIED, False),
    ("DE", "grid", "", 384.0, 2021, "European Environment Agency, 2021", True),
    ("DE", "grid", "", 363.0, 2024, "Umweltbundesamt, 2024, " + UNVERIFIED, False),
    ("PL", "grid", "", 748.0, 2021, "European Environment Agency, 2021", True),
    ("FR", "grid", "", 60.0, 2021, "European Environment Agency, 2021", True),
    ("SE", "grid", "", 34.0, 2021, "European Environment Agency, 2021", True),
]
NEW = date(2026, 7, 1)
# figure, limit, upper, from, until, began from, began before, years of grace
QUOTAS: list[tuple[str, float, bool, date, date | None, date | None, date | None, int]] = [
    ("pue", 1.5, True, date(2027, 7, 1), date(2030, 7, 1), None, NEW, 0),
    ("pue", 1.3, True, date(2030, 7, 1), None, None, NEW, 0),
    ("pue", 1.2, True, NEW, None, NEW, None, 2),
    ("erf", 0.10, False, NEW, None, NEW, date(2027, 7, 1), 2),
    ("erf", 0.15, False, date(2027, 7, 1), None, date(2027, 7, 1), date(2028, 7, 1), 2),
    ("erf", 0.20, False, date(2028, 7, 1), None, date(2028, 7, 1), None, 2),
    ("ref", 0.50, False, date(2024, 1, 1), date(2027, 1, 1), None, None, 0),
    ("ref", 1.00, False, date(2027, 1, 1), None, None, None, 0),
]


def ship(apps: Any, _schema_editor: Any) -> None:
    """Add the factors and quotas."""
    factor, quota = apps.get_model("thermal", "EmissionFactor"), apps.get_model("thermal", "LegalQuota")
    factor.objects.bulk_create(
        factor(
            country=country,
            carrier=carrier,
            calorific=calorific,
            emission_g_per_kwh=grams,
            valid_from=date(year or 2000, 1, 1),
            valid_until=date(year + 1, 1, 1) if year else None,
            source=source,
            is_verified=checked,
        )
        for country, carrier, calorific, grams, year, source, checked in FACTORS
    )
    quota.objects.bulk_create(
        quota(
            country="DE",
            law="EnEfG § 11",
            figure=figure,
            limit_ratio=limit,
            is_upper=is_upper,
            least_kw=300.0,
            valid_from=valid_from,
            valid_until=valid_until,
            began_from=began_from,
            began_before=began_before,
            grace_years=grace,
            source=ENEFG,
            is_verified=True,
        )
        for figure, limit, is_upper, valid_from, valid_until, began_from, began_before, grace in QUOTAS
    )


class Migration(migrations.Migration):
    dependencies = [("thermal", "0013_kpi_ledger_facts_and_factors")]

    operations = [migrations.RunPython(ship, migrations.RunPython.noop)]
