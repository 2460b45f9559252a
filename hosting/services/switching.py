"""Whether a controller is polled: paused while somebody works on it, and resumed."""

from django.db import transaction

from hosting.models import Controller
from kernel.errors import Refusal


class IsPausedAlready(Refusal):
    """The controller is not polled as it is."""

    sentence = "It is paused already."


class IsPolledAlready(Refusal):
    """The controller is polled as it is."""

    sentence = "It is polled already."


@transaction.atomic
def pause_polling(*, controller: Controller) -> Controller:
    """The controller, asked no more until it is resumed; a poll under way comes to its end."""
    return _switch(controller, IsPausedAlready, polled=False)


@transaction.atomic
def resume_polling(*, controller: Controller) -> Controller:
    """The controller, asked again from its next turn."""
    return _switch(controller, IsPolledAlready, polled=True)


def _switch(controller: Controller, idle: type[Refusal], *, polled: bool) -> Controller:
    controller = Controller.objects.select_for_update().get(pk=controller.pk)
    if controller.enabled is polled:
        raise idle
    controller.enabled = polled
    controller.save(update_fields=["enabled"])
    return controller
