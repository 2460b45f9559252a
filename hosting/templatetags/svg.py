"""Drawings made on the server: sparklines, the heat path, the balance of a day, the place of a site."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import template

from hosting.domain import balance, locator, sparkline

register = template.Library()


@register.inclusion_tag("components/sparkline.html")
def spark(
    area: Sequence[float | None] = (),
    line: Sequence[float | None] = (),
    label: str = "",
    width: int = 120,
    height: int = 28,
) -> dict[str, Any]:
    """A small chart without axes: an area, a line, or both, each from zero to its own greatest value."""
    return {
        "label": label,
        "width": width,
        "height": height,
        "areas": sparkline.areas(area, width, height),
        "edges": sparkline.lines(area, width, height),
        "lines": sparkline.lines(line, width, height),
    }


@register.inclusion_tag("hosting/partials/balance_flow.html")
def balance_flow(
    *,
    it_kwh: float | None,
    heat_pump_kwh: float | None,
    delivered_kwh: float | None,
    rejected_kwh: float | None,
    buffer_kwh: float | None,
) -> dict[str, Any]:
    """The energy of a period as a flow picture: what came in on the left, where it went on the right."""
    flows = balance.Flows(it_kwh, heat_pump_kwh, delivered_kwh, rejected_kwh, buffer_kwh)
    return {"flows": flows, "picture": balance.picture(flows)}


@register.inclusion_tag("hosting/partials/site_locator.html")
def site_locator(site: Any, others: Sequence[Any] = ()) -> dict[str, Any]:
    """The place of a site on an empty grid of degrees, with the places of others for orientation."""
    if site.latitude_deg is None or site.longitude_deg is None:
        return {"site": site, "map": None}
    places = [(other.name, float(other.latitude_deg), float(other.longitude_deg)) for other in others]
    here = (site.name, float(site.latitude_deg), float(site.longitude_deg))
    return {"site": site, "map": locator.grid(here, places)}
