"""Routes of sites, equipment, metering and the field."""

from django.urls import path

from hosting.views import exchange, sites

app_name = "hosting"
urlpatterns = [
    path("inventory/exchange/", exchange.ExchangeOverview.as_view(), name="exchange_overview"),
    path("inventory/exchange/<slug:table>/export.csv", exchange.ExportTable.as_view(), name="exchange_export"),
    path("inventory/exchange/<slug:table>/import/", exchange.ImportTable.as_view(), name="exchange_import"),
    path("inventory/imports/<int:pk>/", exchange.ImportDetail.as_view(), name="import_detail"),
    path("sites/", sites.SiteList.as_view(), name="site_list"),
    path("sites/<int:pk>/", sites.SiteDetail.as_view(), name="site_detail"),
]
