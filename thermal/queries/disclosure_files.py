"""The disclosure of a site and a year as plain values, for files and the API."""

from typing import Any

from thermal.queries.regulation import Disclosure


def as_plain(made: Disclosure) -> dict[str, Any]:
    """The disclosure as plain values."""
    return {
        "site": made.site.code,
        "name": made.site.name,
        "year": made.year,
        "is_required": made.is_required,
        "size_class": made.size_class,
        "items": [
            {
                "annex": line.annex,
                "code": line.code,
                "item": line.label,
                "value": line.value,
                "unit": line.unit,
                "origin": line.origin,
                "missing": line.waits_for,
                "is_partly_known": line.is_partly_known,
            }
            for line in made.lines
        ],
        "quotas": [
            {
                "law": one.quota.law,
                "figure": one.quota.figure,
                "limit_ratio": one.quota.limit_ratio,
                "is_upper": one.quota.is_upper,
                "valid_from": one.quota.valid_from.isoformat(),
                "value": one.value,
                "standing": one.standing.value,
            }
            for one in made.quotas
        ],
    }
