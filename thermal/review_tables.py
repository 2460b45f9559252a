"""The tables of the review: findings and the rules behind them."""

from typing import Any

import django_tables2
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts import tables
from thermal.models import ValidationFinding, ValidationRule
from thermal.queries import finding_texts, rule_words

SEVERITY_LEVELS = {"1": "info", "2": "warn", "3": "bad"}
STATE_LEVELS = {"open": "warn", "accepted": "ok", "estimated": "info", "edited": "info", "closed": "ok"}
ON_ONE_LINE = {"td": {"class": "text-nowrap"}}


class FindingTable(tables.PortalTable):
    """What the rules found, the gravest and latest first."""

    severity = tables.StateColumn(SEVERITY_LEVELS)
    rule = tables.NameColumn(attrs={"td": {"class": "row-name text-nowrap"}})
    subject = django_tables2.Column(verbose_name=_("concerns"), order_by=("meter__serial",), attrs=ON_ONE_LINE)
    site = django_tables2.Column()
    starts_at = tables.InstantColumn(site="site", attrs=ON_ONE_LINE)
    words = django_tables2.Column(empty_values=(), orderable=False, verbose_name=_("what was found"))
    state = tables.StateColumn(STATE_LEVELS)

    class Meta(tables.PortalTable.Meta):
        model = ValidationFinding
        fields: Any = ("severity", "rule", "subject", "site", "starts_at", "words", "state")

    def render_subject(self, value: Any) -> SafeString:
        return format_html('<a href="{}">{}</a>', value.get_absolute_url(), value)

    def value_subject(self, value: Any) -> str:
        return str(value)

    def render_words(self, record: ValidationFinding) -> str:
        return finding_texts.words_of(record).sentence

    def value_words(self, record: ValidationFinding) -> str:
        return finding_texts.words_of(record).sentence


class ValidationRuleTable(tables.PortalTable):
    """The thresholds of the rules, with where they hold and since when."""

    rule = tables.NameColumn()
    scope = django_tables2.Column(empty_values=(), orderable=False, verbose_name=_("where"))
    severity = tables.StateColumn(SEVERITY_LEVELS)
    grave_severity = tables.StateColumn(SEVERITY_LEVELS)
    thresholds = django_tables2.Column(orderable=False, empty_values=())
    enabled = tables.YesNoColumn()
    is_verified = tables.YesNoColumn()
    valid_from = tables.DayColumn()
    valid_until = tables.DayColumn()

    class Meta(tables.PortalTable.Meta):
        model = ValidationRule
        fields: Any = (
            "rule",
            "scope",
            "severity",
            "grave_severity",
            "thresholds",
            "enabled",
            "is_verified",
            "valid_from",
            "valid_until",
        )

    def render_scope(self, record: ValidationRule) -> str:
        return scope_of(record)

    def value_scope(self, record: ValidationRule) -> str:
        return scope_of(record)

    def render_thresholds(self, record: ValidationRule) -> str:
        return thresholds_in_words(record)

    def value_thresholds(self, record: ValidationRule) -> str:
        return thresholds_in_words(record)


def thresholds_in_words(rule: ValidationRule) -> str:
    """The thresholds by which the rule judges, with their units."""
    rows = rule_words.thresholds_of(rule.rule, rule.thresholds)
    return "; ".join(f"{label} {value} {unit}".rstrip() for label, value, unit, _default in rows) or "–"


def scope_of(rule: ValidationRule) -> str:
    """Where the rule holds, in words."""
    if rule.site is not None:
        return str(rule.site)
    if rule.accuracy_class:
        return str(_("class %(name)s")) % {"name": rule.accuracy_class}
    return rule.country or str(_("everywhere"))


def queue_url(**chosen: object) -> str:
    """The address of the queue with some filters chosen."""
    query = "&".join(f"{name}={value}" for name, value in chosen.items())
    return reverse("thermal:finding_list") + (f"?{query}" if query else "")
