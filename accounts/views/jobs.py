"""How far long work has come."""

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.models import Job
from accounts.views import scoped


class JobDetail(scoped.ScopedDetailView):
    """A piece of long work, with its progress."""

    model = Job
    template_name = "accounts/job_detail.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The job and the address of its progress."""
        url = reverse("accounts:job_progress", args=[self.object.pk])
        return super().get_context_data(job=self.object, job_url=url, **kwargs)


class JobProgress(JobDetail):
    """The fragment that a page includes and that replaces itself while the work goes on."""

    template_name = "components/job_progress.html"
    title = _("Progress")
