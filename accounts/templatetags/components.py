"""Small pieces of every page: icons, figures with units, ages, states in words, form fields."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext, gettext_lazy, ngettext

from accounts import refusals

register = template.Library()

MISSING = "–"
# Shape as well as color, so that a state reads without color.
STATE_ICONS = {"ok": "check", "warn": "warning", "bad": "cross", "unknown": "question", "info": "info"}
STATE_WORDS = {
    "ok": gettext_lazy("good"),
    "warn": gettext_lazy("attention"),
    "bad": gettext_lazy("failed"),
    "unknown": gettext_lazy("unknown"),
    "info": gettext_lazy("info"),
}


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """An icon of the own sprite; decoration unless it gets a label."""
    hidden = format_html('role="img" aria-label="{}"', label) if label else mark_safe('aria-hidden="true"')
    sprite = static("img/icons.svg")
    return format_html('<svg class="icon" {} focusable="false"><use href="{}#{}"></use></svg>', hidden, sprite, name)


@register.filter
def significant(value: Any, digits: int = 3) -> str:
    """The number with three significant digits, in the reader's notation; a dash when missing."""
    if value is None or value == "" or (isinstance(value, float) and not math.isfinite(value)):
        return MISSING
    number = float(value)
    places = 0 if number == 0 else max(0, digits - 1 - math.floor(math.log10(abs(number))))
    return number_format(round(number, places), decimal_pos=min(places, 4), use_l10n=True, force_grouping=True)


@register.filter
def percent(ratio: Any, digits: int = 1) -> str:
    """The share of one as percent."""
    if ratio is None or ratio == "":
        return MISSING
    return number_format(float(ratio) * 100, decimal_pos=digits, use_l10n=True) + " %"


@register.filter
def in_words(text: str) -> str:
    """A sentence that was stored in English, in the reader's language."""
    return refusals.in_words(text)


@register.filter
def lookup(mapping: Any, key: Any) -> Any:
    """The value stored under a key."""
    return mapping.get(key)


@register.simple_tag
def quantity(value: Any, unit: str = "", digits: int | str | None = None) -> SafeString:
    """A figure in tabular digits with its unit in a lighter tone."""
    if value is None or value == "":
        missing = gettext("no data")
        return format_html('<span class="quantity missing"><span aria-hidden="true">–</span> {}</span>', missing)
    text = significant(value)
    # What a template does not name arrives as an empty text.
    if digits not in (None, ""):
        text = number_format(value, decimal_pos=int(digits), use_l10n=True, force_grouping=True)
    if not unit:
        return format_html('<span class="quantity">{}</span>', text)
    return format_html('<span class="quantity">{} <span class="unit">{}</span></span>', text, unit)


@register.simple_tag
def age(at: datetime | None, now: datetime | None = None) -> SafeString:
    """How long ago an instant was, in words; the exact time on hover."""
    if at is None:
        return format_html('<span class="missing">{}</span>', gettext("never"))
    seconds = ((now or timezone.now()) - at).total_seconds()
    words = _ago(seconds) if seconds >= 0 else gettext("in %(span)s") % {"span": _span(-seconds)}
    exact = timezone.localtime(at)
    title = f"{date_format(exact, 'Y-m-d H:i:s')} {exact.tzname()}"
    return format_html('<time datetime="{}" title="{}">{}</time>', at.isoformat(), title, words)


def _ago(seconds: float) -> str:
    if seconds < 5:
        return gettext("just now")
    return gettext("%(span)s ago") % {"span": _span(seconds)}


def _span(seconds: float) -> str:
    if seconds < 90:
        return ngettext("%(n)s second", "%(n)s seconds", round(seconds)) % {"n": round(seconds)}
    minutes = round(seconds / 60)
    if minutes < 90:
        return ngettext("%(n)s minute", "%(n)s minutes", minutes) % {"n": minutes}
    hours = round(seconds / 3600)
    if hours < 36:
        return ngettext("%(n)s hour", "%(n)s hours", hours) % {"n": hours}
    days = round(seconds / 86400)
    return ngettext("%(n)s day", "%(n)s days", days) % {"n": days}


@register.simple_tag
def local_instant(at: datetime | None, zone: str = "", *, seconds: bool = False) -> SafeString:
    """An instant in the zone of its site, with the zone named."""
    if at is None:
        return format_html('<span class="missing">{}</span>', MISSING)
    local = at.astimezone(ZoneInfo(zone)) if zone else timezone.localtime(at)
    text = date_format(local, "Y-m-d H:i:s" if seconds else "Y-m-d H:i")
    return format_html(
        '<time datetime="{}" class="quantity">{} <span class="unit">{}</span></time>',
        at.isoformat(),
        text,
        local.tzname(),
    )


@register.simple_tag
def state_badge(word: str, level: str = "unknown") -> SafeString:
    """A state as icon, word and color; level is ok, warn, bad, unknown or info."""
    level = level if level in STATE_ICONS else "unknown"
    text = word or STATE_WORDS[level]
    return format_html('<span class="state state-{}">{}<span>{}</span></span>', level, icon(STATE_ICONS[level]), text)


@register.filter
def styled(field: Any) -> SafeString:
    """The widget of a form field with the classes of the look and its errors tied to it."""
    classes = [_widget_class(field.field.widget), "is-invalid" if field.errors else ""]
    own = field.field.widget.attrs.get("class", "")
    attrs: dict[str, Any] = {"class": " ".join(part for part in (own, *classes) if part)}
    html: SafeString = field.as_widget(attrs=attrs)
    return html


def _widget_class(widget: Any) -> str:
    kind = getattr(widget, "input_type", "")
    if kind in {"checkbox", "radio"}:
        return "form-check-input"
    if kind == "select":
        return "form-select"
    return "form-control"


@register.filter
def is_checkbox(field: Any) -> bool:
    """Whether the field is one box to tick, whose label stands behind it."""
    widget = field.field.widget
    return getattr(widget, "input_type", "") == "checkbox" and not hasattr(widget, "choices")


@register.filter
def has_choices(field: Any) -> bool:
    """Whether the field is a group of boxes or buttons, which needs a fieldset."""
    return bool(field.use_fieldset)
