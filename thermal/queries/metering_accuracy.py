"""How wrong a meter may be where it was used: the error limit of its class, beside a temperature difference."""

from dataclasses import dataclass

from hosting.models import DeliveryPoint, Meter
from kernel.periods import QUARTER_HOUR, Period
from thermal.domain import accuracy
from thermal.domain.accuracy import ErrorLimit
from thermal.models import HeatInterval
from thermal.queries import intervals


@dataclass(frozen=True, slots=True)
class PointOfUse:
    """A meter's mean point of use: difference in K, flow in m³/h, and the error that its class allows there."""

    accuracy_class: str
    difference_k: float
    flow_m3h: float | None
    limit: ErrorLimit | None
    is_legal_for_trade: bool

    @property
    def percent(self) -> float | None:
        """The permissible error in percent of the true heat."""
        return None if self.limit is None else 100 * self.limit.total_ratio


def at_quarter(interval: HeatInterval) -> PointOfUse | None:
    """The point of use of a meter in one quarter hour; None where temperatures or meter are not known."""
    if interval.meter is None or interval.supply_vw_c is None or interval.return_vw_c is None:
        return None
    hours = QUARTER_HOUR.total_seconds() / 3600
    flow = None if interval.volume_m3 is None else float(interval.volume_m3) / hours
    return point_of_use(interval.meter, interval.delivery_point, interval.supply_vw_c - interval.return_vw_c, flow)


def over_period(meter: Meter, delivery_point: DeliveryPoint, period: Period) -> PointOfUse | None:
    """The mean point of use over a period, weighted by volume, from the ledger of the delivery point."""
    total = intervals.heat_total(delivery_point=delivery_point, period=period)
    if total.supply_vw_c is None or total.return_vw_c is None:
        return None
    hours = period.duration.total_seconds() / 3600
    flow = None if total.volume_m3 is None else float(total.volume_m3) / hours
    return point_of_use(meter, delivery_point, total.supply_vw_c - total.return_vw_c, flow)


def point_of_use(meter: Meter, point: DeliveryPoint, difference_k: float, flow_m3h: float | None) -> PointOfUse:
    """The error limit of the meter's class at a difference and a flow; None for a class without limits."""
    share = flow_m3h / meter.qp_m3h if flow_m3h and meter.qp_m3h else 1.0
    limit = None
    if meter.accuracy_class in accuracy.CLASSES and difference_k > 0:
        limit = accuracy.error_limit(
            meter.accuracy_class, difference_k, flow_share_ratio=share, min_difference_k=meter.min_difference_k
        )
    legal = point.medium == DeliveryPoint.Medium.WATER
    return PointOfUse(meter.accuracy_class, difference_k, flow_m3h, limit, legal)
