"""The mark of a demo database, without which no demo short cut works."""

from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.models import DemoMark, User
from kernel.errors import Refusal


class DatabaseIsInUse(Refusal):
    """A database that people use never becomes a demo."""


@transaction.atomic
def mark_as_demo(*, now: datetime) -> DemoMark:
    """The mark; only an empty database takes it, and marking twice changes nothing."""
    mark = DemoMark.objects.first()
    if mark is not None:
        return mark
    if User.objects.exists():
        raise DatabaseIsInUse(_("This database has people in it; demo data goes into an empty one."))
    return DemoMark.objects.create(marked_at=now)


def is_marked() -> bool:
    """Whether the database holds demo data."""
    return DemoMark.objects.exists()


def bypass_is_active() -> bool:
    """Whether staff may work without a second factor: asked for in the environment and a demo database."""
    return bool(settings.DEMO) and is_marked()
