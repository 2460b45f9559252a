"""The app's entry in Django's registry."""

from django.apps import AppConfig


class PortalConfig(AppConfig):
    """Home pages that join the four apps."""

    name = "portal"
