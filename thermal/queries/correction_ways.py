"""Which ways to correct a finding there are, the fitting one first."""

from typing import Any, Final

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from hosting.models import MeterPlacement
from thermal.models import ValidationFinding

_EDIT: Final = ("correction_edit", _("Edit"))
_BY_KIND: Final = {
    ("V01", "gap"): ("correction_divide", _("Divide the difference")),
    ("V02", "clock_jump"): ("correction_shift", _("Correct the clock")),
    ("V03", "unit_change"): ("correction_rescale", _("Change the unit")),
}


def has_fitting_way(finding: ValidationFinding) -> bool:
    """Whether the first of the ways is made for this kind of finding."""
    return finding.meter_id is not None and (finding.rule, finding.kind) in _BY_KIND


def ways_of(finding: ValidationFinding) -> list[tuple[str, Any]]:
    """The addresses and labels of the ways to correct the finding."""
    query = f"?finding={finding.pk}"
    found: list[tuple[str, Any]] = []
    if finding.meter_id is not None:
        fitting = _BY_KIND.get((finding.rule, finding.kind))
        names = [fitting, _EDIT] if fitting else [_EDIT]
        found = [(reverse(f"thermal:{name}", args=[finding.meter_id]) + query, label) for name, label in names]
    point_id = _point_of(finding)
    if point_id is not None:
        found.append((reverse("thermal:correction_estimate", args=[point_id]) + query, _("Estimate")))
    return found


def _point_of(finding: ValidationFinding) -> int | None:
    """The delivery point whose heat is in doubt: the finding's own, or where its meter stood."""
    if finding.delivery_point_id is not None or finding.meter_id is None:
        return finding.delivery_point_id
    rows = MeterPlacement.objects.filter(meter=finding.meter_id, delivery_point__isnull=False)
    rows = rows.filter(valid_from__lte=finding.ends_at).order_by("-valid_from")
    return rows.values_list("delivery_point_id", flat=True).first()
