"""Duties, water, permits, incidents, documents and packs over HTTP."""

from typing import Any, ClassVar

from django.utils import timezone
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter
from rest_framework.views import APIView

from accounts.scoped_api import Capability, ScopedReadOnlyViewSet, ScopedSerializer, person
from compliance import filters
from compliance.models import (
    AuditPack,
    Document,
    Incident,
    IncidentEntry,
    MaintenancePlan,
    Permit,
    PermitCondition,
    Task,
    WaterCircuit,
    WaterLimit,
    WaterResult,
    WaterSample,
)
from compliance.models.water import Parameter, Sign
from compliance.services import duties, evidence, packs, permits, response, treatment
from hosting.models import Site


class Reading(Capability):
    """Reading compliance records needs the role's view of them, beside the grant of their site."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether the user's roles allow the method on the view's model."""
        if request.method in SAFE_METHODS:
            model = view.queryset.model  # type: ignore[attr-defined]
            allowed = request.user.has_perm(f"{model._meta.app_label}.view_{model._meta.model_name}")
            return allowed and super().has_permission(request, view)
        return super().has_permission(request, view)


class ComplianceViewSet(ScopedReadOnlyViewSet):
    """List and detail of the rows that the user may see."""

    permission_classes = (Reading,)


class PlanSerializer(ScopedSerializer):
    """A recurring duty."""

    class Meta:
        model = MaintenancePlan
        fields = "__all__"


class PlanViewSet(mixins.CreateModelMixin, mixins.UpdateModelMixin, ComplianceViewSet):
    """Recurring duties."""

    queryset = MaintenancePlan.objects.all()
    serializer_class = PlanSerializer
    filterset_class = filters.PlanFilter

    def perform_create(self, serializer: Any) -> None:
        """Store the plan with its first tasks."""
        plan = MaintenancePlan(**serializer.validated_data)
        serializer.instance = duties.save_plan(plan=plan, by=person(self.request), now=timezone.now())

    def perform_update(self, serializer: Any) -> None:
        """Store the plan and make its tasks anew."""
        plan = serializer.instance
        for name, value in serializer.validated_data.items():
            setattr(plan, name, value)
        duties.save_plan(plan=plan, by=person(self.request), now=timezone.now())


class TaskSerializer(ScopedSerializer):
    """A task."""

    class Meta:
        model = Task
        fields = "__all__"
        read_only_fields = (
            "origin",
            "state",
            "outcome",
            "note",
            "done_on",
            "done_at",
            "done_by",
            "created_at",
            "alert_on",
            "plan",
            "meter",
            "permit",
            "sample",
            "incident",
        )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """The values, once the model agrees; the time of making is ours."""
        checked = super().validate({**attrs, "created_at": timezone.now()})
        return {name: value for name, value in checked.items() if name != "created_at"}


class CompletionSerializer(serializers.Serializer[Any]):
    """How a task was done."""

    outcome = serializers.ChoiceField(choices=Task.Outcome.choices)
    done_on = serializers.DateField()
    note = serializers.CharField(required=False, allow_blank=True)


class ReasonSerializer(serializers.Serializer[Any]):
    """Why."""

    reason = serializers.CharField()


class TaskViewSet(mixins.CreateModelMixin, ComplianceViewSet):
    """Tasks."""

    queryset = Task.objects.all()
    serializer_class = TaskSerializer
    filterset_class = filters.TaskFilter

    def perform_create(self, serializer: Any) -> None:
        """Store the task."""
        task = Task(**serializer.validated_data)
        serializer.instance = duties.add_task(task=task, by=person(self.request), now=timezone.now())

    @action(detail=True, methods=["post"], capability="compliance.complete_task", serializer_class=CompletionSerializer)
    def complete(self, request: Request, pk: str | None = None) -> Response:  # noqa: ARG002
        """The task, done."""
        entered = CompletionSerializer(data=request.data)
        entered.is_valid(raise_exception=True)
        now, task = timezone.now(), self.get_object()
        done = duties.complete_task(task=task, by=person(request), now=now, **entered.validated_data)
        return Response(TaskSerializer(done, context=self.get_serializer_context()).data)

    @action(detail=True, methods=["post"], capability="compliance.change_task", serializer_class=ReasonSerializer)
    def cancel(self, request: Request, pk: str | None = None) -> Response:  # noqa: ARG002
        """The task, cancelled."""
        entered = ReasonSerializer(data=request.data)
        entered.is_valid(raise_exception=True)
        now, task = timezone.now(), self.get_object()
        cancelled = duties.cancel_task(task=task, by=person(request), now=now, **entered.validated_data)
        return Response(TaskSerializer(cancelled, context=self.get_serializer_context()).data)


class CircuitSerializer(ScopedSerializer):
    """A water circuit."""

    class Meta:
        model = WaterCircuit
        fields = "__all__"


class CircuitViewSet(mixins.CreateModelMixin, mixins.UpdateModelMixin, ComplianceViewSet):
    """Water circuits."""

    queryset = WaterCircuit.objects.prefetch_related("equipment")
    serializer_class = CircuitSerializer
    filterset_class = filters.CircuitFilter


class ResultSerializer(ScopedSerializer):
    """One result of a sample."""

    class Meta:
        model = WaterResult
        fields = ("parameter", "sign", "value", "limit", "lowest_value", "highest_value", "verdict")


class FigureSerializer(serializers.Serializer[Any]):
    """One figure of a laboratory."""

    parameter = serializers.ChoiceField(choices=Parameter.choices)
    sign = serializers.ChoiceField(choices=Sign.choices, required=False, default="", allow_blank=True)
    value = serializers.DecimalField(max_digits=14, decimal_places=4, min_value=0)


class SampleSerializer(ScopedSerializer):
    """A water sample with its results."""

    results = ResultSerializer(many=True, read_only=True)
    figures = FigureSerializer(many=True, write_only=True)

    class Meta:
        model = WaterSample
        fields = (
            "id",
            "circuit",
            "taken_at",
            "taken_by",
            "laboratory",
            "report_number",
            "note",
            "verdict",
            "recorded_at",
            "recorded_by",
            "results",
            "figures",
        )
        read_only_fields = ("verdict", "recorded_at", "recorded_by")
        validators: ClassVar[list[Any]] = []

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """The values; the service judges and refuses."""
        return attrs


class SampleViewSet(mixins.CreateModelMixin, ComplianceViewSet):
    """Water samples."""

    queryset = WaterSample.objects.prefetch_related("results")
    serializer_class = SampleSerializer
    filterset_class = filters.SampleFilter

    def perform_create(self, serializer: Any) -> None:
        """Record and judge the sample."""
        entered = dict(serializer.validated_data)
        figures = [treatment.Figure(one["parameter"], one["value"], one["sign"]) for one in entered.pop("figures")]
        serializer.instance = treatment.record_sample(
            figures=figures, by=person(self.request), now=timezone.now(), **entered
        )


class LimitSerializer(ScopedSerializer):
    """A water limit."""

    class Meta:
        model = WaterLimit
        fields = "__all__"


class LimitViewSet(mixins.CreateModelMixin, mixins.UpdateModelMixin, ComplianceViewSet):
    """Water limits."""

    queryset = WaterLimit.objects.all()
    serializer_class = LimitSerializer
    filterset_class = filters.LimitFilter

    def perform_create(self, serializer: Any) -> None:
        """Store the limit."""
        limit = WaterLimit(**serializer.validated_data)
        serializer.instance = treatment.save_limit(limit=limit, by=person(self.request), now=timezone.now())

    def perform_update(self, serializer: Any) -> None:
        """Store the limit, unless results were judged by it."""
        limit = serializer.instance
        for name, value in serializer.validated_data.items():
            setattr(limit, name, value)
        treatment.save_limit(limit=limit, by=person(self.request), now=timezone.now())


class ConditionSerializer(ScopedSerializer):
    """A condition of a permit."""

    class Meta:
        model = PermitCondition
        fields = ("number", "text", "plan")


class PermitSerializer(ScopedSerializer):
    """A permit with its conditions."""

    conditions = ConditionSerializer(many=True, read_only=True)

    class Meta:
        model = Permit
        fields = "__all__"
        read_only_fields = ("replaces", "created_at")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """The values, once the model agrees; the time of recording is ours."""
        recorded = self.instance.created_at if self.instance is not None else timezone.now()
        checked = super().validate({**attrs, "created_at": recorded})
        return {name: value for name, value in checked.items() if name != "created_at"}


class PermitViewSet(mixins.CreateModelMixin, mixins.UpdateModelMixin, ComplianceViewSet):
    """Permits."""

    queryset = Permit.objects.prefetch_related("conditions")
    serializer_class = PermitSerializer
    filterset_class = filters.PermitFilter

    def perform_create(self, serializer: Any) -> None:
        """Store the permit."""
        permit = Permit(**serializer.validated_data)
        serializer.instance = permits.save_permit(permit=permit, by=person(self.request), now=timezone.now())

    def perform_update(self, serializer: Any) -> None:
        """Store the permit."""
        permit = serializer.instance
        for name, value in serializer.validated_data.items():
            setattr(permit, name, value)
        permits.save_permit(permit=permit, by=person(self.request), now=timezone.now())


class EntrySerializer(ScopedSerializer):
    """One line of a time line."""

    class Meta:
        model = IncidentEntry
        fields = ("at", "recorded_at", "by", "state", "text")
        read_only_fields = ("recorded_at", "by")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """The values; the service refuses what has not happened."""
        return attrs


class IncidentSerializer(ScopedSerializer):
    """An incident with its time line."""

    entries = EntrySerializer(many=True, read_only=True)
    text = serializers.CharField(write_only=True)

    class Meta:
        model = Incident
        fields = (
            "id",
            "site",
            "title",
            "kind",
            "severity",
            "state",
            "detected_at",
            "aware_at",
            "classified_at",
            "report_due_at",
            "reported_at",
            "report_receipt",
            "closed_at",
            "cause",
            "alarm",
            "created_at",
            "entries",
            "text",
        )
        read_only_fields = (
            "state",
            "aware_at",
            "classified_at",
            "report_due_at",
            "reported_at",
            "report_receipt",
            "closed_at",
            "cause",
            "alarm",
            "created_at",
        )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """The values; the service refuses what has not happened."""
        return attrs


class CauseSerializer(serializers.Serializer[Any]):
    """Why it happened."""

    cause = serializers.CharField()


class IncidentViewSet(mixins.CreateModelMixin, ComplianceViewSet):
    """Incidents."""

    queryset = Incident.objects.prefetch_related("entries")
    serializer_class = IncidentSerializer
    filterset_class = filters.IncidentFilter

    def perform_create(self, serializer: Any) -> None:
        """Open the incident."""
        entered = {"kind": Incident.Kind.SUPPLY, "severity": Incident.Severity.MINOR} | serializer.validated_data
        serializer.instance = response.open_incident(by=person(self.request), now=timezone.now(), **entered)

    @action(detail=True, methods=["post"], capability="compliance.change_incident", serializer_class=EntrySerializer)
    def entries(self, request: Request, pk: str | None = None) -> Response:  # noqa: ARG002
        """The new line of the time line."""
        incident = self.get_object()
        entered = EntrySerializer(data=request.data, context=self.get_serializer_context())
        entered.is_valid(raise_exception=True)
        entry = response.add_entry(incident=incident, by=person(request), now=timezone.now(), **entered.validated_data)
        return Response(EntrySerializer(entry).data, status=status.HTTP_201_CREATED)

    @action(detail=True, methods=["post"], capability="compliance.close_incident", serializer_class=CauseSerializer)
    def close(self, request: Request, pk: str | None = None) -> Response:  # noqa: ARG002
        """The incident, closed."""
        incident = self.get_object()
        entered = CauseSerializer(data=request.data)
        entered.is_valid(raise_exception=True)
        closed = response.close_incident(
            incident=incident, by=person(request), now=timezone.now(), **entered.validated_data
        )
        return Response(IncidentSerializer(closed, context=self.get_serializer_context()).data)


class DocumentSerializer(ScopedSerializer):
    """A document; `upload` is its file when it is added."""

    upload = serializers.FileField(write_only=True)

    class Meta:
        model = Document
        exclude = ("storage_name",)
        read_only_fields = (
            "file_name",
            "media_type",
            "size_bytes",
            "sha256",
            "version",
            "replaces",
            "uploaded_at",
            "uploaded_by",
            "task",
            "plan",
            "sample",
            "circuit",
            "permit",
            "incident",
            "equipment",
            "meter",
        )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """The values; the service looks into the file."""
        return attrs


class DocumentViewSet(mixins.CreateModelMixin, ComplianceViewSet):
    """Documents."""

    queryset = Document.objects.all()
    serializer_class = DocumentSerializer
    filterset_class = filters.DocumentFilter

    def perform_create(self, serializer: Any) -> None:
        """Store the document."""
        serializer.instance = evidence.store_document(
            by=person(self.request), now=timezone.now(), **serializer.validated_data
        )


class PackSerializer(ScopedSerializer):
    """An audit pack; `first_on` and `last_on` are the days it tells about when it is asked for."""

    first_on = serializers.DateField(write_only=True)
    last_on = serializers.DateField(write_only=True)

    class Meta:
        model = AuditPack
        fields = (
            "id",
            "sites",
            "title",
            "starts_at",
            "ends_at",
            "as_of",
            "state",
            "asked_by",
            "asked_at",
            "sha256",
            "size_bytes",
            "file_count",
            "built_at",
            "error",
            "first_on",
            "last_on",
        )
        read_only_fields = (
            "starts_at",
            "ends_at",
            "state",
            "asked_by",
            "asked_at",
            "sha256",
            "size_bytes",
            "file_count",
            "built_at",
            "error",
        )
        extra_kwargs: ClassVar = {"as_of": {"required": False}, "title": {"required": False}}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """The values, with days in order."""
        if attrs["last_on"] < attrs["first_on"]:
            raise serializers.ValidationError({"last_on": "The last day is before the first."})
        return attrs


class PackViewSet(mixins.CreateModelMixin, ComplianceViewSet):
    """Audit packs."""

    queryset = AuditPack.objects.prefetch_related("sites")
    serializer_class = PackSerializer
    filterset_class = filters.PackFilter

    def get_permissions(self) -> Any:
        """Adding a pack is building one."""
        self.capability = "compliance.build_auditpack"
        return super().get_permissions()

    def perform_create(self, serializer: Any) -> None:
        """Ask for the pack."""
        entered, now = serializer.validated_data, timezone.now()
        sites: list[Site] = list(entered["sites"])
        wanted = packs.Wanted(sites, entered["first_on"], entered["last_on"], entered.get("as_of") or now)
        serializer.instance = packs.order_pack(
            wanted=wanted, by=person(self.request), now=now, title=entered.get("title", "")
        )


router = SimpleRouter()
router.register("maintenance-plans", PlanViewSet, "maintenanceplan")
router.register("tasks", TaskViewSet, "task")
router.register("water-circuits", CircuitViewSet, "watercircuit")
router.register("water-samples", SampleViewSet, "watersample")
router.register("water-limits", LimitViewSet, "waterlimit")
router.register("permits", PermitViewSet, "permit")
router.register("incidents", IncidentViewSet, "incident")
router.register("documents", DocumentViewSet, "document")
router.register("audit-packs", PackViewSet, "auditpack")
