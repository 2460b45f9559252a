"""The app's entry in Django's registry."""

from django.apps import AppConfig


class ComplianceConfig(AppConfig):
    """Maintenance, water treatment, permits, incidents and audit packs."""

    name = "compliance"

    def ready(self) -> None:
        """Listen to the alarms."""
        from compliance import receivers  # noqa: F401, PLC0415
