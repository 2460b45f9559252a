"""Connections that are kept open between polls."""

import pytest
from django.db import IntegrityError, transaction

from hosting.models import Controller
from tests.makers import hosting

pytestmark = pytest.mark.django_db


def test_no_connection_is_kept_longer_than_an_hour() -> None:
    hosting.make_controller()
    with pytest.raises(IntegrityError, match="controller_keeps_connection_an_hour_at_most"), transaction.atomic():
        Controller.objects.update(keep_open_s=3601)
