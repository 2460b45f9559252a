"""Builds the demo: a small provider with three sites, and its past up to now."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from demo.seed import building
from demo.seed.people import Login
from kernel.errors import Refusal


class Command(BaseCommand):
    """Adds whatever of the demo is missing; run again after a pause, it fills the time since."""

    help = "Builds the demo data, or brings it up to now, and prints the log-ins."

    def handle(self, *_args: Any, **_options: Any) -> None:
        try:
            self._build()
        except Refusal as refusal:
            raise CommandError(refusal.detail) from refusal

    def _build(self) -> None:
        var, now = settings.VAR_DIR, timezone.now()
        logins = building.build_people(var=var, now=now)
        story = building.build_plant(var=var, now=now)
        with self._stage("Sites, equipment and devices"):
            building.build_inventory(story=story)
        self._print_logins(logins)
        with self._stage("History since the first of " + f"{story.first_month_on:%B %Y}"):
            building.build_history(var=var, now=now, say=self._say)
        with self._stage("Heat ledger"):
            building.build_ledger(now=now)
        with self._stage("Alarms"):
            building.build_alarms(story=story)
        with self._stage("Maintenance, water, permits and incidents"):
            building.build_records(story=story)
        with self._stage("Service levels and invoices"):
            building.build_bills(story=story, now=now)
        with self._stage("Audit pack, ordered"):
            building.order_pack(story=story, now=now)

    def _say(self, text: str) -> None:
        self.stdout.write(f"    {text}")
        self.stdout.flush()

    def _print_logins(self, logins: list[Login]) -> None:
        self.stdout.write("\n  Log-ins of the demo (kept in demo_logins.txt beside the data):\n")
        for login in logins:
            self.stdout.write(f"    {login}")
        self.stdout.write("")
        self.stdout.flush()

    @contextmanager
    def _stage(self, name: str) -> Iterator[None]:
        begun = time.monotonic()
        self.stdout.write(f"  {name} ...")
        self.stdout.flush()
        yield
        self._say(f"done in {time.monotonic() - begun:.1f} s")
