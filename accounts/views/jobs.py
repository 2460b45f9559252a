"""Long work: how far it is."""

from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Job
from accounts.services import jobs
from accounts.views import scoped


class JobDetail(scoped.ScopedDetailView):
    """One piece of long work, which shows its own progress."""

    model = Job
    template_name = "accounts/job_detail.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The job and where its progress comes from."""
        context = {"job": self.object, "job_url": reverse("accounts:job_progress", args=[self.object.pk])}
        return super().get_context_data(**context, **kwargs)


class JobProgress(JobDetail):
    """The part of the page that replaces itself."""

    template_name = "components/job_progress.html"


class JobCancel(scoped.ConfirmView):
    """Stops long work."""

    model = Job
    title = _("Cancel the work")
    consequence = _("The work stops at its next step. What is done already stays done.")
    confirm_label = _("Stop the work")
    success_message = _("The work was cancelled.")

    def act(self, form: Any) -> Job:
        """The job, cancelled."""
        return jobs.cancel(job=self.object, by=self.person, now=timezone.now())
