"""The filter bars of the facts behind key figures."""

from typing import Any

import django_filters
from django.utils.translation import gettext_lazy as _

from accounts import filters
from thermal.models import EmissionFactor, WeatherDay


class WeatherFilter(filters.ScopedFilterSet):
    """Days of weather between two days, and by source."""

    search_fields = ("source",)
    day_on = filters.DayRangeFilter(label=_("day"))

    class Meta:
        model = WeatherDay
        fields: Any = ("day_on",)


class EmissionFactorFilter(filters.ScopedFilterSet):
    """Emission factors by country, energy and whether somebody has checked them."""

    search_fields = ("country", "source")
    country = django_filters.CharFilter(label=_("country"), lookup_expr="iexact")
    carrier = django_filters.ChoiceFilter(label=_("energy carrier"), choices=EmissionFactor.Carrier)

    class Meta:
        model = EmissionFactor
        fields: Any = ("country", "carrier", "is_verified")
