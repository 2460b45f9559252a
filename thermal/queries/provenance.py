"""What a ledger row was made from."""

from thermal.models import HeatInterval, MeterReading


def readings_behind(interval: HeatInterval) -> list[MeterReading]:
    """The readings of the row's meter from the one before the quarter hour to the one after, latest versions only."""
    if interval.meter_id is None or interval.first_reading_at is None:
        return []
    rows = (
        MeterReading.objects.filter(
            meter=interval.meter_id, at__gte=interval.first_reading_at, at__lte=interval.last_reading_at
        )
        .select_related("meter")
        .order_by("at", "-version")
        .distinct("at")
    )
    return list(rows)
