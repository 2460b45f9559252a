"""Where the history of a record is."""

from django import template
from django.db.models import Model
from django.urls import reverse

register = template.Library()


@register.simple_tag
def history_url(record: Model) -> str:
    """The address of the record's change history."""
    meta = record._meta
    return reverse("accounts:history", args=[meta.app_label, meta.model_name, record.pk])
