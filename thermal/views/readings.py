"""The registers of one meter."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from accounts.views import scoped
from hosting.models import Meter
from kernel.errors import Refusal
from thermal.filters import ReadingFilter
from thermal.forms import ImportReadingsForm
from thermal.models import MeterReading
from thermal.services import importing
from thermal.tables import ReadingTable
from thermal.views.heat import heat_crumb

IMPORT = "thermal.import_meterreading"


class ImportReadings(scoped.FormPage, scoped.ScopedObjectPage):
    """Takes a file of register values of a meter; checks it first, and says of each row why it was not taken."""

    model = Meter
    form_class = ImportReadingsForm
    capability = IMPORT
    template_name = "thermal/import_readings.html"
    submit_label = gettext_lazy("Read the file")

    def get_title(self) -> str:
        return _("Import readings of meter %(serial)s") % {"serial": self.object.serial}

    def breadcrumbs(self) -> list[scoped.Crumb]:
        listed = reverse("thermal:reading_list", args=[self.object.pk])
        return [heat_crumb(), scoped.Crumb(_("Readings of meter %(serial)s") % {"serial": self.object.serial}, listed)]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show the report beside the form, which keeps what was typed."""
        form = self.get_form()
        report = None
        if form.is_valid():
            try:
                report = self.carry_out(form)
            except Refusal as refusal:
                form.add_error(None, str(refusal))
        return self.render_to_response(self.get_context_data(form=form, report=report, submit_label=self.submit_label))

    def carry_out(self, form: Any) -> importing.ImportReport:
        given = form.cleaned_data
        values = {"energy_kwh": given["energy_column"]}
        if given["volume_column"]:
            values["volume_m3"] = given["volume_column"]
        columns = importing.Columns(
            time=given["time_column"],
            values=values,
            unit_by_field={"energy_kwh": given["energy_unit"]},
            decimal_comma=given["decimal_comma"],
        )
        return importing.import_readings(
            meter=self.object,
            content=given["file"].read(),
            columns=columns,
            time_zone=given["time_zone"],
            by=scoped_person(self.request),
            now=timezone.now(),
            is_dry_run=given["is_dry_run"],
        )


def scoped_person(request: HttpRequest) -> User | None:
    """The user behind the request."""
    return request.user if request.user.is_authenticated else None


class ReadingList(scoped.ScopedListView):
    """The readings of a meter, newest first."""

    model = MeterReading
    table_class = ReadingTable
    filterset_class = ReadingFilter
    empty_title = gettext_lazy("No reading yet")
    empty_text = gettext_lazy("Readings come by polling, or from a file.")
    create_url_name = "thermal:reading_import"
    create_label = gettext_lazy("Import a file")
    create_capability = IMPORT

    def get_create_url(self) -> str:
        return reverse(self.create_url_name, args=[self.meter.pk])

    def get_queryset(self) -> QuerySet[Any]:
        self.meter = get_object_or_404(scoped.visible(Meter, self.request), pk=self.kwargs["pk"])
        # A meter that was moved told the one place what the other one is not to know.
        return scoped.visible(MeterReading, self.request).filter(meter=self.meter).order_by("-at", "-version")

    def get_table_kwargs(self) -> dict[str, Any]:
        places = self.meter.placements.visible_to(self.request.user).select_related("site")
        placement = places.order_by("-valid_from").first()
        return {"zone": placement.site.time_zone if placement else ""}

    def get_title(self) -> str:
        return _("Readings of meter %(serial)s") % {"serial": self.meter.serial}

    def breadcrumbs(self) -> list[scoped.Crumb]:
        return [heat_crumb()]
