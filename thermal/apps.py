"""The app's entry in Django's registry."""

from django.apps import AppConfig


class ThermalConfig(AppConfig):
    """Protocols, polling, recorded values, the heat ledger, KPIs and alarms."""

    name = "thermal"

    def ready(self) -> None:
        """Listen to the inventory."""
        from thermal import receivers  # noqa: F401, PLC0415 - connects the receivers
