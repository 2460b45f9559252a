"""The app's entry in Django's registry."""

from django.apps import AppConfig


class DemoConfig(AppConfig):
    """A simulated plant on loopback and the data of a small provider."""

    name = "demo"
