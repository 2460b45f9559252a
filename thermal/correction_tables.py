"""The table of corrections."""

from typing import Any

import django_tables2
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts import tables
from thermal.models import Correction

STATE_LEVELS = {"proposed": "warn", "applied": "ok", "rejected": "unknown", "withdrawn": "unknown"}
ON_ONE_LINE = {"td": {"class": "text-nowrap"}}


class CorrectionTable(tables.PortalTable):
    """What was corrected, that which waits for the reader first."""

    proposed_at = tables.InstantColumn(site="site", attrs=ON_ONE_LINE)
    kind = tables.NameColumn(attrs={"td": {"class": "row-name text-nowrap"}})
    state = tables.StateColumn(STATE_LEVELS)
    subject = django_tables2.Column(empty_values=(), verbose_name=_("concerns"), order_by=("meter__serial",))
    site = django_tables2.Column()
    starts_at = tables.InstantColumn(site="site", attrs=ON_ONE_LINE)
    heat_kwh = tables.QuantityColumn(unit="kWh", digits=2)
    bill_ratio = tables.QuantityColumn(unit="%", factor=100, digits=2)
    author = django_tables2.Column()
    approver = django_tables2.Column()

    class Meta(tables.PortalTable.Meta):
        model = Correction
        fields: Any = (
            "kind", "state", "subject", "site", "starts_at", "heat_kwh", "bill_ratio", "author", "approver",
            "proposed_at",
        )  # fmt: skip
        sequence = fields

    def render_state(self, value: Any, record: Any, column: Any, bound_column: Any) -> SafeString:
        badge = column.render(value, record, bound_column)
        if record.is_outdated:
            return format_html("{} <strong>{}</strong>", badge, _("readings arrived since; withdraw?"))
        return format_html("{} <strong>{}</strong>", badge, _("waits for you")) if record.waits_for_you else badge

    def render_subject(self, record: Correction) -> SafeString | str:
        row = record.meter or record.delivery_point
        return format_html('<a href="{}">{}</a>', row.get_absolute_url(), row) if row else "–"

    def value_subject(self, record: Correction) -> str:
        return str(record.meter or record.delivery_point or "")
