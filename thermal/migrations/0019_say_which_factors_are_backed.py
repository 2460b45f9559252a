"""Say which shipped emission factors a source backs, and ship those that were missing.

Three published pages disagree on natural gas in the United Kingdom in 2025, so nobody has checked it until somebody loads
the official file. The factors of grids of 2021 were read in a publication of the French ministry. What people have changed
meanwhile is left alone.
"""

from datetime import date
from typing import Any

from django.db import migrations

DEFRA = "UK Government GHG conversion factors for company reporting"
GAS_2025 = DEFRA + " 2025"
GAS_2025_IS = DEFRA + " 2025, published pages disagree, unverified default"
GRID_2021 = "European Environment Agency, 2021"
GRID_2021_IS = "SDES, Chiffres clés du climat 2023: emissions of electricity, 2021"
MISSING = [
    ("heating_oil", 246.8, 2025),
    ("lpg", 214.49, 2023),
    ("lpg", 214.5, 2025),
]


def say(apps: Any, _schema_editor: Any) -> None:
    """Correct the flag and the sources of untouched rows, and add what is missing."""
    factors = apps.get_model("thermal", "EmissionFactor").objects
    gas = factors.filter(country="GB", carrier="natural_gas", emission_g_per_kwh=182.96, source=GAS_2025)
    gas.update(is_verified=False, source=GAS_2025_IS)
    factors.filter(carrier="grid", valid_from=date(2021, 1, 1), source=GRID_2021).update(source=GRID_2021_IS)
    for carrier, grams, year in MISSING:
        first, until = date(year, 1, 1), date(year + 1, 1, 1)
        of_fuel = factors.filter(country="GB", carrier=carrier, valid_from__lt=until)
        if of_fuel.exclude(valid_until__lte=first).exists():
            continue
        factors.create(
            country="GB", carrier=carrier, calorific="gross", emission_g_per_kwh=grams, valid_from=first,
            valid_until=until, source=DEFRA + ", unverified default", is_verified=False,
        )  # fmt: skip


class Migration(migrations.Migration):
    dependencies = [("thermal", "0018_demand_that_follows_the_weather")]

    operations = [migrations.RunPython(say, migrations.RunPython.noop)]
