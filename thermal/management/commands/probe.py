"""Look at one device."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from hosting.models import Device
from thermal.services import polling


class Command(BaseCommand):
    """Poll one device and print every value with its unit, or why it is missing; nothing is stored."""

    help = "Poll one device and print every value with its unit, or why it is missing. Nothing is stored."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the device."""
        parser.add_argument("device", help="code of the device")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Ask, and print what came."""
        device = Device.objects.select_related("controller").filter(code=options["device"]).first()
        if device is None:
            known = ", ".join(Device.objects.values_list("code", flat=True)[:20]) or "none"
            raise CommandError(f"There is no device “{options['device']}”. Known: {known}.")
        probe = polling.probe_device(device=device, now=timezone.now())
        self._print(probe)
        if not probe.answered:
            sys.exit(1)

    def _print(self, probe: polling.Probe) -> None:
        """Print one line for each value, and what is to be said about the whole."""
        width = max((len(value.name) for value in probe.values), default=0)
        for value in probe.values:
            told = f"{value.value:>16} {value.unit}" if value.value is not None else f"{'–':>16} {value.reason}"
            self.stdout.write(f"{value.slot:>3}  {value.name:<{width}}  {told}".rstrip())
        if probe.identification:
            self.stdout.write(f"The device says that it is {probe.identification}.")
        if probe.error:
            self.stdout.write(probe.error)
        self.stdout.write(f"{probe.request_count} requests in {probe.latency_ms} ms; nothing was stored.")
