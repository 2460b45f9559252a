"""The app's entry in Django's registry."""

from django.apps import AppConfig


class ContractsConfig(AppConfig):
    """Offtakers, contracts, prices, service levels and invoices."""

    name = "contracts"
