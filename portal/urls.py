"""Every route of the portal."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from portal import health

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", health.healthz, name="healthz"),
    path("healthz/workers", health.workers_healthz, name="healthz_workers"),
    path("status/", health.status, name="status"),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    path("", include("hosting.urls")),
]
