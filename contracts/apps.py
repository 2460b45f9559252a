"""The app's entry in Django's registry."""

from django.apps import AppConfig


class ContractsConfig(AppConfig):
    """Offtakers, contracts, prices, service levels and invoices."""

    name = "contracts"

    def ready(self) -> None:
        """Connect what contracts answer to the floors below."""
        from contracts import receivers  # noqa: F401, PLC0415 - connects the receivers
