"""Routes of sites, equipment, metering and the field."""

from typing import Any

from django.urls import URLPattern, path

from hosting.views import equipment, exchange, exchanging, field, metering, outages, profiles, refusals, secrets, sites


def record_routes(base: str, name: str, views: Any, prefix: str) -> list[URLPattern]:
    """List, record, add, change and delete of one kind of row, as far as the views exist."""
    patterns = (
        ("List", f"{base}/", "list"),
        ("Create", f"{base}/new/", "create"),
        ("Detail", f"{base}/<int:pk>/", "detail"),
        ("Update", f"{base}/<int:pk>/change/", "update"),
        ("Delete", f"{base}/<int:pk>/delete/", "delete"),
    )
    return [
        path(route, getattr(views, prefix + suffix).as_view(), name=f"{name}_{action}")
        for suffix, route, action in patterns
        if hasattr(views, prefix + suffix)
    ]


app_name = "hosting"
urlpatterns = [
    *record_routes("sites", "site", sites, "Site"),
    *record_routes("inventory/products", "equipmentmodel", equipment, "EquipmentModel"),
    *record_routes("inventory/equipment", "equipment", equipment, "Equipment"),
    path("inventory/equipment/<int:pk>/card/", equipment.EquipmentCard.as_view(), name="equipment_card"),
    *record_routes("inventory/connections", "connection", equipment, "Connection"),
    *record_routes("inventory/delivery-points", "deliverypoint", metering, "DeliveryPoint"),
    *record_routes("inventory/meters", "meter", metering, "Meter"),
    path("inventory/meters/<int:pk>/place/", metering.MeterPlace.as_view(), name="meter_place"),
    path("inventory/placements/<int:pk>/exchange/", exchanging.MeterSwapOld.as_view(), name="meter_swap"),
    path("inventory/placements/<int:pk>/exchange/new/", exchanging.MeterSwapNew.as_view(), name="meter_swap_new"),
    path(
        "inventory/placements/<int:pk>/exchange/reason/", exchanging.MeterSwapReason.as_view(), name="meter_swap_reason"
    ),
    path(
        "inventory/placements/<int:pk>/exchange/review/", exchanging.MeterSwapReview.as_view(), name="meter_swap_review"
    ),
    path("inventory/meter-photos/<int:pk>/", exchanging.MeterPhotoFile.as_view(), name="meter_photo"),
    path("inventory/controllers/pause/", field.ControllersPause.as_view(), name="controllers_pause"),
    path("inventory/controllers/resume/", field.ControllersResume.as_view(), name="controllers_resume"),
    *record_routes("inventory/controllers", "controller", field, "Controller"),
    path("inventory/controllers/<int:pk>/credentials/", secrets.SecretKeep.as_view(), name="controller_secret_keep"),
    path(
        "inventory/controllers/<int:pk>/credentials/remove/",
        secrets.SecretForget.as_view(),
        name="controller_secret_forget",
    ),
    path("inventory/controllers/<int:pk>/push-key/", secrets.PushKeyMake.as_view(), name="controller_push_key"),
    *record_routes("inventory/devices", "device", field, "Device"),
    path("inventory/devices/<int:pk>/retry/", refusals.RefusalsForget.as_view(), name="device_retry"),
    path("inventory/devices/<int:device>/meanings/new/", field.MeasurementCreate.as_view(), name="measurement_create"),
    path("inventory/meanings/<int:pk>/delete/", field.MeasurementDelete.as_view(), name="measurement_delete"),
    *record_routes("inventory/profiles", "deviceprofile", profiles, "DeviceProfile"),
    path("inventory/profiles/<int:pk>/next/", profiles.DeviceProfileNext.as_view(), name="deviceprofile_next"),
    path("inventory/profiles/<int:pk>/profile.yaml", profiles.DeviceProfileFile.as_view(), name="deviceprofile_file"),
    path("inventory/profiles/import/", profiles.DeviceProfileImport.as_view(), name="deviceprofile_import"),
    path("inventory/profiles/library/", profiles.LibraryPage.as_view(), name="profile_library"),
    path("inventory/profiles/library/<slug:key>/add/", profiles.LibraryAdd.as_view(), name="profile_library_add"),
    *record_routes("inventory/works", "plannedoutage", outages, "PlannedOutage"),
    path("inventory/works/<int:pk>/cancel/", outages.PlannedOutageCancel.as_view(), name="plannedoutage_cancel"),
    path("inventory/exchange/", exchange.ExchangeOverview.as_view(), name="exchange_overview"),
    path("inventory/exchange/<slug:table>/export.csv", exchange.ExportTable.as_view(), name="exchange_export"),
    path("inventory/exchange/<slug:table>/import/", exchange.ImportTable.as_view(), name="exchange_import"),
    path("inventory/imports/<int:pk>/", exchange.ImportDetail.as_view(), name="import_detail"),
]
