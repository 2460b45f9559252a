"""Plans and tasks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import Min, Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.views import scoped
from compliance import filters, forms, tables
from compliance.models import MaintenancePlan, Task
from compliance.services import duties
from compliance.views.records import Action, Fact, ListPage, RecordPage, StepPage, day, fact


class PlanList(ListPage):
    """Every recurring duty."""

    model = MaintenancePlan
    table_class = tables.PlanTable
    filterset_class = filters.PlanFilter
    title = _("Maintenance plans")
    empty_title = _("No plan yet")
    empty_text = _("A plan is a duty that comes back; it makes its tasks by itself.")
    create_url_name = "compliance:plan_create"
    create_label = _("Add a plan")
    create_capability = "compliance.add_maintenanceplan"
    related = ("site", "responsible")

    def get_queryset(self) -> QuerySet[Any]:
        """The plans with the next day on which they are due."""
        next_on = Min("tasks__due_on", filter=Q(tasks__state="open"))
        plans: QuerySet[Any] = super().get_queryset().annotate(next_on=next_on)
        return plans


class PlanDetail(RecordPage):
    """A recurring duty with its tasks."""

    model = MaintenancePlan
    template_name = "compliance/plan_detail.html"
    list_url_name = "compliance:plan_list"
    list_title = _("Maintenance plans")
    related = ("site", "equipment", "circuit", "responsible")

    def facts(self) -> Iterator[Fact]:
        """The rhythm and the rest of the plan."""
        plan: MaintenancePlan = self.object
        yield fact(_("Site"), plan.site)
        yield Fact(_("Subject"), plan.get_subject_display())
        yield Fact(_("Every"), tables.rhythm_of(plan))
        yield Fact(_("First due on"), day(plan.starts_on))
        yield Fact(_("Ends on"), day(plan.ends_on))
        yield Fact(_("Shown as due"), plan.lead_days, unit=str(_("days before")), digits=0)
        yield fact(_("Equipment"), plan.equipment)
        yield fact(_("Water circuit"), plan.circuit)
        yield Fact(_("Responsible"), plan.responsible)
        yield Fact(_("Source"), plan.source)
        yield Fact(_("Needs a document"), _("yes") if plan.needs_document else _("no"))
        yield Fact(_("Active"), _("yes") if plan.active else _("no"))

    def actions(self) -> Iterator[Action]:
        """Changing it."""
        url = reverse("compliance:plan_update", args=[self.object.pk])
        yield Action(_("Change"), url, "compliance.change_maintenanceplan")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The next tasks and the last ones."""
        tasks = self.object.tasks
        return super().get_context_data(
            prose=self.object.instructions,
            open_tasks=tasks.filter(state=Task.State.OPEN)[:10],
            closed_tasks=tasks.exclude(state=Task.State.OPEN).order_by("-due_on")[:10],
            tasks_url=f"{reverse('compliance:task_list')}?plan={self.object.pk}",
            **kwargs,
        )


class PlanCreate(scoped.ScopedCreateView):
    """A new recurring duty."""

    model = MaintenancePlan
    form_class = forms.PlanForm
    capability = "compliance.add_maintenanceplan"

    def get_initial(self) -> dict[str, Any]:
        """The site that the address names."""
        return {"site": self.request.GET.get("site"), "circuit": self.request.GET.get("circuit")}

    def save(self, form: Any) -> Any:
        """The stored plan with its first tasks."""
        return duties.save_plan(plan=form.save(commit=False), by=self.request.user, now=timezone.now())


class PlanUpdate(scoped.ScopedUpdateView):
    """A changed recurring duty."""

    model = MaintenancePlan
    form_class = forms.PlanForm
    capability = "compliance.change_maintenanceplan"

    def save(self, form: Any) -> Any:
        """The changed plan with its tasks made anew."""
        return duties.save_plan(plan=form.save(commit=False), by=self.request.user, now=timezone.now())


class TaskList(ListPage):
    """Everything that is to be done, and what was."""

    model = Task
    table_class = tables.TaskTable
    filterset_class = filters.TaskFilter
    title = _("Tasks")
    empty_title = _("No task yet")
    empty_text = _("Plans, permits, meters and bad water samples make tasks; you can add one, too.")
    create_url_name = "compliance:task_create"
    create_label = _("Add a task")
    create_capability = "compliance.add_task"
    related = ("site", "responsible")


class TaskDetail(RecordPage):
    """A task with its evidence."""

    model = Task
    template_name = "compliance/task_detail.html"
    list_url_name = "compliance:task_list"
    list_title = _("Tasks")
    related = (
        "site",
        "plan",
        "equipment",
        "circuit__site",
        "meter",
        "permit",
        "sample__circuit__site",
        "incident",
        "responsible",
        "done_by",
    )

    def facts(self) -> Iterator[Fact]:
        """What is to be done by when, and what came out."""
        task: Task = self.object
        yield fact(_("Site"), task.site)
        yield Fact(_("Subject"), task.get_subject_display())
        yield Fact(_("Due on"), day(task.due_on))
        yield Fact(_("Reason"), task.get_origin_display())
        for label, row in (
            (_("Plan"), task.plan),
            (_("Equipment"), task.equipment),
            (_("Water circuit"), task.circuit),
            (_("Meter"), task.meter),
            (_("Permit"), task.permit),
            (_("Water sample"), task.sample),
            (_("Incident"), task.incident),
        ):
            if row is not None:
                yield fact(label, row)
        yield Fact(_("Responsible"), task.responsible)
        if task.state != Task.State.OPEN:
            yield Fact(_("Result"), task.get_outcome_display())
            yield Fact(_("Done on"), day(task.done_on))
            yield Fact(_("Closed by"), task.done_by)

    def actions(self) -> Iterator[Action]:
        """Doing it, by a sample where water is asked for, or dropping it."""
        task: Task = self.object
        if task.state != Task.State.OPEN:
            return
        complete = reverse("compliance:task_complete", args=[task.pk])
        if task.circuit_id and task.origin == Task.Origin.PLAN:
            sample = reverse("compliance:sample_create", args=[task.circuit_id])
            yield Action(_("Record the sample"), f"{sample}?task={task.pk}", "compliance.add_watersample", primary=True)
            yield Action(_("Complete without a sample"), complete, "compliance.complete_task")
        else:
            yield Action(_("Complete"), complete, "compliance.complete_task", primary=True)
        yield Action(_("Cancel the task"), reverse("compliance:task_cancel", args=[task.pk]), "compliance.change_task")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """How it stands."""
        word, level = tables.standing_of_task(self.object)
        return super().get_context_data(word=word, level=level, **kwargs)


class TaskCreate(scoped.ScopedCreateView):
    """A task that somebody asks for."""

    model = Task
    form_class = forms.TaskForm
    capability = "compliance.add_task"

    def get_initial(self) -> dict[str, Any]:
        """The site that the address names."""
        return {"site": self.request.GET.get("site"), "due_on": timezone.localdate()}

    def save(self, form: Any) -> Any:
        """The stored task."""
        return duties.add_task(task=form.save(commit=False), by=self.request.user, now=timezone.now())


class TaskComplete(StepPage):
    """A task, done, with evidence."""

    model = Task
    form_class = forms.CompleteForm
    capability = "compliance.complete_task"
    title = _("Complete the task")
    confirm_label = _("Complete")
    success_message = _("The task is done.")
    related = ("site",)

    def get_initial(self) -> dict[str, Any]:
        """Today, at the site."""
        return {"done_on": timezone.now().astimezone(self.object.site.zone).date()}

    def act(self, form: Any) -> Any:
        """The task, done."""
        return duties.complete_task(task=self.object, by=self.request.user, now=timezone.now(), **form.cleaned_data)


class TaskCancel(scoped.ConfirmView):
    """A task that is not needed."""

    model = Task
    form_class = forms.ReasonForm
    capability = "compliance.change_task"
    title = _("Cancel the task")
    consequence = _("The task disappears from what is due. It stays on record with your reason and cannot be reopened.")
    confirm_label = _("Cancel the task")
    related = ("site",)

    def act(self, form: Any) -> Any:
        """The task, cancelled."""
        return duties.cancel_task(task=self.object, by=self.request.user, now=timezone.now(), **form.cleaned_data)
