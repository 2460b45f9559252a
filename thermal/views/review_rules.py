"""The rules behind the review: their thresholds, where they hold, and since when."""

from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.http import Http404, HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from accounts.views import scoped
from kernel.errors import Refusal
from thermal.domain.validation import SPECS
from thermal.models import ValidationRule
from thermal.models.validation import Rule
from thermal.queries import rule_words, validation
from thermal.review_filters import ValidationRuleFilter
from thermal.review_forms import RuleForm, ScopeForm
from thermal.review_tables import ValidationRuleTable, scope_of
from thermal.services import validating
from thermal.views.heat import heat_crumb
from thermal.views.review import queue_crumb

CHANGE = "thermal.change_validationrule"


class PlaceIsMissing(Refusal):
    """Thresholds for nowhere in particular."""


def _crumbs() -> list[scoped.Crumb]:
    rules = scoped.Crumb(_("Rules"), reverse("thermal:validationrule_list"))
    return [heat_crumb(), queue_crumb(), rules]


class RuleList(scoped.ScopedListView):
    """The thresholds that hold, or ever held."""

    model = ValidationRule
    capability = validation.REVIEW
    table_class = ValidationRuleTable
    filterset_class = ValidationRuleFilter
    template_name = "thermal/validationrule_list.html"
    related = ("site",)
    title = gettext_lazy("Rules of the review")
    empty_title = gettext_lazy("No rule here")
    empty_text = gettext_lazy("Without a row a rule judges by its proposed defaults.")
    create_url_name = "thermal:validationrule_create"
    create_label = gettext_lazy("Set for one place")
    create_capability = CHANGE

    def breadcrumbs(self) -> list[scoped.Crumb]:
        return _crumbs()[:2]


class RuleDetail(scoped.ScopedDetailView):
    """One rule in one place: what it says, and what it said before."""

    model = ValidationRule
    capability = validation.REVIEW
    template_name = "thermal/validationrule_detail.html"
    related = ("site", "changed_by")

    def breadcrumbs(self) -> list[scoped.Crumb]:
        return _crumbs()

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        rule: ValidationRule = self.object
        same = ValidationRule.objects.filter(
            rule=rule.rule, country=rule.country, accuracy_class=rule.accuracy_class, site=rule.site
        )
        context = {
            "where": scope_of(rule),
            "thresholds": rule_words.thresholds_of(rule.rule, rule.thresholds),
            "fixed": [one.shown() for one in rule_words.fixed_numbers(rule.rule)],
            "versions": same.select_related("changed_by").order_by("-valid_from"),
            "may_change": self.request.user.has_perm(CHANGE) and rule.valid_until is None,
        }
        return super().get_context_data(**{**context, **kwargs})


class RuleChange(scoped.ScopedUpdateView):
    """Lets a rule say something else from a day on."""

    model = ValidationRule
    capability = CHANGE
    form_class: ClassVar[Any] = RuleForm
    related = ("site",)
    submit_label = gettext_lazy("Let it hold")

    def get_form_kwargs(self) -> dict[str, Any]:
        return super().get_form_kwargs() | {"rule": self.object.rule}

    def get_initial(self) -> dict[str, Any]:
        rule: ValidationRule = self.object
        shown = {name: getattr(rule, name) for name in ("severity", "grave_severity", "enabled")}
        return {**shown, **rule.thresholds, "valid_from": timezone.localdate()}

    def get_title(self) -> str:
        return _("%(rule)s: other thresholds") % {"rule": self.object}

    def breadcrumbs(self) -> list[scoped.Crumb]:
        return [*_crumbs(), scoped.Crumb(str(self.object), self.object.get_absolute_url())]

    def save(self, form: Any) -> ValidationRule:
        rule: ValidationRule = self.object
        place = {"country": rule.country, "accuracy_class": rule.accuracy_class, "site": rule.site}
        return _set(form, rule.rule, place, self.person)


class RuleScope(scoped.FormPage):
    """Asks which rule is to say something else where."""

    model = ValidationRule
    capability = CHANGE
    template_name = "components/form_page.html"
    form_class: ClassVar[Any] = ScopeForm
    title = gettext_lazy("Set a rule for one place")
    submit_label = gettext_lazy("Continue")

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated:
            self.require_capability()
        return super().dispatch(request, *args, **kwargs)

    def breadcrumbs(self) -> list[scoped.Crumb]:
        return _crumbs()

    def carry_out(self, form: Any) -> dict[str, Any]:
        chosen: dict[str, Any] = form.cleaned_data
        return chosen

    def get_success_url(self, outcome: dict[str, Any]) -> str:
        site = outcome["site"]
        scope = {"country": outcome["country"], "accuracy_class": outcome["accuracy_class"]}
        query = urlencode({**scope, "site": site.pk if site else ""})
        return reverse("thermal:validationrule_set", args=[outcome["rule"]]) + f"?{query}"


class RuleSet(scoped.FormPage):
    """Sets a rule for one country, accuracy class or site."""

    model = ValidationRule
    capability = CHANGE
    template_name = "components/form_page.html"
    form_class: ClassVar[Any] = RuleForm
    success_message = gettext_lazy("Saved.")
    submit_label = gettext_lazy("Let it hold")

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated:
            self.require_capability()
        return super().dispatch(request, *args, **kwargs)

    def rule(self) -> str:
        """The rule in the address."""
        if self.kwargs["rule"] not in SPECS:
            raise Http404
        return str(self.kwargs["rule"])

    def scope(self) -> ScopeForm:
        """The place in the address."""
        form = ScopeForm({**self.request.GET.dict(), "rule": self.rule()})
        scoped.narrow_choices(form, self.request)
        return form

    def get_form_kwargs(self) -> dict[str, Any]:
        return super().get_form_kwargs() | {"rule": self.rule()}

    def get_initial(self) -> dict[str, Any]:
        spec = SPECS[self.rule()]
        return {
            "valid_from": timezone.localdate(), "severity": int(spec.severity), "grave_severity": int(spec.worst),
        }  # fmt: skip

    def get_title(self) -> str:
        return _("%(rule)s: thresholds for one place") % {"rule": Rule(self.rule()).label}

    def breadcrumbs(self) -> list[scoped.Crumb]:
        return _crumbs()

    def carry_out(self, form: Any) -> ValidationRule:
        scope = self.scope()
        if not scope.is_valid():
            raise PlaceIsMissing(_("Choose one of country, accuracy class and site."))
        return _set(form, self.rule(), scope.cleaned_data, self.person)


def _set(form: Any, rule: str, place: Mapping[str, Any], by: User) -> ValidationRule:
    given = form.cleaned_data
    return validating.set_rule(
        rule=rule, country=place["country"], accuracy_class=place["accuracy_class"], site=place["site"],
        thresholds=form.thresholds(), severity=given["severity"], grave_severity=given["grave_severity"],
        enabled=given["enabled"], source=given["source"], valid_from=given["valid_from"], by=by, now=timezone.now(),
    )  # fmt: skip
