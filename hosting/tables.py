"""The list tables of sites, equipment, metering and the field."""

from __future__ import annotations

from typing import Any

import django_tables2
from django.utils.translation import gettext_lazy as _

from accounts import tables
from hosting.models import Site

LIFECYCLE_LEVELS = {"live": "ok", "commissioning": "info", "building": "info", "prospect": "info", "suspended": "warn"}


class SiteTable(tables.PortalTable):
    """Sites."""

    code = tables.NameColumn()
    name = django_tables2.Column(linkify=True)
    lifecycle = tables.StateColumn(LIFECYCLE_LEVELS)
    installed_it_kw = tables.QuantityColumn(unit="kW", verbose_name=_("installed IT"))

    class Meta(tables.PortalTable.Meta):
        model = Site
        fields: Any = ("code", "name", "lifecycle", "country", "installed_it_kw", "live_since_on")
