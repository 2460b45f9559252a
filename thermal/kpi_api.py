"""Key figures and disclosures over HTTP."""

import datetime as dt
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, serializers, viewsets
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter

from accounts.scoped_api import Capability, narrow
from hosting.models import Site
from kernel.errors import Refusal
from kernel.periods import Period, as_utc
from thermal.domain.kpis import figures
from thermal.models import KpiSum
from thermal.queries import disclosure_files, kpi_ledger, kpi_words, kpis, regulation
from thermal.queries.kpi_facts import Span
from thermal.queries.kpi_ledger import Shown


class UnknownFigure(Refusal):
    sentence = "There is no key figure “%(figure)s”; there are %(figures)s."


class YearIsMissing(Refusal):
    sentence = "Name the year: ?year=2026, with &month=10 a month of it; or a heating season: ?season=2026."


class PeriodIsMissing(Refusal):
    sentence = "Name the period: ?start=2026-10-01T00:00Z&end=2026-11-01T00:00Z."


class SumSerializer(serializers.Serializer[Any]):
    """A sum that a key figure was made from; `name` in words, `key` as in the sums of months."""

    key = serializers.CharField()
    name = serializers.CharField()
    value = serializers.FloatField(allow_null=True)
    unit = serializers.CharField()
    known_ratio = serializers.FloatField()


class FactSerializer(serializers.Serializer[Any]):
    """A dated fact that a key figure was made with."""

    key = serializers.CharField()
    name = serializers.CharField()
    value = serializers.FloatField()
    unit = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]
    is_verified = serializers.BooleanField()


class KpiSerializer(serializers.Serializer[Any]):
    """A key figure with where it comes from; ratios are shares of one."""

    key = serializers.CharField()
    name = serializers.CharField()
    value = serializers.FloatField(allow_null=True)
    unit = serializers.CharField()
    formula = serializers.CharField()
    boundary = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]
    inputs = SumSerializer(many=True)
    facts = FactSerializer(many=True)
    missing = serializers.ListField(child=serializers.CharField())
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    known_ratio = serializers.FloatField()
    is_estimated = serializers.BooleanField()
    settled_at = serializers.DateTimeField(allow_null=True)
    rule_version = serializers.IntegerField(allow_null=True)
    note = serializers.CharField()


def _plain(shown: Shown, made: kpis.OfPeriod) -> dict[str, Any]:
    figure = shown.figure
    return {
        "key": figure.key,
        "name": kpi_words.FIGURES[figure.key],
        "value": shown.value,
        "unit": figure.unit,
        "formula": figure.formula,
        "boundary": figure.boundary,
        "source": figure.source,
        "inputs": [{**_named(name, one.value), "known_ratio": one.known_ratio} for name, one in shown.inputs.items()],
        "facts": [
            {**_named(name, fact.value), "source": fact.source, "is_verified": fact.is_verified}
            for name, fact in shown.facts.items()
        ],
        "missing": shown.missing,
        "start": made.period.start,
        "end": made.period.end,
        "known_ratio": shown.known_ratio,
        "is_estimated": shown.is_estimated,
        "settled_at": made.standing.settled_at,
        "rule_version": made.standing.rule_version,
        "note": kpi_words.NOTES.get(figure.key, ""),
    }


def _named(key: str, value: float | None) -> dict[str, Any]:
    words = {**kpi_words.INPUTS, **kpi_words.FACTS}
    return {"key": key, "name": words[key], "value": value, "unit": kpi_words.unit_of(key)}


class KpiViewSet(viewsets.GenericViewSet[Any]):
    """Key figures of a site over any period, those of the catalog that the user may read."""

    permission_classes = (Capability,)
    queryset = Site.objects.all()
    serializer_class = KpiSerializer
    lookup_value_regex = r"\d+"

    @extend_schema(
        parameters=[
            OpenApiParameter("start", dt.datetime, required=True),
            OpenApiParameter("end", dt.datetime, required=True),
        ],
        responses=KpiSerializer(many=True),
    )
    def retrieve(self, request: Request, pk: str) -> Response:
        """Return the key figures of the site with this id."""
        site = get_object_or_404(narrow(Site.objects.all(), request.user), pk=pk)
        period = Period(_instant(request, "start"), _instant(request, "end"))
        outside = not request.user.has_perm(kpi_ledger.READ)
        made = kpis.figures_of_period(site=site, period=period, now=timezone.now(), for_everybody=outside)
        return Response(KpiSerializer([_plain(shown, made) for shown in made.figures], many=True).data)


def _instant(request: Request, name: str) -> dt.datetime:
    # A plus sign that was not escaped arrives as a space.
    text = request.query_params.get(name, "").replace(" ", "+")
    try:
        return as_utc(dt.datetime.fromisoformat(text))
    except ValueError:
        raise PeriodIsMissing from None


class ReadsKpis(Capability):
    """Key figures are the provider's own, and an auditor's of the sites granted."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Whether the user may read key figures at all."""
        return super().has_permission(request, view) and request.user.has_perm(kpi_ledger.READ)


class KpiSumSerializer(serializers.ModelSerializer[KpiSum]):
    """What one input adds up to in one local month of a site."""

    class Meta:
        model = KpiSum
        exclude = ("computed_at",)


class KpiSumViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[Any]):
    """The sums that key figures are made of; filter by site, month and input."""

    permission_classes = (ReadsKpis,)
    queryset = KpiSum.objects.order_by("site", "month_on", "input")
    serializer_class = KpiSumSerializer
    filterset_fields: ClassVar = {"site": ["exact"], "month_on": ["exact", "gte", "lt"], "input": ["exact", "in"]}

    def get_queryset(self) -> QuerySet[Any]:
        """The rows that the user may see."""
        rows = super().get_queryset()
        return rows.none() if getattr(self, "swagger_fake_view", False) else narrow(rows, self.request.user)


class RankedSerializer(serializers.Serializer[Any]):
    """A site's key figure among others; shares are shares of one."""

    rank = serializers.IntegerField(allow_null=True)
    site = serializers.CharField(source="site.code")
    name = serializers.CharField(source="site.name")
    value = serializers.FloatField(source="shown.value", allow_null=True)
    unit = serializers.CharField(source="shown.figure.unit")
    known_ratio = serializers.FloatField(source="shown.known_ratio")
    is_estimated = serializers.BooleanField(source="shown.is_estimated")
    missing = serializers.ListField(source="shown.missing", child=serializers.CharField())


class ComparisonViewSet(viewsets.GenericViewSet[Any]):
    """One key figure of all sites, best first."""

    permission_classes = (ReadsKpis,)
    queryset = Site.objects.all()
    serializer_class = RankedSerializer
    pagination_class = None

    @extend_schema(
        parameters=[
            OpenApiParameter("figure", str, required=True, enum=[figure.key for figure in figures.FIGURES]),
            OpenApiParameter("year", int),
            OpenApiParameter("month", int),
            OpenApiParameter("season", int, description="Instead of a year: that in which the heating season begins."),
        ],
        responses=RankedSerializer(many=True),
    )
    def list(self, request: Request) -> Response:
        """Return the sites with their figure."""
        key = request.query_params.get("figure", "")
        if key not in figures.BY_KEY:
            raise UnknownFigure(figure=key, figures=", ".join(figures.BY_KEY))
        sites = list(narrow(Site.objects.order_by("name"), request.user))
        made = kpi_ledger.comparison(
            figure=figures.BY_KEY[key], sites=sites, span=asked_span(request), now=timezone.now()
        )
        return Response(RankedSerializer(made.rows, many=True).data)


def asked_span(request: Request) -> Span:
    """The span that the query names, as on the pages; unlike there, none is made up."""
    try:
        if "season" in request.query_params:
            return kpi_ledger.season_span(int(request.query_params["season"]))
        year = int(request.query_params.get("year", ""))
        month = int(request.query_params.get("month") or 0)
        dt.date(year + 1, month or 1, 1)
    except (ValueError, OverflowError):
        raise YearIsMissing from None
    return kpi_ledger.month_span(year, month) if month else kpi_ledger.year_span(year)


class DisclosureViewSet(viewsets.GenericViewSet[Any]):
    """What the law wants to know of a site and a year."""

    permission_classes = (ReadsKpis,)
    queryset = Site.objects.all()
    serializer_class = serializers.Serializer
    lookup_value_regex = r"\d+"

    @extend_schema(parameters=[OpenApiParameter("year", int)], responses={200: dict[str, Any]})
    def retrieve(self, request: Request, pk: str) -> Response:
        """Return the disclosure of the site with this id; the running year unless one is named."""
        site = get_object_or_404(narrow(Site.objects.all(), request.user), pk=pk)
        year = asked_span(request).first.year if "year" in request.query_params else timezone.localdate().year
        return Response(disclosure_files.as_plain(regulation.disclosure_of(site=site, year=year)))


router = SimpleRouter()
router.register("kpis", KpiViewSet, basename="kpi")
router.register("kpi-sums", KpiSumViewSet)
router.register("kpi-comparison", ComparisonViewSet, basename="kpi-comparison")
router.register("disclosures", DisclosureViewSet, basename="disclosure")
