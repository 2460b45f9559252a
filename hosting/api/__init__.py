"""The inventory over HTTP."""

from typing import Any, ClassVar

from django.utils import timezone
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter

from accounts.scoped_api import ScopedSerializer, ScopedViewSet, person
from hosting.api.profiles import DeviceProfileViewSet
from hosting.domain.addresses import reads
from hosting.forms import OTHER_LANGUAGE
from hosting.models import (
    Connection,
    Controller,
    DeliveryPoint,
    Device,
    Equipment,
    EquipmentModel,
    Measurement,
    Meter,
    MeterPlacement,
    PlannedOutage,
    Site,
)
from hosting.services import metering, outages
from kernel.periods import Period


class SiteSerializer(ScopedSerializer):
    """A site."""

    class Meta:
        model = Site
        fields = (
            "id",
            "code",
            "name",
            "lifecycle",
            "time_zone",
            "country",
            "address",
            "latitude_deg",
            "longitude_deg",
            "installed_it_kw",
            "live_since_on",
            "notes",
        )


class EquipmentModelSerializer(ScopedSerializer):
    """A product."""

    class Meta:
        model = EquipmentModel
        fields = ("id", "manufacturer", "name", "kind", "rated_kw", "volume_l", "max_bar", "notes")


class EquipmentSerializer(ScopedSerializer):
    """A piece of equipment."""

    class Meta:
        model = Equipment
        fields = (
            "id",
            "site",
            "model",
            "parent",
            "tag",
            "serial",
            "state",
            "owner",
            "maintainer",
            "installed_on",
            "notes",
        )


class ConnectionSerializer(ScopedSerializer):
    """A pipe."""

    class Meta:
        model = Connection
        fields = ("id", "source", "target", "leg", "is_bypass", "fluid", "nominal_mm")


class DeliveryPointSerializer(ScopedSerializer):
    """A delivery point."""

    class Meta:
        model = DeliveryPoint
        fields = (
            "id",
            "site",
            "code",
            "name",
            "medium",
            "design_supply_c",
            "design_return_c",
            "design_kw",
            "equipment",
            "notes",
        )


class MeterSerializer(ScopedSerializer):
    """A meter."""

    class Meta:
        model = Meter
        fields = (
            "id",
            "serial",
            "kind",
            "manufacturer",
            "model_name",
            "accuracy_class",
            "qp_m3h",
            "min_difference_k",
            "sensor_side",
            "register_digits",
            "register_step",
            "max_kw",
            "seal_number",
            "verified_until_on",
            "notes",
        )


class MeterPlacementSerializer(ScopedSerializer):
    """A meter's stay at one place."""

    class Meta:
        model = MeterPlacement
        fields = (
            "id",
            "meter",
            "site",
            "delivery_point",
            "role",
            "valid_from",
            "valid_until",
            "first_register",
            "final_register",
            "first_volume_m3",
            "final_volume_m3",
            "reason",
        )


class SwapSerializer(serializers.Serializer[Any]):
    """The facts of a meter exchange: times, serial of the successor and both meters' registers."""

    successor = serializers.SlugRelatedField(slug_field="serial", queryset=Meter.objects.all())
    removed_at = serializers.DateTimeField()
    fitted_at = serializers.DateTimeField()
    final_register = serializers.DecimalField(max_digits=16, decimal_places=4)
    first_register = serializers.DecimalField(max_digits=16, decimal_places=4)
    final_volume_m3 = serializers.DecimalField(max_digits=16, decimal_places=4, required=False, allow_null=True)
    first_volume_m3 = serializers.DecimalField(max_digits=16, decimal_places=4, required=False, allow_null=True)
    reason = serializers.CharField(max_length=200)


class ControllerSerializer(ScopedSerializer):
    """An address on the field network."""

    class Meta:
        model = Controller
        fields = (
            "id",
            "site",
            "code",
            "protocol",
            "host",
            "port",
            "enabled",
            "poll_s",
            "timeout_ms",
            "connect_pause_ms",
            "request_pause_ms",
            "keep_open_s",
            "next_poll_at",
        )
        read_only_fields = ("next_poll_at",)


class DeviceSerializer(ScopedSerializer):
    """A unit behind a controller, and how it answers."""

    class Meta:
        model = Device
        fields = (
            "id",
            "controller",
            "code",
            "name",
            "unit_address",
            "profile",
            "meter",
            "enabled",
            "reading_s",
            "circuit",
            "failure_count",
            "last_polled_at",
            "last_success_at",
            "last_error",
            "last_latency_ms",
            "clock_offset_s",
        )
        read_only_fields = (
            "circuit",
            "failure_count",
            "last_polled_at",
            "last_success_at",
            "last_error",
            "last_latency_ms",
            "clock_offset_s",
        )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """The values, if the profile is written for what the controller speaks."""
        profile = attrs.get("profile") or getattr(self.instance, "profile", None)
        controller = attrs.get("controller") or getattr(self.instance, "controller", None)
        if profile and controller and not reads(profile.protocol, controller.protocol):
            raise serializers.ValidationError({"profile": [OTHER_LANGUAGE]})
        return super().validate(attrs)


class MeasurementSerializer(ScopedSerializer):
    """What a point of a device stands for."""

    class Meta:
        model = Measurement
        fields = ("id", "device", "slot", "role", "site", "delivery_point", "equipment", "connection")


class PlannedOutageSerializer(ScopedSerializer):
    """Announced works; the announcement is dated by the portal."""

    class Meta:
        model = PlannedOutage
        fields = ("id", "site", "delivery_point", "starts_at", "ends_at", "announced_at", "reason", "cancelled_at")
        read_only_fields = ("announced_at", "cancelled_at")


class SiteViewSet(ScopedViewSet):
    """Sites."""

    queryset = Site.objects.all()
    serializer_class = SiteSerializer
    filterset_fields: ClassVar = ("code", "lifecycle", "country")


class EquipmentModelViewSet(ScopedViewSet):
    """Equipment models."""

    queryset = EquipmentModel.objects.all()
    serializer_class = EquipmentModelSerializer
    filterset_fields: ClassVar = ("kind", "manufacturer")


class EquipmentViewSet(ScopedViewSet):
    """Equipment."""

    queryset = Equipment.objects.all()
    serializer_class = EquipmentSerializer
    filterset_fields: ClassVar = ("site", "model", "state", "owner", "tag")


class ConnectionViewSet(ScopedViewSet):
    """Connections."""

    queryset = Connection.objects.all()
    serializer_class = ConnectionSerializer
    filterset_fields: ClassVar = ("source", "target", "leg")


class DeliveryPointViewSet(ScopedViewSet):
    """Delivery points."""

    queryset = DeliveryPoint.objects.all()
    serializer_class = DeliveryPointSerializer
    filterset_fields: ClassVar = ("site", "code")


class MeterViewSet(ScopedViewSet):
    """Meters."""

    queryset = Meter.objects.all()
    serializer_class = MeterSerializer
    filterset_fields: ClassVar = ("kind", "serial", "verified_until_on")


class MeterPlacementViewSet(ScopedViewSet):
    """Meter placements, and the exchange of a meter."""

    queryset = MeterPlacement.objects.all()
    serializer_class = MeterPlacementSerializer
    filterset_fields: ClassVar = ("meter", "site", "delivery_point", "role")

    @action(detail=True, methods=["post"], serializer_class=SwapSerializer)
    def swap(self, request: Request, **_kwargs: str) -> Response:
        """Exchange the meter of this placement for another one."""
        placement = self.get_object()
        facts = SwapSerializer(data=request.data)
        facts.is_valid(raise_exception=True)
        given = facts.validated_data
        placed = metering.swap_meter(
            placement=placement,
            successor=given["successor"],
            removed_at=given["removed_at"],
            fitted_at=given["fitted_at"],
            final=metering.Registers(given["final_register"], given.get("final_volume_m3")),
            first=metering.Registers(given["first_register"], given.get("first_volume_m3")),
            reason=given["reason"],
            by=person(request),
            now=timezone.now(),
        )
        return Response(MeterPlacementSerializer(placed).data, status=status.HTTP_201_CREATED)


class ControllerViewSet(ScopedViewSet):
    """Controllers."""

    queryset = Controller.objects.all()
    serializer_class = ControllerSerializer
    filterset_fields: ClassVar = ("site", "code", "protocol", "enabled")


class DeviceViewSet(ScopedViewSet):
    """Devices."""

    queryset = Device.objects.all()
    serializer_class = DeviceSerializer
    filterset_fields: ClassVar = ("controller", "code", "profile", "circuit", "enabled")


class MeasurementViewSet(ScopedViewSet):
    """What the points of devices stand for."""

    queryset = Measurement.objects.all()
    serializer_class = MeasurementSerializer
    filterset_fields: ClassVar = ("device", "role", "site")


class PlannedOutageViewSet(ScopedViewSet):
    """Planned outages: announced, and called off, never deleted."""

    queryset = PlannedOutage.objects.all()
    serializer_class = PlannedOutageSerializer
    filterset_fields: ClassVar = ("site", "delivery_point")
    http_method_names = ["get", "post", "head", "options"]

    def perform_create(self, serializer: Any) -> None:
        """Announce the works as of now."""
        given = serializer.validated_data
        serializer.instance = outages.announce_outage(
            site=given["site"],
            period=Period(given["starts_at"], given["ends_at"]),
            reason=given["reason"],
            delivery_point=given.get("delivery_point"),
            by=person(self.request),
            now=timezone.now(),
        )

    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, **_kwargs: str) -> Response:
        """Call the works off."""
        cancelled = outages.cancel_outage(outage=self.get_object(), by=person(request), now=timezone.now())
        return Response(PlannedOutageSerializer(cancelled).data)


router = SimpleRouter()
router.register("sites", SiteViewSet)
router.register("equipment-models", EquipmentModelViewSet)
router.register("equipment", EquipmentViewSet)
router.register("connections", ConnectionViewSet)
router.register("delivery-points", DeliveryPointViewSet)
router.register("meters", MeterViewSet)
router.register("meter-placements", MeterPlacementViewSet)
router.register("controllers", ControllerViewSet)
router.register("devices", DeviceViewSet)
router.register("device-profiles", DeviceProfileViewSet)
router.register("measurements", MeasurementViewSet)
router.register("planned-outages", PlannedOutageViewSet)
