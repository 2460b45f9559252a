"""Every route of the portal."""

from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from compliance import api as compliance_api
from contracts import api as contracts_api
from hosting import api as hosting_api
from hosting import urls as hosting_urls
from portal import health, metrics
from portal.views import home, site
from thermal import api as thermal_api
from thermal import equipment_api, kpi_api, push_api

api: list[URLPattern | URLResolver] = [
    *hosting_api.router.urls,
    *contracts_api.router.urls,
    *thermal_api.router.urls,
    *kpi_api.router.urls,
    *equipment_api.router.urls,
    *compliance_api.router.urls,
    path("push/<slug:code>/", push_api.PushView.as_view(), name="push"),
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("docs/", SpectacularSwaggerSplitView.as_view(url_name="api:schema"), name="docs"),
]

# The page of a site joins what all floors know of it, so its view stands up here; its address is one of hosting's.
hosting: list[URLPattern | URLResolver] = [
    path("sites/<int:pk>/", site.SitePage.as_view(), name="site_detail"),
    path("sites/<int:pk>/heat-path/", site.SiteHeatPath.as_view(), name="site_heat_path"),
    *hosting_urls.urlpatterns,
]

portal: list[URLPattern | URLResolver] = [
    path("", home.Overview.as_view(), name="overview"),
    path("first-start/", home.FirstStart.as_view(), name="first_start"),
    path("search/", home.Search.as_view(), name="search"),
]

handler500 = "portal.outage.server_error"

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", health.healthz, name="healthz"),
    path("healthz/workers", health.workers_healthz, name="healthz_workers"),
    path("metrics", metrics.metrics_page, name="metrics"),
    path("status/", health.status, name="status"),
    path("accounts/", include("allauth.urls")),
    path("api/v1/", include((api, "api"))),
    path("", include("accounts.urls")),
    path("", include((portal, "portal"))),
    path("", include((hosting, "hosting"))),
    path("", include("thermal.urls")),
    path("", include("compliance.urls")),
    path("", include("contracts.urls")),
]
