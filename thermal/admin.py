"""Alarm rules in the administration pages; what was recorded and settled is shown nowhere to be edited."""

from django.contrib import admin

from thermal.models import AlarmRule


@admin.register(AlarmRule)
class AlarmRuleAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Rules of all sites."""

    list_display = ("name", "site", "kind", "limit_value", "priority", "enabled")
    list_filter = ("kind", "priority", "enabled")
    search_fields = ("name", "key", "site__name")
    raw_id_fields = ("measurement", "device", "delivery_point")
