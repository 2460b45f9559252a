"""A meter with corrections: one that counts, and one that waits for a second person."""

import datetime as dt
from decimal import Decimal
from typing import Any

from django.urls import reverse

from kernel.periods import Period
from tests.makers import accounts as people
from tests.makers import hosting, thermal
from thermal.domain.estimation import Method
from thermal.models import Correction
from thermal.services import corrections, marking, settlement
from thermal.services.corrections import Edit

START = dt.datetime(2026, 10, 1, tzinfo=dt.UTC)
NOW = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
REASON = {"reason": "Read off the display."}


class CorrectedMeter:
    """Two weeks of hourly registers, an estimate that counts, and an edit that waits."""

    def __init__(self) -> None:
        thermal.make_partitions(START, months=4)
        self.placement = hosting.make_placement(valid_from=START - HOUR)
        self.meter, self.point = self.placement.meter, self.placement.delivery_point
        assert self.point is not None
        self.site = self.placement.site
        thermal.make_readings(self.meter, [(START + n * HOUR, 1000 + 8 * n) for n in range(337)])
        marking.mark_recorded(readings=[(self.meter.pk, START + n * HOUR) for n in range(337)], now=NOW)
        settlement.settle_marked(now=NOW)
        self.engineer = people.engineer()
        facts: dict[str, Any] = {"by": self.engineer, "now": NOW, "finding": None, **REASON}
        hour = Period(START + 200 * HOUR, START + 201 * HOUR)
        self.estimate = corrections.add_estimate(point=self.point, period=hour, method=Method.HISTORY, **facts)
        edits = [Edit(START + 336 * HOUR, Decimal(9000))]
        self.edit = corrections.edit_registers(meter=self.meter, edits=edits, **facts)

    def forms(self) -> dict[str, str]:
        names = ("correction_edit", "correction_divide", "correction_rescale", "correction_shift")
        found = {name: reverse(f"thermal:{name}", args=[self.meter.pk]) for name in names}
        assert self.point is not None
        return found | {"correction_estimate": reverse("thermal:correction_estimate", args=[self.point.pk])}

    def pages(self) -> list[str]:
        return [reverse("thermal:correction_list"), self.estimate.get_absolute_url(), self.edit.get_absolute_url()]

    def decide(self, name: str, correction: Correction) -> str:
        return reverse(f"thermal:correction_{name}", args=[correction.pk])
