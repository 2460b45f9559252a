"""The meters and controllers of each demo site, as installed."""

from dataclasses import dataclass
from typing import Final

from demo.devices.meters import HeatMeter, HeatTap, PowerMeter, PowerTap
from demo.plant.spec import PlantSpec
from demo.sites import GREENHOUSE, NETWORK, POOL

CONTROLLER_UNIT: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """One site: its plant, its meters and how its controller speaks."""

    plant: PlantSpec
    heat_meters: tuple[HeatMeter, ...]
    modbus_power_meters: tuple[PowerMeter, ...]
    mbus_power_meters: tuple[PowerMeter, ...] = ()
    low_word_first: bool = False

    @property
    def code(self) -> str:
        """The site's code."""
        return self.plant.code

    @property
    def billing_meter(self) -> HeatMeter:
        """The meter at the delivery point."""
        return next(m for m in self.heat_meters if m.tap is HeatTap.DELIVERED)


INSTALLATIONS: Final[tuple[Installation, ...]] = (
    Installation(
        plant=POOL,
        heat_meters=(
            HeatMeter(
                serial="67204418",
                tap=HeatTap.DELIVERED,
                address=1,
                start_cent_kwh=41_277_35,
                start_liters=3_248_118,
            ),
            HeatMeter(
                serial="67204419",
                tap=HeatTap.CAPTURED,
                address=2,
                start_cent_kwh=52_903_10,
                start_liters=5_811_007,
            ),
        ),
        modbus_power_meters=(
            PowerMeter(serial="10731201", tap=PowerTap.IT, address=11, start_cent_kwh=68_440_02),
            PowerMeter(serial="10731202", tap=PowerTap.TOTAL, address=12, start_cent_kwh=76_118_77),
        ),
    ),
    Installation(
        plant=GREENHOUSE,
        heat_meters=(
            HeatMeter(
                serial="71950233",
                tap=HeatTap.DELIVERED,
                address=1,
                start_cent_kwh=18_640_91,
                start_liters=1_027_440,
            ),
            HeatMeter(
                serial="71950234",
                tap=HeatTap.CAPTURED,
                address=2,
                start_cent_kwh=23_115_04,
                start_liters=2_950_660,
            ),
        ),
        modbus_power_meters=(
            PowerMeter(serial="20418811", tap=PowerTap.IT, address=11, start_cent_kwh=31_002_55),
            PowerMeter(serial="20418812", tap=PowerTap.TOTAL, address=12, start_cent_kwh=37_881_20),
        ),
        mbus_power_meters=(PowerMeter(serial="20418813", tap=PowerTap.HEAT_PUMP, address=10, start_cent_kwh=3_904_66),),
    ),
    Installation(
        plant=NETWORK,
        heat_meters=(
            HeatMeter(
                serial="58830177",
                tap=HeatTap.DELIVERED,
                address=1,
                start_cent_kwh=203_518_40,
                start_liters=8_915_203,
            ),
            HeatMeter(
                serial="58830178",
                tap=HeatTap.CAPTURED,
                address=2,
                start_cent_kwh=311_274_96,
                start_liters=34_662_915,
            ),
        ),
        modbus_power_meters=(
            PowerMeter(serial="30995501", tap=PowerTap.IT, address=11, start_cent_kwh=402_117_03),
            PowerMeter(serial="30995502", tap=PowerTap.TOTAL, address=12, start_cent_kwh=447_960_88),
        ),
        low_word_first=True,
    ),
)
