"""What came of the batches and files of a controller that sends by itself."""

from typing import Any

from django.http import Http404
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.views import scoped
from hosting.models import Controller
from hosting.models.field import TOLD_PROTOCOLS, Protocol
from thermal.queries import deliveries
from thermal.services import drop_folder

PARTIAL = "thermal/partials/controller_deliveries.html"


class ControllerDeliveries(scoped.ScopedObjectPage):
    """The last batches and what is missing between them, or the last files; as a page, and for the record page."""

    model = Controller
    related = ("site",)

    def get_object(self) -> Any:
        """The controller, if it sends by itself."""
        controller = super().get_object()
        if controller.protocol not in TOLD_PROTOCOLS:
            raise Http404
        return controller

    def get_template_names(self) -> list[str]:
        """The part alone where the record page asks for it."""
        return [PARTIAL if self.request.headers.get("HX-Request") else "thermal/controller_deliveries.html"]

    def get_title(self) -> str:
        """Whose deliveries."""
        return _("Deliveries of %(controller)s") % {"controller": self.object}

    def breadcrumbs(self) -> list[scoped.Crumb]:
        """The controller."""
        return [scoped.Crumb(str(self.object), self.object.get_absolute_url())]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Batches and gaps, or files; where to send them only for those who set up controllers."""
        controller: Controller = self.object
        is_push = controller.protocol == Protocol.HTTP_PUSH
        place = reverse("api:push", args=[controller.code]) if is_push else str(drop_folder.folder_of(controller))
        context = {
            "is_push": is_push,
            "place": place if self.request.user.has_perm("hosting.change_controller") else "",
            "batches": deliveries.latest_batches(controller) if is_push else [],
            "gaps": deliveries.gaps_of(controller) if is_push else [],
            "files": [] if is_push else deliveries.latest_files(controller),
        }
        return super().get_context_data(**{**context, **kwargs})
