"""Look from the command line at what issued invoices are off by."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from contracts.management.commands.bill import month
from contracts.models import Contract, TrueUp
from contracts.services import billed_marks, true_ups


class Command(BaseCommand):
    """Look at the billed months whose records changed; with --all at every one."""

    help = "Compare issued invoices with today's records where those changed; the schedule does it every two minutes."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which months to look at besides those that are marked."""
        parser.add_argument("--all", action="store_true", help="every billed month, whether it is marked or not")
        parser.add_argument("--contract", metavar="NUMBER", help="with --all: of this contract only")
        parser.add_argument("--month", type=month, help="with --all: YYYY-MM only")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Look, and print what stands open."""
        now = timezone.now()
        if options["all"]:
            billed_marks.mark_all(now=now, contract=_contract(options["contract"]), month_on=options["month"])
        count = true_ups.examine_marked(now=now)
        for row in TrueUp.objects.filter(state__in=TrueUp.LIVE).select_related("invoice").order_by("invoice__number"):
            self.stdout.write(f"{row.invoice.number}: {row.delta_kwh} kWh, {row.delta_gross_amount} {row.currency}")
        self.stdout.write(f"{count} months looked at.")


def _contract(number: str | None) -> Contract | None:
    """The contract of that number."""
    if number is None:
        return None
    found = Contract.objects.filter(number=number).first()
    if found is None:
        raise CommandError(f"No contract {number}.")
    return found
