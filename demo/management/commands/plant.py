"""Switches faults of the running demo plant on and off."""

import math
import time
from argparse import ArgumentParser
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from demo.plant.faults import Fault
from demo.record import PlantRecord
from demo.sites import PLANTS
from kernel.errors import Refusal

# The plant looks once a second; a fault that begins a little later finds it ready.
LEAD_S: Final = 2


class Command(BaseCommand):
    """`manage.py plant --fault pump-failure --site BER-POOL [--clear]`, or `--list`."""

    help = "Switches a fault of the demo plant on (or off with --clear), or lists what is on."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--fault", choices=[fault.value for fault in Fault])
        parser.add_argument("--site", choices=[plant.code for plant in PLANTS])
        parser.add_argument("--clear", action="store_true", help="switch the fault off")
        parser.add_argument("--list", action="store_true", help="show the faults that are on")

    def handle(self, *_args: Any, **options: Any) -> None:
        record = PlantRecord(settings.VAR_DIR / "demo")
        try:
            if options["list"]:
                self._list(record)
            elif options["fault"] and options["site"]:
                self._switch(record, Fault(options["fault"]), options["site"], clear=options["clear"])
            else:
                raise CommandError("Give --fault and --site, or --list.")
        except Refusal as refusal:
            raise CommandError(refusal.detail) from refusal

    def _switch(self, record: PlantRecord, fault: Fault, site: str, *, clear: bool) -> None:
        at_s = float(math.ceil(time.time()) + LEAD_S)
        if clear:
            record.switch_off(site=site, fault=fault, until_s=at_s)
        else:
            record.switch_on(site=site, fault=fault, from_s=at_s)
        self.stdout.write(f"{fault.value} at {site}: {'off' if clear else 'on'} in {LEAD_S} s")

    def _list(self, record: PlantRecord) -> None:
        on = [period for period in record.history().faults if period.covers(time.time() + LEAD_S)]
        for period in on:
            since = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(period.from_s))
            self.stdout.write(f"{period.site}  {period.fault.value}  since {since} UTC")
        if not on:
            self.stdout.write("no fault is on")
