"""The app's entry in Django's registry."""

from django.apps import AppConfig


class ContractsConfig(AppConfig):
    """Offtakers, contracts, prices, service levels and invoices."""

    name = "contracts"

    def ready(self) -> None:
        """Listen to the floors below, and answer what they ask."""
        from contracts import receivers  # noqa: F401, PLC0415 - connects the receivers
