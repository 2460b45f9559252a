"""The three plants of the demo provider, as built."""

from typing import Final

from demo.plant.spec import Climate, DryCooler, HeatPump, OfftakerKind, PlantSpec

POOL: Final = PlantSpec(
    code="BER-POOL",
    seed="heatledger-berlin",
    timezone="Europe/Berlin",
    it_kw=120.0,
    capture_ratio=0.82,
    hot_c=52.0,
    primary_flow_m3h=10.8,
    exchanger_kw_k=30.0,
    buffer_m3=4.0,
    supply_c=44.0,
    return_c=33.0,
    contract_kw=95.0,
    kind=OfftakerKind.POOL,
    climate=Climate(mean_c=10.1, yearly_swing_k=9.6, daily_swing_k=3.6),
    dry_cooler=DryCooler(nominal_kw=140.0, nominal_difference_k=15.0),
)
GREENHOUSE: Final = PlantSpec(
    code="WST-GREEN",
    seed="heatledger-westland",
    timezone="Europe/Amsterdam",
    it_kw=60.0,
    capture_ratio=0.78,
    hot_c=33.0,
    primary_flow_m3h=6.2,
    exchanger_kw_k=16.0,
    buffer_m3=5.0,
    supply_c=58.0,
    return_c=42.0,
    contract_kw=62.0,
    kind=OfftakerKind.GREENHOUSE,
    climate=Climate(mean_c=10.8, yearly_swing_k=7.4, daily_swing_k=2.9),
    dry_cooler=DryCooler(nominal_kw=80.0, nominal_difference_k=7.0),
    heat_pump=HeatPump(heat_kw=65.0, lorenz_efficiency_ratio=0.38, source_glide_k=5.0, source_min_c=22.0),
)
NETWORK: Final = PlantSpec(
    code="LDS-NET",
    seed="heatledger-leeds",
    timezone="Europe/London",
    it_kw=360.0,
    capture_ratio=0.85,
    hot_c=63.0,
    primary_flow_m3h=33.0,
    exchanger_kw_k=85.0,
    buffer_m3=14.0,
    supply_c=56.0,
    return_c=36.0,
    contract_kw=290.0,
    kind=OfftakerKind.NETWORK,
    climate=Climate(mean_c=9.7, yearly_swing_k=6.6, daily_swing_k=2.7),
    dry_cooler=DryCooler(nominal_kw=430.0, nominal_difference_k=25.0),
)
PLANTS: Final[tuple[PlantSpec, ...]] = (POOL, GREENHOUSE, NETWORK)
