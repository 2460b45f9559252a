"""Checks what must always hold."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from portal import invariants


class Command(BaseCommand):
    """Prints every invariant and what breaks it; exit status 1 if anything does."""

    help = "Checks the invariants of the design over what is stored."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Check all, say all, fail at the end."""
        broken = 0
        for finding in invariants.check(now=timezone.now()):
            mark = "BROKEN" if finding.violations else "holds "
            self.stdout.write(f"{mark} {finding.invariant.number:2d}  {finding.invariant.statement}")
            for violation in finding.violations:
                self.stdout.write(f"           {violation}")
            broken += len(finding.violations)
        if broken:
            raise CommandError(f"{broken} violations")
