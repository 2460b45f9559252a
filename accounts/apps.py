"""The app's entry in Django's registry."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Users, roles, what each may see, and the change history."""

    name = "accounts"
