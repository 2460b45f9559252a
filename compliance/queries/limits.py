"""Which water limits hold."""

from datetime import date

from django.db.models import Q

from compliance.models import WaterLimit


def holding(*, treatment: str, country: str, on: date) -> dict[str, WaterLimit]:
    """The limit of each parameter on that day; a country's own stands before the general one."""
    valid = WaterLimit.objects.filter(treatment=treatment, jurisdiction__in=["", country], valid_from__lte=on)
    valid = valid.filter(Q(valid_until__isnull=True) | Q(valid_until__gt=on))
    # The empty jurisdiction sorts first, so that the country's own limit overwrites it.
    return {limit.parameter: limit for limit in valid.order_by("jurisdiction")}
