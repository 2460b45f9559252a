"""Corrections over HTTP: read, propose, decide."""

import datetime as dt
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.scoped_api import ScopedReadOnlyViewSet, narrow, person
from hosting.models import DeliveryPoint, Meter
from kernel.periods import Period
from thermal.domain.estimation import Method
from thermal.models import CorrectedReading, Correction, EstimatedHeat, ValidationFinding
from thermal.queries import correction_queue as reading
from thermal.services import corrections

PROPOSE = "thermal.propose_correction"


class CorrectedReadingSerializer(serializers.ModelSerializer[CorrectedReading]):
    """A register that a correction sets; without energy the reading is taken away."""

    class Meta:
        model = CorrectedReading
        fields = ("at", "before_version", "energy_before_kwh", "energy_kwh", "told_at")


class EstimatedHeatSerializer(serializers.ModelSerializer[EstimatedHeat]):
    """The estimated heat of a quarter hour."""

    class Meta:
        model = EstimatedHeat
        fields = ("start", "heat_kwh")


class CorrectionSerializer(serializers.ModelSerializer[Correction]):
    """A correction; ratios are shares of one."""

    class Meta:
        model = Correction
        fields: Any = (
            "id", "kind", "state", "site", "meter", "delivery_point", "finding", "method", "passed_over",
            "weather_ratio", "starts_at", "ends_at", "heat_kwh", "bill_ratio", "needs_approval", "reason", "author",
            "proposed_at", "approver", "decided_at", "withdrawn_by", "note",
        )  # fmt: skip


class CorrectionDetailSerializer(CorrectionSerializer):
    """A correction with all of its rows."""

    readings = CorrectedReadingSerializer(many=True, read_only=True)
    quarters = EstimatedHeatSerializer(many=True, read_only=True)

    class Meta(CorrectionSerializer.Meta):
        fields = (*CorrectionSerializer.Meta.fields, "readings", "quarters")


class _ProposalSerializer(serializers.Serializer[Any]):
    """Why, and in answer to which finding."""

    reason = serializers.CharField(max_length=300)
    finding = serializers.IntegerField(required=False)


class _MeterProposalSerializer(_ProposalSerializer):
    """A correction of one meter."""

    meter = serializers.IntegerField()


class EditSerializer(serializers.Serializer[Any]):
    """The register that counts at an instant; null takes the reading away."""

    at = serializers.DateTimeField()
    energy_kwh = serializers.DecimalField(max_digits=16, decimal_places=4, min_value=0, allow_null=True)


class EditsSerializer(_MeterProposalSerializer):
    """Registers to be set right."""

    edits = EditSerializer(many=True, allow_empty=False)


class DivideSerializer(_MeterProposalSerializer):
    """A register difference to be divided over its quarter hours."""

    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()


class RescaleSerializer(DivideSerializer):
    """A stretch of registers to be multiplied."""

    factor = serializers.DecimalField(max_digits=18, decimal_places=12)


class ShiftSerializer(DivideSerializer):
    """A stretch of readings to be moved in time."""

    offset_s = serializers.IntegerField(min_value=-31 * 86400, max_value=31 * 86400)


class EstimateSerializer(_ProposalSerializer):
    """Heat to be estimated; without a method the best possible one is taken."""

    delivery_point = serializers.IntegerField()
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    method = serializers.ChoiceField([one.value for one in Method], required=False)


class DecisionSerializer(serializers.Serializer[Any]):
    """A note to a decision."""

    note = serializers.CharField(max_length=300, required=False, allow_blank=True, default="")


class RefusalSerializer(serializers.Serializer[Any]):
    """Why it is rejected or taken back."""

    note = serializers.CharField(max_length=300)


class CorrectionViewSet(ScopedReadOnlyViewSet):
    """Corrections of what meters told; those who propose do not approve."""

    queryset = Correction.objects.order_by("-proposed_at", "-pk")
    serializer_class = CorrectionSerializer
    filterset_fields: ClassVar = {
        "state": ["exact"], "kind": ["exact"], "site": ["exact"], "meter": ["exact"], "delivery_point": ["exact"],
        "proposed_at": ["gte", "lt"],
    }  # fmt: skip

    @property
    def capability(self) -> str:  # type: ignore[override]
        """Proposing and deciding are different permissions; who may do either may withdraw, the service says what."""
        if self.action in {"approve", "reject"}:
            return corrections.APPROVE
        if self.action == "withdraw" and not self.request.user.has_perm(PROPOSE):
            return corrections.APPROVE
        return PROPOSE

    def get_queryset(self) -> QuerySet[Correction]:
        """The corrections that the person may read."""
        rows: QuerySet[Correction] = super().get_queryset()
        if getattr(self, "swagger_fake_view", False) or self.request.user.has_perm(reading.REVIEW):
            return rows
        return rows.none()

    def get_serializer_class(self) -> Any:
        """One correction comes with its rows."""
        return CorrectionDetailSerializer if self.action == "retrieve" else super().get_serializer_class()

    @extend_schema(request=EditsSerializer, responses={201: CorrectionSerializer})
    @action(detail=False, methods=["post"])
    def edit(self, request: Request) -> Response:
        """Set registers right."""
        given, facts = self._proposal(request, EditsSerializer)
        edits = [corrections.Edit(one["at"], one["energy_kwh"]) for one in given["edits"]]
        return _made(corrections.edit_registers(edits=edits, **facts))

    @extend_schema(request=DivideSerializer, responses={201: CorrectionSerializer})
    @action(detail=False, methods=["post"])
    def divide(self, request: Request) -> Response:
        """Divide a register difference over its quarter hours."""
        given, facts = self._proposal(request, DivideSerializer)
        return _made(corrections.distribute(period=_period(given), **facts))

    @extend_schema(request=RescaleSerializer, responses={201: CorrectionSerializer})
    @action(detail=False, methods=["post"])
    def rescale(self, request: Request) -> Response:
        """Multiply a stretch of registers."""
        given, facts = self._proposal(request, RescaleSerializer)
        return _made(corrections.rescale_registers(period=_period(given), factor=given["factor"], **facts))

    @extend_schema(request=ShiftSerializer, responses={201: CorrectionSerializer})
    @action(detail=False, methods=["post"])
    def shift(self, request: Request) -> Response:
        """Move a stretch of readings to their right instants."""
        given, facts = self._proposal(request, ShiftSerializer)
        by_time = dt.timedelta(seconds=given["offset_s"])
        return _made(corrections.shift_readings(period=_period(given), by_time=by_time, **facts))

    @extend_schema(request=EstimateSerializer, responses={201: CorrectionSerializer})
    @action(detail=False, methods=["post"])
    def estimate(self, request: Request) -> Response:
        """Add heat that no register told."""
        given, facts = self._proposal(request, EstimateSerializer)
        method = Method(given["method"]) if given.get("method") else None
        return _made(corrections.add_estimate(period=_period(given), method=method, **facts))

    @extend_schema(request=DecisionSerializer, responses=CorrectionSerializer)
    @action(detail=True, methods=["post"])
    def approve(self, request: Request, **_kwargs: str) -> Response:
        """Put the correction in force."""
        return self._decide(request, DecisionSerializer, corrections.approve)

    @extend_schema(request=RefusalSerializer, responses=CorrectionSerializer)
    @action(detail=True, methods=["post"])
    def reject(self, request: Request, **_kwargs: str) -> Response:
        """Reject the correction."""
        return self._decide(request, RefusalSerializer, corrections.reject)

    @extend_schema(request=RefusalSerializer, responses=CorrectionSerializer)
    @action(detail=True, methods=["post"])
    def withdraw(self, request: Request, **_kwargs: str) -> Response:
        """Take the own proposal, or an estimate, back."""
        return self._decide(request, RefusalSerializer, corrections.withdraw)

    def _decide(self, request: Request, serializer_class: Any, decide: Any) -> Response:
        given = serializer_class(data=request.data)
        given.is_valid(raise_exception=True)
        correction = self.get_object()
        decided = decide(correction=correction, by=person(request), now=timezone.now(), **given.validated_data)
        return Response(CorrectionSerializer(decided).data)

    def _proposal(self, request: Request, serializer_class: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """What was asked for, and what every proposal needs: of what, by whom, when, why."""
        serializer = serializer_class(data=request.data)
        serializer.is_valid(raise_exception=True)
        given: dict[str, Any] = serializer.validated_data
        user = person(request)
        of: dict[str, Any] = {}
        if "meter" in given:
            of["meter"] = _visible(Meter.objects.all(), user, given["meter"])
        else:
            of["point"] = _visible(DeliveryPoint.objects.select_related("site"), user, given["delivery_point"])
        finding: ValidationFinding | None = None
        if "finding" in given:
            finding = reading.finding_for(user, str(given["finding"]), **of)
            if finding is None:
                raise serializers.ValidationError({"finding": _("There is no such open finding here.")})
        return given, {**of, "finding": finding, "reason": given["reason"], "by": user, "now": timezone.now()}


def _visible(rows: Any, user: Any, pk: int) -> Any:
    if not user.has_perm(PROPOSE):
        raise PermissionDenied
    found = narrow(rows, user).filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


def _period(given: dict[str, Any]) -> Period:
    return Period(given["starts_at"], given["ends_at"])


def _made(correction: Correction) -> Response:
    return Response(CorrectionSerializer(correction).data, status=status.HTTP_201_CREATED)
