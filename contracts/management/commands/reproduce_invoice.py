"""Compute an issued invoice once more."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from contracts.models import Invoice
from contracts.queries import reproduction


class Command(BaseCommand):
    """Recompute an invoice from its evidence and its recorded readings; exit status 1 on any difference."""

    help = "Recompute an issued invoice from stored evidence and recorded readings; exit status 1 on any difference."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The number of the invoice."""
        parser.add_argument("number")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Print the comparison."""
        invoice = Invoice.objects.filter(number=options["number"]).first()
        if invoice is None:
            raise CommandError(f"There is no issued invoice {options['number']}.")
        result = reproduction.reproduce(invoice)
        for note in result.notes:
            self.stdout.write(f"Note: {note}")
        for difference in result.differences:
            self.stdout.write(f"Difference: {difference}")
        verdict = f"{len(result.differences)} differences" if result.differences else "reproduced to the cent"
        self.stdout.write(
            f"{invoice.number}: {invoice.gross_amount} {invoice.currency}, {result.line_count} lines, "
            f"{result.reading_count} readings read again: {verdict}."
        )
        if result.differences:
            sys.exit(1)
