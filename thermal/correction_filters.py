"""The filter bar of the corrections."""

from typing import Any

import django_filters
from django.utils.translation import gettext_lazy as _

from accounts import filters
from hosting.models import DeliveryPoint, Meter, Site
from thermal.models import Correction


class CorrectionFilter(filters.ScopedFilterSet):
    """Corrections by state, kind, site, meter and delivery point."""

    search_fields = ("meter__serial", "delivery_point__name", "site__name", "reason", "note")
    site = django_filters.ModelChoiceFilter(label=_("site"), queryset=Site.objects.all())
    meter = django_filters.ModelChoiceFilter(label=_("meter"), queryset=Meter.objects.all())
    delivery_point = django_filters.ModelChoiceFilter(label=_("delivery point"), queryset=DeliveryPoint.objects.all())

    class Meta:
        model = Correction
        fields: Any = ("state", "kind", "site", "meter", "delivery_point")
