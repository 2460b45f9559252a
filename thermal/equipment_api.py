"""Quarter hours and figures of single pieces of equipment over HTTP."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, serializers, viewsets
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter

from accounts.scoped_api import narrow
from hosting.models import Equipment
from thermal.kpi_api import ReadsKpis, asked_span
from thermal.models import EquipmentFact, EquipmentInterval
from thermal.models.equipment import KINDS
from thermal.queries import equipment_figures


class EquipmentIntervalSerializer(serializers.ModelSerializer[EquipmentInterval]):
    """A quarter hour of a heat pump, exchanger or buffer."""

    class Meta:
        model = EquipmentInterval
        exclude = ("rule_version",)


class EquipmentFactSerializer(serializers.ModelSerializer[EquipmentFact]):
    """A dated baseline or limit of a piece of equipment."""

    class Meta:
        model = EquipmentFact
        fields = ("id", "equipment", "kind", "value", "valid_from", "valid_until", "source")


class _ListOnly(mixins.ListModelMixin, viewsets.GenericViewSet[Any]):
    """A list of the rows that the user may see."""

    permission_classes = (ReadsKpis,)

    def get_queryset(self) -> QuerySet[Any]:
        """The rows that the user may see."""
        rows = super().get_queryset()
        return rows.none() if getattr(self, "swagger_fake_view", False) else narrow(rows, self.request.user)


class EquipmentIntervalViewSet(_ListOnly):
    """The ledger of equipment; filter by equipment, time and load."""

    queryset = EquipmentInterval.objects.order_by("equipment", "start")
    serializer_class = EquipmentIntervalSerializer
    filterset_fields: ClassVar = {"equipment": ["exact"], "start": ["gte", "lt"], "is_loaded": ["exact"]}


class EquipmentFactViewSet(_ListOnly):
    """Baselines and limits of equipment; filter by equipment and kind."""

    queryset = EquipmentFact.objects.order_by("equipment", "kind", "-valid_from")
    serializer_class = EquipmentFactSerializer
    filterset_fields: ClassVar = {"equipment": ["exact"], "kind": ["exact"]}


class ShownSerializer(serializers.Serializer[Any]):
    """A key figure; shares are shares of one."""

    key = serializers.CharField(source="figure.key")
    value = serializers.FloatField(allow_null=True)
    unit = serializers.CharField(source="figure.unit")
    formula = serializers.CharField(source="figure.formula")
    boundary = serializers.CharField(source="figure.boundary")
    known_ratio = serializers.FloatField()
    is_estimated = serializers.BooleanField()
    missing = serializers.ListField(child=serializers.CharField())


class JudgedSerializer(serializers.Serializer[Any]):
    """How equipment stands to its commissioning; changes for the worse are positive."""

    figure = serializers.CharField(source="figure.key")
    standing = serializers.CharField(source="judgement.standing")
    change = serializers.FloatField(source="judgement.change", allow_null=True)
    baseline = serializers.FloatField(source="baseline.value", allow_null=True, default=None)
    baseline_source = serializers.CharField(source="baseline.source", default="")
    is_derived = serializers.BooleanField()
    limit = serializers.FloatField(source="limit.value")
    limit_is_verified = serializers.BooleanField(source="limit.is_verified")
    impossible_count = serializers.IntegerField()


class EquipmentFiguresSerializer(serializers.Serializer[Any]):
    """The figures of one piece of equipment over a span of whole local months."""

    equipment = serializers.IntegerField(source="equipment.pk")
    tag = serializers.CharField(source="equipment.tag")
    first = serializers.DateField(source="span.first")
    until = serializers.DateField(source="span.until")
    figures = ShownSerializer(source="shown", many=True)
    judged = JudgedSerializer(allow_null=True)


class EquipmentFiguresViewSet(viewsets.GenericViewSet[Any]):
    """Key figures of a heat pump, exchanger or buffer."""

    permission_classes = (ReadsKpis,)
    queryset = Equipment.objects.all()
    serializer_class = EquipmentFiguresSerializer
    lookup_value_regex = r"\d+"

    @extend_schema(
        parameters=[
            OpenApiParameter("year", int),
            OpenApiParameter("month", int),
            OpenApiParameter("season", int, description="The year in which a heating season begins."),
        ]
    )
    def retrieve(self, request: Request, pk: str) -> Response:
        """Return the figures of the equipment with this id."""
        rows = narrow(Equipment.objects.filter(model__kind__in=KINDS), request.user)
        equipment = get_object_or_404(rows.select_related("site", "model"), pk=pk)
        made = equipment_figures.figures_of(equipment=equipment, span=asked_span(request), now=timezone.now())
        return Response(EquipmentFiguresSerializer(made).data)


router = SimpleRouter()
router.register("equipment-intervals", EquipmentIntervalViewSet)
router.register("equipment-facts", EquipmentFactViewSet)
router.register("equipment-figures", EquipmentFiguresViewSet, basename="equipment-figures")
