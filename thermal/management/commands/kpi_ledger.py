"""Sum the KPI ledger by hand."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from hosting.models import Site
from thermal.services import kpi_ledger


class Command(BaseCommand):
    """Sum the months whose heat ledger changed, or all of them anew."""

    help = "Sum the marked months of the KPI ledger; with --rebuild, throw the sums away and make them anew."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the scope."""
        parser.add_argument("--site", metavar="CODE", help="only this site")
        parser.add_argument("--rebuild", action="store_true", help="every month, marked or not")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Sum, and say what was written."""
        now, site = timezone.now(), None
        if options["site"]:
            site = Site.objects.filter(code=options["site"]).first()
            if site is None:
                raise CommandError(f"There is no site “{options['site']}”.")
        work = kpi_ledger.rebuild if options["rebuild"] else kpi_ledger.sum_marked
        self.stdout.write(f"{work(now=now, site=site)} sums of sites and months written.")
