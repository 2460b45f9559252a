"""The list tables of heat, readings and alarms."""

from typing import Any

import django_tables2
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts import tables
from accounts.templatetags import components
from hosting.models import Device, Site
from thermal.models import Alarm, AlarmRule, HeatInterval, MeterReading, SiteInterval
from thermal.models.alarms import Priority
from thermal.models.ledger import ExportMode
from thermal.services import alarms

QUALITY_LEVELS = {"0": "ok", "1": "ok", "2": "info", "3": "warn", "4": "unknown"}
MODE_LEVELS = {"0": "ok", "1": "info", "2": "info", "3": "warn", "4": "bad", "5": "warn"}
PRIORITY_LEVELS = {"1": "bad", "2": "warn", "3": "info"}
ALARM_LEVELS = {"unack": "bad", "ack": "warn", "rtn": "info", "closed": "ok"}
# In a table wider than its place, a text would be broken into one word per line.
ON_ONE_LINE = {"td": {"class": "text-nowrap"}}
CIRCUIT_LEVELS = {"closed": "ok", "half_open": "warn", "open": "bad"}


class LocalColumn(django_tables2.Column):
    """An instant in the zone of the site that the table was made for; in files in UTC."""

    def render(self, value: Any, table: Any) -> str:
        return components.local_instant(value, getattr(table, "zone", ""))

    def value(self, value: Any) -> Any:
        return value.isoformat() if value else ""


class ZonedTable(tables.PortalTable):
    """A table whose instants are shown in the zone of one site."""

    def __init__(self, *args: Any, zone: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.zone = zone

    class Meta(tables.PortalTable.Meta):
        pass


class WordColumn(django_tables2.Column):
    """A number that stands for a word, as state; None is a dash."""

    def __init__(self, words: Any, levels: dict[str, str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.words, self.levels = words, levels

    def render(self, value: Any) -> str:
        return components.state_badge(str(self.words(value).label), self.levels.get(str(value), "unknown"))

    def value(self, value: Any) -> Any:
        return "" if value is None else str(self.words(value).label)


class HeatTable(tables.PortalTable):
    """Sites and their heat of the last 24 hours."""

    name = django_tables2.Column(verbose_name=_("site"))
    heat_kwh = tables.QuantityColumn(unit="kWh", verbose_name=_("heat, last 24 h"))
    heat_before_kwh = tables.QuantityColumn(unit="kWh", verbose_name=_("24 h before"))
    it_kwh = tables.QuantityColumn(unit="kWh", verbose_name=_("IT, last 24 h"))
    reuse_ratio = tables.QuantityColumn(unit="%", digits=1, factor=100, verbose_name=_("delivered ÷ IT"))
    curtailed_h = tables.QuantityColumn(unit="h", digits=1, verbose_name=_("curtailed"))
    export_mode = WordColumn(ExportMode, MODE_LEVELS, verbose_name=_("export mode"))
    worst_alarm = WordColumn(Priority, PRIORITY_LEVELS, verbose_name=_("worst alarm"))
    last_settled_at = tables.WhenColumn(verbose_name=_("settled up to"))

    class Meta(tables.PortalTable.Meta):
        model = Site
        fields: Any = ("name",)

    def render_name(self, value: str, record: Site) -> SafeString:
        return format_html('<a href="{}">{}</a>', reverse("thermal:site_heat", args=[record.pk]), value)


class SiteIntervalTable(ZonedTable):
    """Quarter hours of a site."""

    start = LocalColumn()
    it_kwh = tables.QuantityColumn(unit="kWh", digits=3)
    total_kwh = tables.QuantityColumn(unit="kWh", digits=3)
    heat_pump_kwh = tables.QuantityColumn(unit="kWh", digits=3)
    captured_kwh = tables.QuantityColumn(unit="kWh", digits=3)
    delivered_kwh = tables.QuantityColumn(unit="kWh", digits=3)
    rejected_kwh = tables.QuantityColumn(unit="kWh", digits=3)
    buffer_change_kwh = tables.QuantityColumn(unit="kWh", digits=3)
    closing_error_kwh = tables.QuantityColumn(unit="kWh", digits=3)
    export_mode = tables.StateColumn(MODE_LEVELS)
    curtailed_s = tables.QuantityColumn(unit="s", digits=0)
    curtailed_kwh = tables.QuantityColumn(unit="kWh", digits=3)
    it_quality = tables.StateColumn(QUALITY_LEVELS)

    class Meta(ZonedTable.Meta):
        model = SiteInterval
        fields: Any = (
            "start",
            "it_kwh",
            "total_kwh",
            "heat_pump_kwh",
            "captured_kwh",
            "delivered_kwh",
            "rejected_kwh",
            "buffer_change_kwh",
            "closing_error_kwh",
            "export_mode",
            "export_cause",
            "export_basis",
            "curtailed_s",
            "curtailed_kwh",
            "it_quality",
            "version",
        )


class HeatIntervalTable(ZonedTable):
    """Quarter hours of a delivery point; the start leads to the readings behind it."""

    start = LocalColumn()
    heat_kwh = tables.QuantityColumn(unit="kWh", digits=4)
    volume_m3 = tables.QuantityColumn(unit="m³", digits=4)
    supply_vw_c = tables.QuantityColumn(unit="°C", digits=1, verbose_name=_("supply, weighted"))
    return_vw_c = tables.QuantityColumn(unit="°C", digits=1, verbose_name=_("return, weighted"))
    supply_mean_c = tables.QuantityColumn(unit="°C", digits=1, verbose_name=_("supply, mean"))
    supply_min_c = tables.QuantityColumn(unit="°C", digits=1, verbose_name=_("supply, lowest"))
    demand = tables.YesNoColumn()
    quality = tables.StateColumn(QUALITY_LEVELS)
    reason = django_tables2.Column(attrs=ON_ONE_LINE)
    version = tables.QuantityColumn(digits=0)

    class Meta(ZonedTable.Meta):
        model = HeatInterval
        fields: Any = (
            "start",
            "heat_kwh",
            "volume_m3",
            "supply_vw_c",
            "return_vw_c",
            "supply_mean_c",
            "supply_min_c",
            "demand",
            "quality",
            "reason",
            "version",
        )

    def render_start(self, value: Any, record: HeatInterval) -> SafeString:
        url = reverse("thermal:interval_detail", args=[record.delivery_point_id, f"{value:%Y%m%dT%H%MZ}"])
        return format_html('<a href="{}">{}</a>', url, components.local_instant(value, self.zone))

    def value_start(self, value: Any) -> str:
        return str(value.isoformat())


class ReadingTable(ZonedTable):
    """Register readings of a meter."""

    at = LocalColumn()
    energy_kwh = tables.QuantityColumn(unit="kWh", digits=4)
    volume_m3 = tables.QuantityColumn(unit="m³", digits=4)
    supply_c = tables.QuantityColumn(unit="°C", digits=2)
    return_c = tables.QuantityColumn(unit="°C", digits=2)
    power_kw = tables.QuantityColumn(unit="kW", digits=2)
    info_code = django_tables2.Column()
    source = django_tables2.Column(attrs=ON_ONE_LINE)
    received_at = tables.WhenColumn(attrs=ON_ONE_LINE)

    class Meta(ZonedTable.Meta):
        model = MeterReading
        fields: Any = (
            "at",
            "version",
            "energy_kwh",
            "volume_m3",
            "supply_c",
            "return_c",
            "power_kw",
            "info_code",
            "source",
            "reason",
            "received_at",
        )


def _row_id(record: Alarm) -> str:
    return f"alarm-{record.pk}"


class AlarmTable(tables.PortalTable):
    """The alarm console."""

    priority = tables.StateColumn(PRIORITY_LEVELS)
    state = tables.StateColumn(ALARM_LEVELS)
    message = tables.NameColumn(verbose_name=_("what happened"))
    site = django_tables2.Column()
    raised_at = tables.WhenColumn(verbose_name=_("since"))
    value = django_tables2.Column(orderable=False, attrs={"th": {"class": "numeric"}, "td": {"class": "numeric"}})
    action = django_tables2.Column(accessor="rule__action", verbose_name=_("what to do"), orderable=False)
    acknowledge = django_tables2.Column(empty_values=(), orderable=False, verbose_name="", exclude_from_export=True)

    class Meta(tables.PortalTable.Meta):
        model = Alarm
        fields: Any = ("priority", "state", "message", "site", "raised_at", "value", "action", "acknowledge")
        row_attrs: Any = {"id": _row_id, "data-alarm": "", "tabindex": "0"}

    def __init__(
        self, *args: Any, may_acknowledge: bool = False, address: str = "", token: str = "", **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.may_acknowledge, self.address, self.token = may_acknowledge, address, token

    def render_value(self, value: float, record: Alarm) -> SafeString:
        shown = components.quantity(value, record.unit)
        limit = components.quantity(record.limit_value, record.unit)
        return format_html('{}<br><span class="text-secondary">{} {}</span>', shown, _("limit"), limit)

    def value_value(self, value: float) -> float:
        return value

    def render_acknowledge(self, record: Alarm) -> str:
        waits = record.state in {Alarm.State.UNACKNOWLEDGED, Alarm.State.RETURNED}
        context = {"alarm": record, "may_acknowledge": self.may_acknowledge and waits, "address": self.address}
        context["token"] = self.token
        return render_to_string("thermal/partials/acknowledge_button.html", context)


class AlarmRuleTable(tables.PortalTable):
    """Alarm rules."""

    name = tables.NameColumn()
    site = django_tables2.Column()
    kind = django_tables2.Column()
    limit_value = tables.QuantityColumn(verbose_name=_("limit"))
    on_delay_s = tables.QuantityColumn(unit="s", digits=0)
    off_delay_s = tables.QuantityColumn(unit="s", digits=0)
    priority = tables.StateColumn(PRIORITY_LEVELS)
    enabled = django_tables2.BooleanColumn(yesno=(_("yes"), _("no")))
    evaluated_at = tables.WhenColumn(verbose_name=_("last judged"))

    class Meta(tables.PortalTable.Meta):
        model = AlarmRule
        fields: Any = (
            "name",
            "site",
            "kind",
            "limit_value",
            "on_delay_s",
            "off_delay_s",
            "priority",
            "enabled",
            "evaluated_at",
        )

    def render_limit_value(self, value: float, record: AlarmRule) -> str:
        return components.quantity(value, alarms.unit_of(record))

    def value_limit_value(self, value: float) -> float:
        return value


class DataHealthTable(tables.PortalTable):
    """Devices and how well they are read."""

    code = tables.NameColumn(verbose_name=_("device"), attrs={"td": {"class": "row-name text-nowrap"}})
    site = django_tables2.Column(
        accessor="controller__site", verbose_name=_("site"), order_by="controller__site__name", attrs=ON_ONE_LINE
    )
    protocol = django_tables2.Column(accessor="controller__protocol", verbose_name=_("protocol"), attrs=ON_ONE_LINE)
    circuit = tables.StateColumn(CIRCUIT_LEVELS, verbose_name=_("state"))
    last_success_at = tables.WhenColumn(verbose_name=_("last value"), attrs=ON_ONE_LINE)
    recent_ratio = tables.QuantityColumn(unit="%", digits=1, factor=100, verbose_name=_("2 days"))
    week_ratio = tables.QuantityColumn(unit="%", digits=1, factor=100, verbose_name=_("7 days"))
    told_ratio = tables.QuantityColumn(unit="%", digits=1, factor=100, verbose_name=_("values told"))
    mean_latency_ms = tables.QuantityColumn(unit="ms", digits=0, verbose_name=_("answer time"))
    max_latency_ms = tables.QuantityColumn(unit="ms", digits=0, verbose_name=_("longest"))
    clock_offset_s = tables.QuantityColumn(unit="s", digits=0, verbose_name=_("clock offset"))
    failing_since = tables.WhenColumn(verbose_name=_("failing since"), attrs=ON_ONE_LINE)
    last_error = tables.ToldColumn(verbose_name=_("what is wrong"), attrs=ON_ONE_LINE)

    class Meta(tables.PortalTable.Meta):
        model = Device
        fields: Any = (
            "code",
            "site",
            "protocol",
            "circuit",
            "last_success_at",
            "recent_ratio",
            "week_ratio",
            "told_ratio",
            "mean_latency_ms",
            "max_latency_ms",
            "clock_offset_s",
            "failing_since",
            "last_error",
        )
