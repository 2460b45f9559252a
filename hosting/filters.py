"""The filter bars of the lists."""

from __future__ import annotations

from typing import Any

from accounts import filters
from hosting.models import Site


class SiteFilter(filters.ScopedFilterSet):
    """Sites by name, lifecycle and country."""

    search_fields = ("code", "name", "address")

    class Meta:
        model = Site
        fields: Any = ("lifecycle", "country")
