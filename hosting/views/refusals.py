"""The fact, the button and the page about what a device refuses."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.views import scoped
from hosting.models import Device
from hosting.services import refusals
from hosting.views.records import Action, Fact

CAPABILITY = "hosting.change_device"


def places(device: Device) -> list[str]:
    """The ranges that the device refuses of its present profile, as the field language counts them."""
    learned = device.refusals
    if learned.get("profile") != device.profile_id:
        return []
    return [f"{table} {first}–{last}" for table, first, last in learned.get("unreadable", [])]


def facts(device: Device) -> list[Fact]:
    """What is left out at every poll, if anything is."""
    found = places(device)
    return [Fact(gettext("Left out, because the device refuses it"), ", ".join(found))] if found else []


def actions(device: Device) -> list[Action]:
    """The button that makes polling try again."""
    if not device.refusals:
        return []
    return [
        Action(_("Ask for everything again"), "right", reverse("hosting:device_retry", args=[device.pk]), CAPABILITY)
    ]


class RefusalsForget(scoped.ConfirmView):
    """Forgets what a device was found to refuse."""

    model = Device
    capability = CAPABILITY
    title = _("Ask for everything again")
    consequence = _(
        "The next poll asks for every point of the profile. What the device still refuses is found out again, "
        "at the cost of some more requests."
    )
    confirm_label = _("Ask again")
    success_message = _("The next poll asks for everything.")

    def act(self, form: Any) -> None:
        """One call: forget them."""
        refusals.forget_refusals(device=self.object, by=self.person, now=timezone.now())
