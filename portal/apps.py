"""The app's entry in Django's registry."""

from django.apps import AppConfig
from django.contrib.staticfiles.apps import StaticFilesConfig


class PortalConfig(AppConfig):
    """Home pages that join the four apps."""

    name = "portal"


class StaticFiles(StaticFilesConfig):
    """Static files without the second API browser that drf-spectacular-sidecar carries (18 MB)."""

    ignore_patterns = [*StaticFilesConfig.ignore_patterns, "redoc"]
