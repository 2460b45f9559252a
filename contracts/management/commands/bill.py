"""Bill a month from the command line."""

from argparse import ArgumentParser
from datetime import date, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from contracts.models import Contract
from contracts.queries import blocks, terms
from contracts.services import billing


def month(text: str) -> date:
    """The first day of the month written as YYYY-MM."""
    return datetime.strptime(text, "%Y-%m").date()  # noqa: DTZ007 - a month, not an instant


class Command(BaseCommand):
    """Draft, and with --issue also issue, the invoices of a month."""

    help = "Draft the invoices of a month; with --issue, review and issue them as well."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The month, and what to do with it."""
        parser.add_argument("--month", required=True, type=month, help="YYYY-MM, in the time zone of each contract")
        parser.add_argument("--contract", action="append", default=[], metavar="NUMBER", help="only this one; repeat")
        parser.add_argument("--issue", action="store_true", help="give numbers and PDFs; this cannot be undone")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run the month and print what came of each contract."""
        rows = terms.contracts_in_month(options["month"]).select_related("delivery_point__site", "offtaker")
        chosen = rows.filter(number__in=options["contract"]) if options["contract"] else rows
        if unknown := set(options["contract"]) - set(chosen.values_list("number", flat=True)):
            raise CommandError(f"No contract in force in this month: {', '.join(sorted(unknown))}.")
        summary = billing.run_month(
            month_on=options["month"], by=None, now=timezone.now(), contracts=list(chosen), issue=options["issue"]
        )
        for outcome in summary.outcomes:
            self.stdout.write(line(outcome))
        counts = (summary.drafted_count, summary.issued_count, summary.skipped_count, len(summary.blocked))
        self.stdout.write("{} drafted, {} issued, {} left as they are, {} blocked.".format(*counts))


def line(outcome: billing.Outcome) -> str:
    """What came of one contract."""
    contract: Contract = outcome.contract
    if outcome.problems:
        reasons = [blocks.reason_of(each.code, each.facts, contract).sentence for each in outcome.problems]
        return f"{contract.number}: blocked. {' '.join(reasons)}"
    invoice = outcome.invoice
    if invoice is None:
        return f"{contract.number}: nothing to bill."
    name = invoice.number or invoice.get_state_display()
    return f"{contract.number}: {name}, {invoice.heat_kwh} kWh, {invoice.gross_amount} {invoice.currency}"
