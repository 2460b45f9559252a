"""Recorded values, ledger, key figures and alarms over HTTP."""

from typing import Any, ClassVar

from django.db.models import Model, QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter

from accounts.scoped_api import Capability, ScopedReadOnlyViewSet, ScopedSerializer, ScopedViewSet, narrow, person
from hosting.models import Device
from thermal import filters
from thermal.corrections_api import CorrectionViewSet
from thermal.models import Alarm, AlarmRule, DeviceAcceptance, HeatInterval, MeterReading, SiteInterval
from thermal.queries import health
from thermal.review_api import FindingViewSet
from thermal.services import alarms


class _ListOnly(mixins.ListModelMixin, viewsets.GenericViewSet[Any]):
    """A list of the rows that the user may see; their key has several parts, so filters stand for a detail route."""

    permission_classes = (Capability,)

    def get_queryset(self) -> QuerySet[Model]:
        """The rows that the user may see."""
        rows = super().get_queryset()
        if getattr(self, "swagger_fake_view", False):
            return rows.none()
        return narrow(rows, self.request.user)


class ReadingSerializer(serializers.ModelSerializer[MeterReading]):
    """A reading; registers as exact decimals."""

    class Meta:
        model = MeterReading
        fields = (
            "meter",
            "at",
            "version",
            "energy_kwh",
            "volume_m3",
            "supply_energy_m3c",
            "return_energy_m3c",
            "power_kw",
            "flow_m3h",
            "supply_c",
            "return_c",
            "operating_h",
            "error_h",
            "info_code",
            "received_at",
            "source",
            "reason",
        )


class ReadingViewSet(_ListOnly):
    """Readings of meters; filter by meter and time."""

    queryset = MeterReading.objects.order_by("meter", "at", "version")
    serializer_class = ReadingSerializer
    filterset_fields: ClassVar = {"meter": ["exact"], "at": ["gte", "lt"], "source": ["exact"]}


class IntervalSerializer(serializers.ModelSerializer[HeatInterval]):
    """A quarter hour of a delivery point."""

    class Meta:
        model = HeatInterval
        exclude = ("rule_version",)


class IntervalViewSet(_ListOnly):
    """The ledger of delivery points; filter by delivery point and time."""

    queryset = HeatInterval.objects.order_by("delivery_point", "start")
    serializer_class = IntervalSerializer
    filterset_fields: ClassVar = {"delivery_point": ["exact"], "start": ["gte", "lt"], "quality": ["exact", "lte"]}


class SiteIntervalSerializer(serializers.ModelSerializer[SiteInterval]):
    """A quarter hour of a site."""

    class Meta:
        model = SiteInterval
        exclude = ("rule_version",)


class SiteIntervalViewSet(_ListOnly):
    """The ledger of sites; filter by site and time."""

    queryset = SiteInterval.objects.order_by("site", "start")
    serializer_class = SiteIntervalSerializer
    filterset_fields: ClassVar = {"site": ["exact"], "start": ["gte", "lt"], "export_mode": ["exact"]}


class AlarmSerializer(ScopedSerializer):
    """An alarm."""

    class Meta:
        model = Alarm
        fields = (
            "id",
            "rule",
            "site",
            "state",
            "priority",
            "raised_at",
            "acknowledged_at",
            "returned_at",
            "closed_at",
            "value",
            "limit_value",
            "unit",
            "message",
            "occurrence_count",
            "suppressed_by",
        )


class NoteSerializer(serializers.Serializer[Any]):
    """A note to an acknowledgement."""

    note = serializers.CharField(max_length=300, required=False, allow_blank=True, default="")


class AlarmViewSet(ScopedReadOnlyViewSet):
    """Alarms; those that are open and all that ever were."""

    queryset = Alarm.objects.order_by("-raised_at", "-pk")
    serializer_class = AlarmSerializer
    filterset_fields: ClassVar = {"site": ["exact"], "state": ["exact", "in"], "priority": ["exact"]}
    capability = "thermal.acknowledge_alarm"

    @extend_schema(request=NoteSerializer, responses=AlarmSerializer)
    @action(detail=True, methods=["post"])
    def acknowledge(self, request: Request, **_kwargs: str) -> Response:
        """Take note of the alarm."""
        note = NoteSerializer(data=request.data)
        note.is_valid(raise_exception=True)
        alarm = alarms.acknowledge(
            alarm=self.get_object(), by=person(request), note=note.validated_data["note"], now=timezone.now()
        )
        return Response(AlarmSerializer(alarm).data)


class AlarmRuleSerializer(ScopedSerializer):
    """An alarm rule."""

    class Meta:
        model = AlarmRule
        fields = (
            "id",
            "site",
            "key",
            "name",
            "kind",
            "measurement",
            "device",
            "delivery_point",
            "equipment",
            "limit_value",
            "deadband_value",
            "on_delay_s",
            "off_delay_s",
            "priority",
            "consequence",
            "action",
            "only_on_demand",
            "enabled",
            "evaluated_at",
        )
        read_only_fields = ("evaluated_at",)


class AlarmRuleViewSet(ScopedViewSet):
    """Alarm rules."""

    queryset = AlarmRule.objects.order_by("site", "key")
    serializer_class = AlarmRuleSerializer
    filterset_class = filters.AlarmRuleFilter


class DeviceHealthSerializer(serializers.ModelSerializer[Device]):
    """How well a device is read; shares of one, today and yesterday or the last seven days (UTC)."""

    site = serializers.IntegerField(source="controller.site_id", read_only=True)
    protocol = serializers.CharField(source="controller.protocol", read_only=True)
    recent_ratio = serializers.FloatField(read_only=True, allow_null=True)
    week_ratio = serializers.FloatField(read_only=True, allow_null=True)
    told_ratio = serializers.FloatField(read_only=True, allow_null=True)
    mean_latency_ms = serializers.FloatField(read_only=True, allow_null=True)
    max_latency_ms = serializers.IntegerField(read_only=True, allow_null=True)
    failing_since = serializers.DateTimeField(read_only=True, allow_null=True)

    class Meta:
        model = Device
        fields = (
            "id",
            "code",
            "site",
            "controller",
            "protocol",
            "enabled",
            "circuit",
            "last_polled_at",
            "last_success_at",
            "last_error",
            "failure_count",
            "failing_since",
            "clock_offset_s",
            "recent_ratio",
            "week_ratio",
            "told_ratio",
            "mean_latency_ms",
            "max_latency_ms",
        )


class DeviceHealthViewSet(ScopedReadOnlyViewSet):
    """How well each device is read; filter by site, protocol, circuit and what is shown (stale, poor)."""

    queryset = Device.objects.select_related("controller").order_by("code")
    serializer_class = DeviceHealthSerializer
    filterset_class = filters.DataHealthFilter

    def get_queryset(self) -> QuerySet[Device]:
        """The devices that the user may see, with their figures."""
        return health.with_health(super().get_queryset(), timezone.now())


class DeviceAcceptanceSerializer(serializers.ModelSerializer[DeviceAcceptance]):
    """A verdict on what a device told."""

    class Meta:
        model = DeviceAcceptance
        fields = (
            "id",
            "device",
            "profile",
            "meter",
            "controller",
            "host",
            "port",
            "unit_address",
            "verdict",
            "by",
            "at",
            "told_at",
            "told",
            "typed",
            "findings",
            "note",
        )


class DeviceAcceptanceViewSet(ScopedReadOnlyViewSet):
    """Verdicts on devices; the latest of a device counts as long as it is read in the same way."""

    queryset = DeviceAcceptance.objects.order_by("-at", "-pk")
    serializer_class = DeviceAcceptanceSerializer
    filterset_fields: ClassVar = {"device": ["exact"], "meter": ["exact"], "verdict": ["exact"]}


router = SimpleRouter()
router.register("readings", ReadingViewSet)
router.register("intervals", IntervalViewSet)
router.register("site-intervals", SiteIntervalViewSet)
router.register("alarms", AlarmViewSet)
router.register("device-health", DeviceHealthViewSet, basename="device-health")
router.register("device-acceptances", DeviceAcceptanceViewSet)
router.register("alarm-rules", AlarmRuleViewSet)
router.register("findings", FindingViewSet)
router.register("corrections", CorrectionViewSet)
