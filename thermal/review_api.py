"""The review queue over HTTP."""

from typing import Any, ClassVar

from django.db.models import Model, QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.scoped_api import Capability, ScopedReadOnlyViewSet, ScopedSerializer, person
from thermal.models import ValidationFinding
from thermal.queries import finding_texts, validation
from thermal.services import validating
from thermal.services.validating import resolving


class MayDecide(Capability):
    """Reading needs access; deciding one of the two permissions. Which of them a finding needs, the service says."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether the user may ask at all."""
        if request.method in SAFE_METHODS:
            return super().has_permission(request, view)
        return any(request.user.has_perm(needed) for needed in (resolving.CORRECT, resolving.APPROVE))


class FindingSerializer(ScopedSerializer):
    """What a rule found, with the values that show it and what to do, in the reader's language."""

    sentence = serializers.SerializerMethodField()
    remedy = serializers.SerializerMethodField()

    class Meta:
        model = ValidationFinding
        fields = (
            "id",
            "rule",
            "kind",
            "severity",
            "state",
            "site",
            "meter",
            "delivery_point",
            "starts_at",
            "ends_at",
            "values",
            "before_at",
            "before_version",
            "after_at",
            "after_version",
            "found_at",
            "resolved_at",
            "note",
            "sentence",
            "remedy",
        )

    def get_sentence(self, finding: ValidationFinding) -> str:
        """What was found."""
        return finding_texts.words_of(finding).sentence

    def get_remedy(self, finding: ValidationFinding) -> str:
        """How to resolve it."""
        return finding_texts.words_of(finding).remedy


class AcceptSerializer(serializers.Serializer[Any]):
    """Why a finding is accepted."""

    reason = serializers.CharField(max_length=300)


class FindingViewSet(ScopedReadOnlyViewSet):
    """The review queue, for those who may read it."""

    queryset = ValidationFinding.objects.order_by("-severity", "-starts_at", "pk")
    serializer_class = FindingSerializer
    filterset_fields: ClassVar = {
        "site": ["exact"],
        "meter": ["exact"],
        "rule": ["exact"],
        "state": ["exact"],
        "severity": ["exact", "gte"],
        "starts_at": ["gte", "lt"],
    }

    permission_classes = (MayDecide,)

    def get_queryset(self) -> QuerySet[Model]:
        """The findings that the user may see; none for those to whom the queue is closed."""
        rows = super().get_queryset()
        return rows if self.request.user.has_perm(validation.REVIEW) else rows.none()

    @extend_schema(request=AcceptSerializer, responses=FindingSerializer)
    @action(detail=True, methods=["post"])
    def accept(self, request: Request, **_kwargs: str) -> Response:
        """Accept the finding: the readings stay, and count for bills."""
        given = AcceptSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        finding = validating.accept(
            finding=self.get_object(), by=person(request), reason=given.validated_data["reason"], now=timezone.now()
        )
        return Response(FindingSerializer(finding).data)
