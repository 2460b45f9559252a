"""Permits and their conditions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.views import scoped
from compliance import filters, forms, tables
from compliance.models import Permit
from compliance.services import permits
from compliance.views.records import Action, Fact, ListPage, RecordPage, StepPage, day, fact


class PermitList(ListPage):
    """Every permit."""

    model = Permit
    table_class = tables.PermitTable
    filterset_class = filters.PermitFilter
    title = _("Permits")
    empty_title = _("No permit yet")
    empty_text = _("Record consents, certificates and policies; their renewal becomes a task in time.")
    create_url_name = "compliance:permit_create"
    create_label = _("Add a permit")
    create_capability = "compliance.add_permit"
    related = ("site",)


class PermitDetail(RecordPage):
    """A permit with its conditions and their checks."""

    model = Permit
    template_name = "compliance/permit_detail.html"
    list_url_name = "compliance:permit_list"
    list_title = _("Permits")
    related = ("site", "replaces", "replaced_by")

    def facts(self) -> Iterator[Fact]:
        """Who allows what, from when until when."""
        permit: Permit = self.object
        yield fact(_("Site"), permit.site)
        yield Fact(_("Kind"), permit.get_kind_display())
        yield Fact(_("Authority"), permit.authority)
        yield Fact(_("Reference"), permit.reference)
        yield Fact(_("Issued on"), day(permit.issued_on))
        yield Fact(_("Expires on"), day(permit.expires_on) or _("unlimited"))
        yield Fact(_("Start renewal"), permit.renewal_lead_days, unit=str(_("days before")), digits=0)
        if permit.replaces:
            yield fact(_("Renewal of"), permit.replaces)
        if renewal := getattr(permit, "replaced_by", None):
            yield fact(_("Renewed as"), renewal)

    def actions(self) -> Iterator[Action]:
        """Renewing, conditions, changing, ending."""
        pk, change = self.object.pk, "compliance.change_permit"
        if self.object.status == Permit.Status.GRANTED:
            yield Action(_("Renew"), reverse("compliance:permit_renew", args=[pk]), change, primary=True)
        if self.object.status in {Permit.Status.GRANTED, Permit.Status.APPLIED}:
            yield Action(_("Add a condition"), reverse("compliance:condition_create", args=[pk]), change)
            yield Action(_("Change"), reverse("compliance:permit_update", args=[pk]), change)
            yield Action(_("End"), reverse("compliance:permit_end", args=[pk]), change)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The standing, the conditions and the open tasks."""
        word, level = tables.standing_of_permit(self.object)
        return super().get_context_data(
            word=word,
            level=level,
            prose=self.object.scope,
            conditions=self.object.conditions.select_related("plan"),
            follow_ups=self.object.tasks.all(),
            **kwargs,
        )


class PermitCreate(scoped.ScopedCreateView):
    """A new permit."""

    model = Permit
    form_class = forms.PermitForm
    capability = "compliance.add_permit"

    def get_initial(self) -> dict[str, Any]:
        """The site that the address names."""
        return {"site": self.request.GET.get("site")}

    def save(self, form: Any) -> Any:
        """The stored permit."""
        return permits.save_permit(permit=form.save(commit=False), by=self.request.user, now=timezone.now())


class PermitUpdate(scoped.ScopedUpdateView):
    """A changed permit."""

    model = Permit
    form_class = forms.PermitForm
    capability = "compliance.change_permit"

    def save(self, form: Any) -> Any:
        """The stored permit."""
        return permits.save_permit(permit=form.save(commit=False), by=self.request.user, now=timezone.now())


class PermitRenew(StepPage):
    """The renewal of a permit."""

    model = Permit
    form_class = forms.RenewalForm
    capability = "compliance.change_permit"
    title = _("Renew the permit")
    confirm_label = _("Record the renewal")
    success_message = _("The renewal is recorded; conditions and their checks passed over to it.")

    def act(self, form: Any) -> Any:
        """The renewal."""
        return permits.renew_permit(permit=self.object, by=self.request.user, now=timezone.now(), **form.cleaned_data)


class PermitEnd(scoped.ConfirmView):
    """A permit that is given up."""

    model = Permit
    capability = "compliance.change_permit"
    title = _("End the permit")
    consequence = _("The permit is marked as given up or withdrawn. Checks of its conditions stop.")
    confirm_label = _("End the permit")

    def act(self, form: Any) -> Any:
        """The permit, given up."""
        return permits.end_permit(permit=self.object, by=self.request.user, now=timezone.now())


class ConditionCreate(StepPage):
    """A condition of a permit."""

    model = Permit
    form_class = forms.ConditionForm
    capability = "compliance.change_permit"
    title = _("Add a condition")
    confirm_label = _("Add the condition")
    related = ("site",)

    def act(self, form: Any) -> Any:
        """The stored condition, with its check."""
        entered = form.cleaned_data
        check = None
        if entered["starts_on"]:
            names = ("starts_on", "interval_months", "interval_days")
            check = permits.Check(**{name: entered[name] for name in names})
        return permits.add_condition(
            permit=self.object,
            number=entered["number"],
            text=entered["text"],
            check=check,
            by=self.request.user,
            now=timezone.now(),
        )
