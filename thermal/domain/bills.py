"""What the floors above tell about bills that rest on the heat of a delivery point."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class TouchedBill:
    """An issued bill of a month whose heat changes."""

    number: str
    url: str
    month_on: dt.date
    heat_kwh: Decimal
