"""The alarm console, one alarm, and the rules."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.middleware.csrf import get_token
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts import refusals
from accounts.views import scoped
from kernel.errors import Refusal
from thermal.filters import AlarmFilter, AlarmRuleFilter
from thermal.forms import AcknowledgeForm, AlarmRuleForm
from thermal.models import Alarm, AlarmRule
from thermal.services import alarms
from thermal.tables import AlarmRuleTable, AlarmTable

ACKNOWLEDGE = "thermal.acknowledge_alarm"


def alarm_crumb() -> scoped.Crumb:
    """The first step of the path to every page of alarms."""
    return scoped.Crumb(_("Alarms"), reverse("thermal:alarm_list"))


class AlarmList(scoped.ScopedListView):
    """The alarm console: open alarms by priority and age."""

    model = Alarm
    table_class = AlarmTable
    filterset_class = AlarmFilter
    template_name = "thermal/alarm_list.html"
    related = ("site", "rule")
    title = gettext_lazy("Alarms")
    empty_title = gettext_lazy("No alarm is open")
    empty_text = gettext_lazy("New ones appear here by themselves.")
    bulk_actions = (scoped.BulkAction(gettext_lazy("Acknowledge"), "thermal:alarms_acknowledge", ACKNOWLEDGE),)

    def get_table_kwargs(self) -> dict[str, Any]:
        address = self.request.path
        if self.request.GET:
            address += "?" + urlencode([(k, v) for k, values in self.request.GET.lists() for v in values])
        may = self.request.user.has_perm(ACKNOWLEDGE)
        return {"may_acknowledge": may, "address": address, "token": get_token(self.request) if may else ""}


class AlarmDetail(scoped.ScopedDetailView):
    """One alarm with everything that happened to it."""

    model = Alarm
    template_name = "thermal/alarm_detail.html"
    related = ("site", "rule", "rule__measurement", "rule__device", "suppressed_by", "acknowledged_by")

    def breadcrumbs(self) -> list[scoped.Crumb]:
        return [alarm_crumb()]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        alarm: Alarm = self.object
        words = dict(Alarm.State.choices)
        entries = [
            {
                "at": move.at,
                "title": words[Alarm.State(move.to_state)],
                "who": move.by,
                "text": move.note,
                "level": {"unack": "bad", "ack": "warn"}.get(move.to_state, "ok"),
            }
            for move in alarm.transitions.select_related("by").order_by("-at", "-pk")
        ]
        waits = alarm.state in {Alarm.State.UNACKNOWLEDGED, Alarm.State.RETURNED}
        context = {
            "entries": entries,
            "form": AcknowledgeForm() if waits and self.request.user.has_perm(ACKNOWLEDGE) else None,
        }
        return super().get_context_data(**{**context, **kwargs})


class AlarmAcknowledge(scoped.ScopedObjectPage):
    """Takes note of an alarm, and goes back to where it was pressed."""

    model = Alarm
    capability = ACKNOWLEDGE
    http_method_names = ["post"]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Acknowledge, or say why not."""
        form = AcknowledgeForm(request.POST)
        note = form.cleaned_data["note"] if form.is_valid() else ""
        try:
            alarms.acknowledge(alarm=self.object, by=self.person, note=note, now=timezone.now())
        except Refusal as refusal:
            messages.error(request, refusals.words_of(refusal))
        # htmx follows with the headers of its own request, so the console answers with its table alone.
        back = scoped.local_address(request, request.POST.get("next", ""), self.object.get_absolute_url())
        return HttpResponseRedirect(back, status=303)


class AlarmsAcknowledge(scoped.ScopedBulkView):
    """Takes note of the chosen alarms."""

    model = Alarm
    capability = ACKNOWLEDGE
    list_url_name = "thermal:alarm_list"

    def act(self, row: Alarm) -> None:
        """Acknowledge one."""
        alarms.acknowledge(alarm=row, by=self.person, now=timezone.now())

    def told(self, count: int) -> str:
        """How many were acknowledged."""
        return ngettext("%(count)s alarm acknowledged.", "%(count)s alarms acknowledged.", count) % {"count": count}


class AlarmRuleList(scoped.ScopedListView):
    """The rules."""

    model = AlarmRule
    table_class = AlarmRuleTable
    filterset_class = AlarmRuleFilter
    related = ("site", "measurement", "device")
    title = gettext_lazy("Alarm rules")
    empty_title = gettext_lazy("No rule yet")
    empty_text = gettext_lazy("A rule watches one value of a site, or that a device answers.")
    create_url_name = "thermal:alarmrule_create"
    create_capability = "thermal.add_alarmrule"

    def breadcrumbs(self) -> list[scoped.Crumb]:
        return [alarm_crumb()]


def _rules_crumb() -> scoped.Crumb:
    return scoped.Crumb(_("Alarm rules"), reverse("thermal:alarmrule_list"))


class AlarmRuleDetail(scoped.ScopedDetailView):
    """One rule and its latest alarms."""

    model = AlarmRule
    template_name = "thermal/alarmrule_detail.html"
    related = ("site", "measurement__device", "device", "delivery_point", "equipment__model")

    def breadcrumbs(self) -> list[scoped.Crumb]:
        return [alarm_crumb(), _rules_crumb()]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        user = self.request.user
        context = {
            "unit": alarms.unit_of(self.object),
            "alarms": self.object.alarms.order_by("-raised_at")[:20],
            "may_change": user.has_perm("thermal.change_alarmrule"),
            "may_delete": user.has_perm("thermal.delete_alarmrule"),
        }
        return super().get_context_data(**{**context, **kwargs})


class AlarmRuleCreate(scoped.ScopedCreateView):
    """Adds a rule."""

    model = AlarmRule
    form_class = AlarmRuleForm
    capability = "thermal.add_alarmrule"
    title = gettext_lazy("Add an alarm rule")

    def breadcrumbs(self) -> list[scoped.Crumb]:
        return [alarm_crumb(), _rules_crumb()]


class AlarmRuleUpdate(scoped.ScopedUpdateView):
    """Changes a rule."""

    model = AlarmRule
    form_class = AlarmRuleForm
    capability = "thermal.change_alarmrule"


class AlarmRuleDelete(scoped.ScopedDeleteView):
    """Deletes a rule that never raised an alarm."""

    model = AlarmRule
    capability = "thermal.delete_alarmrule"
    success_url_name = "thermal:alarmrule_list"
