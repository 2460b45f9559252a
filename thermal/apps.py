"""The app's entry in Django's registry."""

from django.apps import AppConfig


class ThermalConfig(AppConfig):
    """Protocols, polling, recorded values, the heat ledger, KPIs and alarms."""

    name = "thermal"

    def ready(self) -> None:
        """Listen to the inventory, and have the words of devices found again where they were stored."""
        from accounts import refusals  # noqa: PLC0415 - needs the registry
        from thermal import receivers  # noqa: F401, PLC0415 - connects the receivers
        from thermal.queries import problem_texts  # noqa: PLC0415

        refusals.know(problem_texts.PROBLEMS)
