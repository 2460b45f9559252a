"""Every route of the portal."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from hosting import api as hosting_api
from portal import health

api: list[URLPattern | URLResolver] = [
    *hosting_api.router.urls,
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("docs/", SpectacularSwaggerSplitView.as_view(url_name="api:schema"), name="docs"),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", health.healthz, name="healthz"),
    path("healthz/workers", health.workers_healthz, name="healthz_workers"),
    path("status/", health.status, name="status"),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    path("api/v1/", include((api, "api"))),
    path("", include("accounts.urls")),
    path("", include("hosting.urls")),
]
