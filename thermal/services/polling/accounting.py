"""The accounts of polling: for each device and UTC day, how often it was asked and what it told."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.db import connection, transaction

from thermal.models import DeviceDay
from thermal.services import partitions
from thermal.services.polling import literals


@dataclass(slots=True, kw_only=True)
class PollCount:
    """What is counted of one device on one UTC day; of one poll, or of several added up."""

    device_id: int
    polled_on: dt.date
    poll_count: int = 1
    answered_count: int = 0
    failed_count: int = 0
    unreached_count: int = 0
    late_count: int = 0
    expected_value_count: int = 0
    told_value_count: int = 0
    missing_value_count: int = 0
    frame_count: int = 0
    request_count: int = 0
    latency_sum_ms: int = 0
    latency_max_ms: int = 0

    def take_up_values(self, earlier: PollCount) -> None:
        """Add the values that the same poll told of an earlier instant."""
        self.expected_value_count += earlier.expected_value_count
        self.told_value_count += earlier.told_value_count
        self.missing_value_count += earlier.missing_value_count
        if earlier.answered_count:
            self.answered_count, self.failed_count, self.unreached_count = 1, 0, 0


COLUMNS: Final = tuple(field.name for field in dataclasses.fields(PollCount))
KEYS: Final = ("device_id", "polled_on")
LONGEST: Final = "latency_max_ms"
SUMS: Final = tuple(name for name in COLUMNS if name not in (*KEYS, LONGEST))

_ADD = f"""
INSERT INTO thermal_deviceday ({", ".join(COLUMNS)})
SELECT device_id, polled_on, {", ".join(f"sum({name})" for name in SUMS)}, max({LONGEST})
FROM unnest(%(device_id)s::bigint[], %(polled_on)s::date[],
            {", ".join(f"%({name})s::bigint[]" for name in COLUMNS[2:])}) counted ({", ".join(COLUMNS)})
GROUP BY device_id, polled_on
ORDER BY device_id, polled_on
ON CONFLICT (device_id, polled_on) DO UPDATE SET
{", ".join(f"{name} = thermal_deviceday.{name} + excluded.{name}" for name in SUMS)},
{LONGEST} = greatest(thermal_deviceday.{LONGEST}, excluded.{LONGEST})
"""  # noqa: S608 -- names of our own fields


@transaction.atomic
def add_polls(*, counts: Sequence[PollCount]) -> None:
    """Add polls to the days of their devices, in the order of the devices, so that no two writers wait in a circle.

    Call it in the transaction that stores what the polls told: then the accounts balance whatever dies.
    """
    if not counts:
        return
    columns = {name: literals.plain(getattr(count, name) for count in counts) for name in COLUMNS}
    with connection.cursor() as cursor:
        cursor.execute(_ADD, columns)


@transaction.atomic
def drop_expired(*, now: dt.datetime) -> int:
    """Return how many days of devices were deleted; they are kept as long as the frames that they count."""
    kept_months = settings.THERMAL_KEEP_FRAMES_MONTHS
    if not kept_months:
        return 0
    oldest_on = partitions.months_back(partitions.first_of_month(now), kept_months)
    count, _by_model = DeviceDay.objects.filter(polled_on__lt=oldest_on).delete()
    return count
