"""The tables of the facts behind key figures: days of weather, emission factors."""

from typing import Any

import django_tables2
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from accounts import tables
from accounts.templatetags import components
from thermal.models import EmissionFactor, WeatherDay
from thermal.queries import weather


class WeatherTable(tables.PortalTable):
    """Days of weather with their degree days."""

    day_on = tables.DayColumn(attrs={"td": {"class": "row-name"}})
    mean_c = tables.QuantityColumn(unit="°C", digits=1)
    heating_kd = tables.QuantityColumn(unit="K·d", digits=1, empty_values=(), orderable=False)
    cooling_kd = tables.QuantityColumn(
        unit="K·d", digits=1, empty_values=(), orderable=False, verbose_name=_("cooling degree days, base 21 °C")
    )
    source = django_tables2.Column()

    class Meta(tables.PortalTable.Meta):
        model = WeatherDay
        fields: Any = ("day_on", "mean_c", "heating_kd", "cooling_kd", "source")

    def __init__(self, *args: Any, bases: weather.Bases | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.bases = bases

    def render_heating_kd(self, record: WeatherDay) -> str:
        """The degree days that count, and whether they were stated or computed."""
        shown = components.quantity(weather.heating_kd(record, self.bases) if self.bases else None, "K·d", 1)
        word = _("computed") if record.heating_kd is None else _("stated")
        return format_html('{} <span class="text-secondary">{}</span>', shown, word)

    def render_cooling_kd(self, record: WeatherDay) -> str:
        """The cooling degree days."""
        return components.quantity(weather.cooling_kd(record), "K·d", 1)


class EmissionFactorTable(tables.PortalTable):
    """Emission factors with where they come from, and whether somebody has checked that."""

    country = tables.NameColumn()
    carrier = django_tables2.Column(verbose_name=_("energy carrier"))
    emission_g_per_kwh = tables.QuantityColumn(unit="g/kWh", digits=2)
    valid_from = tables.DayColumn()
    valid_until = tables.DayColumn()
    is_verified = tables.YesNoColumn()

    class Meta(tables.PortalTable.Meta):
        model = EmissionFactor
        fields: Any = (
            "country", "carrier", "calorific", "emission_g_per_kwh", "valid_from", "valid_until", "is_verified",
            "source",
        )  # fmt: skip
