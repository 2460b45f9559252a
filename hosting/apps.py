"""The app's entry in Django's registry."""

from django.apps import AppConfig


class HostingConfig(AppConfig):
    """Sites, equipment and how it is piped, meters, delivery points, controllers and outages."""

    name = "hosting"
