"""Offtakers, contracts, service levels and bills over HTTP."""

from datetime import date
from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter

from accounts.scoped_api import Capability, ScopedReadOnlyViewSet, ScopedSerializer, ScopedViewSet, person
from contracts.domain import sla
from contracts.models import (
    BillingBlock,
    BillingRun,
    Contact,
    Contract,
    Counterfactual,
    CreditNote,
    FaultReport,
    Invoice,
    InvoiceLine,
    LegalEntity,
    Offtaker,
    PriceTerms,
    SlaResult,
    SlaTerms,
    TrueUp,
)
from contracts.queries import reproduction, service_levels, terms
from contracts.services import billing, contracting, crediting, faults, runs


class ReadCapability(Capability):
    """Reading, too, needs the model's view permission: bills are not for everyone who sees the heat."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Whether the user's roles allow the method on the view's model."""
        model = view.queryset.model
        may_view = request.user.has_perm(f"{model._meta.app_label}.view_{model._meta.model_name}")
        return may_view and super().has_permission(request, view)


class LegalEntitySerializer(ScopedSerializer):
    """A seller."""

    class Meta:
        model = LegalEntity
        fields = (
            "id", "code", "name", "address", "country", "vat_number", "registration", "email", "phone", "bank_name",
            "iban", "bic", "payment_days", "requires_acceptance", "least_true_up_amount",
        )  # fmt: skip


class LegalEntityViewSet(ScopedViewSet):
    """Sellers."""

    http_method_names = ("get", "post", "patch", "head", "options")
    queryset = LegalEntity.objects.all()
    serializer_class = LegalEntitySerializer
    permission_classes = (ReadCapability,)


class OfftakerSerializer(ScopedSerializer):
    """An offtaker."""

    class Meta:
        model = Offtaker
        fields = (
            "id", "code", "name", "kind", "address", "country", "vat_number", "billing_email", "language", "notes",
        )  # fmt: skip


class OfftakerViewSet(ScopedViewSet):
    """Offtakers."""

    http_method_names = ("get", "post", "patch", "head", "options")
    queryset = Offtaker.objects.all()
    serializer_class = OfftakerSerializer
    filterset_fields = ("kind", "country")


class ContactSerializer(ScopedSerializer):
    """A person at an offtaker."""

    class Meta:
        model = Contact
        fields = ("id", "offtaker", "name", "role", "email", "phone")


class ContactViewSet(ScopedViewSet):
    """Persons at offtakers."""

    queryset = Contact.objects.all()
    serializer_class = ContactSerializer
    filterset_fields = ("offtaker", "role")


class CounterfactualSerializer(ScopedSerializer):
    """What the heat replaces."""

    class Meta:
        model = Counterfactual
        fields = (
            "id", "offtaker", "valid_from", "fuel_name", "currency", "fuel_per_kwh", "boiler_ratio", "fuel_g_per_kwh",
            "source",
        )  # fmt: skip


class CounterfactualViewSet(ScopedViewSet):
    """What the heat replaces."""

    capability = "contracts.change_offtaker"
    http_method_names = ("get", "post", "head", "options")
    queryset = Counterfactual.objects.all()
    serializer_class = CounterfactualSerializer
    filterset_fields = ("offtaker",)


class ContractSerializer(ScopedSerializer):
    """A contract, without its terms."""

    time_zone = serializers.CharField(required=False)

    class Meta:
        model = Contract
        fields = (
            "id", "number", "offtaker", "delivery_point", "legal_entity", "currency", "time_zone", "starts_on",
            "ends_on", "state", "expected_kwh_per_year", "notes",
        )  # fmt: skip
        read_only_fields = ("state",)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """The values, the time zone taken from the site where none is given."""
        if self.instance is None:
            attrs.setdefault("time_zone", attrs["delivery_point"].site.time_zone)
        return super().validate(attrs)


class EndSerializer(serializers.Serializer[Any]):
    """When a contract ends."""

    ends_on = serializers.DateField()


class ContractViewSet(ScopedViewSet):
    """Contracts; new ones are drafts."""

    http_method_names = ("get", "post", "patch", "head", "options")
    queryset = Contract.objects.select_related("delivery_point__site")
    serializer_class = ContractSerializer
    filterset_fields = ("state", "offtaker", "delivery_point", "number")

    def perform_create(self, serializer: Any) -> None:
        """Draft the contract."""
        serializer.instance = contracting.draft_contract(
            by=person(self.request), now=timezone.now(), **serializer.validated_data
        )

    def perform_update(self, serializer: Any) -> None:
        """Change the contract."""
        stored = Contract.objects.get(pk=serializer.instance.pk)
        serializer.instance = contracting.change_contract(
            contract=stored, by=person(self.request), now=timezone.now(), **serializer.validated_data
        )

    def _require(self, capability: str) -> None:
        if not self.request.user.has_perm(capability):
            self.permission_denied(self.request)

    @action(detail=True, methods=["post"])
    def activate(self, request: Request, pk: str | None = None) -> Response:  # noqa: ARG002
        """Put the contract in force."""
        contract = self.get_object()
        self._require("contracts.activate_contract")
        contract = contracting.activate_contract(contract=contract, by=person(request), now=timezone.now())
        return Response(self.get_serializer(contract).data)

    @action(detail=True, methods=["post"], serializer_class=EndSerializer)
    def end(self, request: Request, pk: str | None = None) -> Response:  # noqa: ARG002
        """End the contract."""
        contract = self.get_object()
        self._require("contracts.activate_contract")
        given = self.get_serializer(data=request.data)
        given.is_valid(raise_exception=True)
        contract = contracting.end_contract(
            contract=contract, by=person(request), now=timezone.now(), **given.validated_data
        )
        return Response(ContractSerializer(contract, context=self.get_serializer_context()).data)

    @action(detail=True, url_path="service-days")
    def service_days(self, request: Request, pk: str | None = None) -> Response:  # noqa: ARG002
        """The class of every quarter hour of a month (`?month=2026-10`), one letter each, day by day."""
        contract = self.get_object()
        month_on = month_of(request)
        days = service_levels.days_of(contract, month_on, terms.next_month(month_on))
        rows = [{"day": day.day_on, "starts_at": day.starts_at, "classes": day.classes} for day in days]
        return Response({"letters": {kind.value: kind.name.lower() for kind in sla.Class}, "days": rows})


def month_of(request: Request) -> date:
    """The month asked for in the address."""
    try:
        return date.fromisoformat(f"{request.query_params.get('month', '')}-01")
    except ValueError as wrong:
        raise NotFound from wrong


class PriceTermsSerializer(ScopedSerializer):
    """What heat costs from a day on."""

    class Meta:
        model = PriceTerms
        fields = (
            "id", "contract", "valid_from", "valid_until", "energy_per_kwh", "standing_per_day", "standing_per_month",
            "vat_ratio", "vat_note", "reason",
        )  # fmt: skip
        read_only_fields = ("valid_until",)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """The values; terms that hold now are ended by the service, so overlap is no error here."""
        return attrs


class PriceTermsViewSet(ScopedViewSet):
    """Price terms; new ones end those before."""

    http_method_names = ("get", "post", "head", "options")
    queryset = PriceTerms.objects.all()
    serializer_class = PriceTermsSerializer
    filterset_fields = ("contract",)

    def perform_create(self, serializer: Any) -> None:
        """Agree on the price."""
        serializer.instance = contracting.agree_price(
            by=person(self.request), now=timezone.now(), **serializer.validated_data
        )


class SlaTermsSerializer(ScopedSerializer):
    """What service is promised from a day on."""

    class Meta:
        model = SlaTerms
        fields = (
            "id", "contract", "valid_from", "valid_until", "supply_min_c", "supply_max_c", "target_ratio",
            "credit_ratio", "credit_cap_ratio", "notice_h", "no_data_grace_h", "reason",
        )  # fmt: skip
        read_only_fields = ("valid_until",)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """The values; terms that hold now are ended by the service, so overlap is no error here."""
        return attrs


class SlaTermsViewSet(ScopedViewSet):
    """SLA terms; new ones end those before."""

    http_method_names = ("get", "post", "head", "options")
    queryset = SlaTerms.objects.all()
    serializer_class = SlaTermsSerializer
    filterset_fields = ("contract",)

    def perform_create(self, serializer: Any) -> None:
        """Agree on the service."""
        serializer.instance = contracting.agree_service(
            by=person(self.request), now=timezone.now(), **serializer.validated_data
        )


class SlaResultSerializer(ScopedSerializer):
    """The service level of a month."""

    class Meta:
        model = SlaResult
        fields = (
            "id", "contract", "month_on", "version", "is_latest", "terms", "total_minutes", "met_minutes",
            "failed_minutes", "planned_minutes", "no_demand_minutes", "no_data_minutes", "offtaker_minutes",
            "force_majeure_minutes", "availability_ratio", "target_ratio", "credit_ratio", "inputs", "judged_at",
        )  # fmt: skip


class SlaResultViewSet(ScopedReadOnlyViewSet):
    """Service levels of months."""

    queryset = SlaResult.objects.all()
    serializer_class = SlaResultSerializer
    filterset_fields = ("contract", "month_on", "is_latest")


class InvoiceLineSerializer(ScopedSerializer):
    """A line with its evidence."""

    class Meta:
        model = InvoiceLine
        fields = (
            "position", "kind", "starts_on", "ends_on", "quantity", "unit", "unit_price", "net_amount", "vat_ratio",
            "evidence",
        )  # fmt: skip


class InvoiceSerializer(ScopedSerializer):
    """An invoice with its lines."""

    lines = InvoiceLineSerializer(many=True, read_only=True)

    class Meta:
        model = Invoice
        fields = (
            "id", "number", "state", "contract", "month_on", "revision", "starts_on", "ends_on", "issued_on", "due_on",
            "currency", "heat_kwh", "actual_ratio", "net_amount", "vat_amount", "gross_amount", "vat_summary", "facts",
            "sla_result", "replaces", "drafted_at", "reviewed_at", "issued_at", "lines",
        )  # fmt: skip


class CreditRequestSerializer(serializers.Serializer[Any]):
    """What to credit, and why; no amount means the whole invoice."""

    net_amount = serializers.DecimalField(max_digits=14, decimal_places=3, required=False)
    reason = serializers.CharField(max_length=300)


class InvoiceViewSet(ScopedReadOnlyViewSet):
    """Invoices; steps of their life are POSTs."""

    queryset = Invoice.objects.select_related("contract__delivery_point__site").prefetch_related("lines")
    serializer_class = InvoiceSerializer
    permission_classes = (ReadCapability,)
    filterset_fields = ("contract", "month_on", "state", "number")

    def get_permissions(self) -> list[Any]:
        """Reading asks for the view permission; each step asks for its own."""
        return [ReadCapability()] if self.request.method in {"GET", "HEAD", "OPTIONS"} else [StepCapability()]

    @action(detail=True)
    def pdf(self, request: Request, pk: str | None = None) -> HttpResponse:  # noqa: ARG002
        """The PDF as it was stored when the invoice was issued."""
        document = getattr(self.get_object(), "document", None)
        if document is None:
            raise NotFound
        return HttpResponse(bytes(document.pdf), content_type="application/pdf")

    @action(detail=True)
    def reproduction(self, request: Request, pk: str | None = None) -> Response:  # noqa: ARG002
        """The invoice computed once more, with every difference."""
        invoice = self.get_object()
        if invoice.number is None:
            raise NotFound
        result = reproduction.reproduce(invoice)
        return Response(
            {"number": invoice.number, "differences": [str(each) for each in result.differences], "notes": result.notes}
        )

    @action(detail=True, methods=["post"])
    def review(self, request: Request, pk: str | None = None) -> Response:  # noqa: ARG002
        """Mark the draft as reviewed."""
        invoice = billing.review_invoice(invoice=self.get_object(), by=person(request), now=timezone.now())
        return Response(self.get_serializer(invoice).data)

    @action(detail=True, methods=["post"])
    def issue(self, request: Request, pk: str | None = None) -> Response:  # noqa: ARG002
        """Issue the reviewed invoice; this cannot be undone."""
        invoice = billing.issue_invoice(invoice=self.get_object(), by=person(request), now=timezone.now())
        return Response(self.get_serializer(invoice).data)

    @action(detail=True, methods=["post"], serializer_class=CreditRequestSerializer)
    def credit(self, request: Request, pk: str | None = None) -> Response:  # noqa: ARG002
        """Propose a credit note."""
        given = self.get_serializer(data=request.data)
        invoice = self.get_object()
        given.is_valid(raise_exception=True)
        note = crediting.propose_credit(invoice=invoice, by=person(request), now=timezone.now(), **given.validated_data)
        context = self.get_serializer_context()
        return Response(CreditNoteSerializer(note, context=context).data, status=status.HTTP_201_CREATED)


class StepCapability(Capability):
    """A step of a document's life needs the permission of that step."""

    STEPS = {
        "review": "contracts.review_invoice",
        "issue": "contracts.issue_invoice",
        "credit": "contracts.propose_creditnote",
        "approve": "contracts.approve_creditnote",
        "refuse": "contracts.approve_creditnote",
    }

    def has_permission(self, request: Request, view: Any) -> bool:
        """Whether the user's roles allow the step."""
        needed = self.STEPS.get(getattr(view, "action", None) or "", "")
        return bool(needed) and request.user.is_authenticated and request.user.has_perm(needed)


class CreditNoteSerializer(ScopedSerializer):
    """A credit note."""

    class Meta:
        model = CreditNote
        fields = (
            "id", "number", "state", "invoice", "reason", "is_whole", "currency", "net_amount", "vat_amount",
            "gross_amount", "vat_summary", "requested_at", "decided_at", "issued_on", "sha256",
        )  # fmt: skip


class CreditNoteViewSet(ScopedReadOnlyViewSet):
    """Credit notes; the decision is a POST."""

    queryset = CreditNote.objects.defer("pdf")
    serializer_class = CreditNoteSerializer
    filterset_fields = ("invoice", "state", "number")

    def get_permissions(self) -> list[Any]:
        """Reading asks for the view permission; each step asks for its own."""
        return [ReadCapability()] if self.request.method in {"GET", "HEAD", "OPTIONS"} else [StepCapability()]

    @action(detail=True, methods=["post"])
    def approve(self, request: Request, pk: str | None = None) -> Response:  # noqa: ARG002
        """Issue the credit note; this cannot be undone."""
        note = crediting.approve_credit(credit=self.get_object(), by=person(request), now=timezone.now())
        return Response(self.get_serializer(note).data)

    @action(detail=True, methods=["post"])
    def refuse(self, request: Request, pk: str | None = None) -> Response:  # noqa: ARG002
        """Refuse the proposal."""
        note = crediting.refuse_credit(credit=self.get_object(), by=person(request), now=timezone.now())
        return Response(self.get_serializer(note).data)


class TrueUpSerializer(ScopedSerializer):
    """What an issued invoice is off by, and how it was settled."""

    class Meta:
        model = TrueUp
        fields = (
            "id", "invoice", "state", "reasons", "problems", "billed_kwh", "estimated_kwh", "now_kwh", "delta_kwh",
            "billed_net_amount", "billed_gross_amount", "now_net_amount", "now_gross_amount", "delta_net_amount",
            "delta_gross_amount", "lines", "found_at", "computed_at", "note", "proposed_at", "needs_second_person",
            "decided_at", "credit_note", "replacement",
        )  # fmt: skip


class TrueUpViewSet(ScopedReadOnlyViewSet):
    """Issued invoices that the records no longer bear out."""

    queryset = TrueUp.objects.all()
    serializer_class = TrueUpSerializer
    permission_classes = (ReadCapability,)
    filterset_fields = ("invoice", "state", "invoice__contract", "invoice__month_on")


class BillingBlockSerializer(ScopedSerializer):
    """Why a month cannot be billed."""

    class Meta:
        model = BillingBlock
        fields = ("id", "contract", "month_on", "code", "facts", "found_at")


class BillingBlockViewSet(ScopedReadOnlyViewSet):
    """Why months cannot be billed."""

    queryset = BillingBlock.objects.all()
    serializer_class = BillingBlockSerializer
    permission_classes = (ReadCapability,)
    filterset_fields = ("contract", "month_on", "code")


class BillingRunSerializer(ScopedSerializer):
    """A pass over the contracts of a month."""

    class Meta:
        model = BillingRun
        fields = (
            "id", "month_on", "issues", "drafted_count", "issued_count", "blocked_count", "skipped_count",
            "started_at", "finished_at",
        )  # fmt: skip
        read_only_fields = (
            "drafted_count", "issued_count", "blocked_count", "skipped_count", "started_at", "finished_at",
        )  # fmt: skip


class BillingRunViewSet(ScopedViewSet):
    """Billing runs; a POST starts one. With `issues`, what is reviewed is issued."""

    http_method_names = ("get", "post", "head", "options")
    queryset = BillingRun.objects.all()
    serializer_class = BillingRunSerializer
    permission_classes = (ReadCapability,)
    capability = "contracts.run_billing"
    filterset_fields = ("month_on",)

    def perform_create(self, serializer: Any) -> None:
        """Ask for the run."""
        given = serializer.validated_data
        if given.get("issues") and not self.request.user.has_perm("contracts.issue_invoice"):
            self.permission_denied(self.request)
        serializer.instance = runs.ask_for_run(
            month_on=given["month_on"], by=person(self.request), now=timezone.now(), issues=given.get("issues", False)
        )


class FaultReportSerializer(ScopedSerializer):
    """What an offtaker says is wrong."""

    class Meta:
        model = FaultReport
        fields = ("id", "contract", "what", "phone", "reported_at")
        read_only_fields = ("reported_at",)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """The values; who reports and when is added by the service."""
        return attrs


class ReportCapability(Capability):
    """Whoever may see a contract may report a fault of it."""

    def has_permission(self, request: Request, view: Any) -> bool:  # noqa: ARG002
        """Whether the user may see anything at all."""
        return request.user.is_authenticated and request.user.is_active


class FaultReportViewSet(ScopedViewSet):
    """Fault reports."""

    http_method_names = ("get", "post", "head", "options")
    queryset = FaultReport.objects.all()
    serializer_class = FaultReportSerializer
    permission_classes = (ReportCapability,)
    filterset_fields = ("contract",)

    def perform_create(self, serializer: Any) -> None:
        """Store and announce the report."""
        serializer.instance = faults.report_fault(
            by=person(self.request), now=timezone.now(), **serializer.validated_data
        )


router = SimpleRouter()
router.register("legal-entities", LegalEntityViewSet)
router.register("offtakers", OfftakerViewSet)
router.register("contacts", ContactViewSet)
router.register("counterfactuals", CounterfactualViewSet)
router.register("contracts", ContractViewSet)
router.register("price-terms", PriceTermsViewSet)
router.register("sla-terms", SlaTermsViewSet)
router.register("sla-results", SlaResultViewSet)
router.register("invoices", InvoiceViewSet)
router.register("credit-notes", CreditNoteViewSet)
router.register("true-ups", TrueUpViewSet)
router.register("billing-blocks", BillingBlockViewSet)
router.register("billing-runs", BillingRunViewSet)
router.register("fault-reports", FaultReportViewSet)
