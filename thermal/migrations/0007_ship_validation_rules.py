"""Ship the proposed thresholds of each rule, labelled as unverified defaults until somebody reads them and agrees."""

from datetime import date
from typing import Any

from django.db import migrations

FROM = date(2000, 1, 1)
UNVERIFIED = "unverified default"

# rule, thresholds, severity of a finding, severity of a grave one.
RULES: list[tuple[str, dict[str, float], int, int]] = [
    ("V01", {"gap_factor": 1.5, "long_gap_h": 24}, 1, 2),
    ("V02", {"warn_s": 180, "reject_s": 900}, 1, 2),
    ("V03", {}, 3, 3),
    ("V04", {"power_ratio": 1.1, "flow_ratio": 2.0}, 3, 3),
    ("V05", {"excess_ratio": 1.8, "step_count": 3}, 2, 3),
    ("V06", {"interval_count": 3, "flow_ratio": 0.02, "step_count": 2}, 2, 2),
    ("V07", {"margin_ratio": 0.02, "block_ratio": 0.1, "step_count": 3, "energy_step_m3c": 1}, 2, 3),
    ("V08", {"better_ratio": 0.005, "step_count": 200}, 3, 3),
    ("V09", {"difference_k": 0.5, "flow_ratio": 0.01, "minutes": 15, "energy_step_m3c": 1}, 2, 2),
    ("V10", {"info_mask": 197624}, 2, 2),
    ("V11", {"difference_k": 0.2}, 1, 1),
    ("V12", {"error_h": 0}, 2, 2),
    ("V13", {"share_ratio": 0.98, "counter_step_h": 1}, 1, 1),
    ("V14", {"least_loss_ratio": -0.03, "most_loss_ratio": 0.15, "known_ratio": 0.9}, 2, 2),
    ("V15", {"tolerated_ratio": 1.02}, 3, 3),
    ("V16", {"zero_h": 48}, 2, 2),
    ("V17", {"least_ratio": 0.5, "most_ratio": 1.6, "known_ratio": 0.9}, 2, 2),
    ("V18", {}, 3, 3),
    ("V19", {"volume_ratio": 0.2}, 1, 1),
    ("V20", {}, 2, 2),
    ("V21", {}, 2, 2),
]


def ship(apps: Any, _schema_editor: Any) -> None:
    """Add the rules."""
    rule = apps.get_model("thermal", "ValidationRule")
    rule.objects.bulk_create(
        rule(
            rule=code,
            thresholds=thresholds,
            severity=severity,
            grave_severity=grave,
            valid_from=FROM,
            source=UNVERIFIED,
        )
        for code, thresholds, severity, grave in RULES
    )


class Migration(migrations.Migration):
    dependencies = [("thermal", "0006_validation_rules_and_findings")]

    operations = [migrations.RunPython(ship, migrations.RunPython.noop)]
