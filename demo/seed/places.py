"""The demo's sites as an inventory describes them."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from demo.field import INSTALLATIONS, Installation
from demo.sites import GREENHOUSE, NETWORK, POOL


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What the inventory tells about a site beyond its physics."""

    code: str
    name: str
    country: str
    address: str
    latitude_deg: Decimal
    longitude_deg: Decimal
    live_since: str
    racks: int
    delivery_code: str
    delivery_name: str
    sink_name: str
    heat_meter_model: tuple[str, str]
    qp_m3h: float
    primary_fluid: str

    @property
    def installation(self) -> Installation:
        """The site's plant and devices."""
        return next(found for found in INSTALLATIONS if found.code == self.code)


PLACES: Final[tuple[Place, ...]] = (
    Place(
        code=POOL.code,
        name="Stadtbad Lindenufer",
        country="DE",
        address="Lindenufer 14\n13597 Berlin",
        latitude_deg=Decimal("52.53420"),
        longitude_deg=Decimal("13.20010"),
        live_since="2025-03-01",
        racks=3,
        delivery_code="ber-pool-heat",
        delivery_name="Pool water, Lindenufer",
        sink_name="Pool water exchanger",
        heat_meter_model=("Halden", "TM-40"),
        qp_m3h=15.0,
        primary_fluid="MPG 25 %",
    ),
    Place(
        code=GREENHOUSE.code,
        name="Kwekerij De Lier",
        country="NL",
        address="Oostweg 8\n2678 De Lier",
        latitude_deg=Decimal("51.97120"),
        longitude_deg=Decimal("4.25480"),
        live_since="2025-09-15",
        racks=2,
        delivery_code="wst-green-heat",
        delivery_name="Greenhouse heating, De Lier",
        sink_name="Greenhouse heating circuit",
        heat_meter_model=("Halden", "TM-25"),
        qp_m3h=6.0,
        primary_fluid="MPG 25 %",
    ),
    Place(
        code=NETWORK.code,
        name="Aire Quay Energy Centre",
        country="GB",
        address="3 Aire Quay\nLeeds LS10 1AB",
        latitude_deg=Decimal("53.79040"),
        longitude_deg=Decimal("-1.53320"),
        live_since="2024-11-01",
        racks=8,
        delivery_code="lds-net-heat",
        delivery_name="Aire Quay network, plant room",
        sink_name="Network substation",
        heat_meter_model=("Halden", "TM-65"),
        qp_m3h=25.0,
        primary_fluid="MPG 25 %",
    ),
)
