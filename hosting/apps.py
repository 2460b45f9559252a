"""The app's entry in Django's registry."""

from django.apps import AppConfig


class HostingConfig(AppConfig):
    """Sites, equipment and how it is piped, meters, delivery points, controllers and outages."""

    name = "hosting"

    def ready(self) -> None:
        """Listen to the inventory's news."""
        from hosting import checks, receivers  # noqa: F401, PLC0415 -- models must be loaded first
