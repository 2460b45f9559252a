"""What was recorded, what was settled from it, and what was wrong."""

from thermal.models.alarms import Alarm, AlarmRule, AlarmTransition
from thermal.models.commissioning import DeviceAcceptance, DeviceProbe
from thermal.models.corrections import CorrectedReading, Correction, EstimatedHeat
from thermal.models.deliveries import DropReceipt, PushReceipt
from thermal.models.equipment import EquipmentFact, EquipmentInterval
from thermal.models.kpis import KpiSum, MonthMark
from thermal.models.ledger import DirtyMark, HeatInterval, SiteInterval
from thermal.models.polling import DeviceDay
from thermal.models.recorded import MeterReading, TelemetryFrame
from thermal.models.site_facts import EmissionFactor, LegalQuota, SiteFact, WeatherDay, WeatherDependence
from thermal.models.validation import FindingTransition, ValidationFinding, ValidationMark, ValidationRule

__all__ = [
    "Alarm",
    "AlarmRule",
    "AlarmTransition",
    "CorrectedReading",
    "Correction",
    "DeviceAcceptance",
    "DeviceDay",
    "DeviceProbe",
    "DirtyMark",
    "DropReceipt",
    "EmissionFactor",
    "EquipmentFact",
    "EquipmentInterval",
    "EstimatedHeat",
    "FindingTransition",
    "HeatInterval",
    "KpiSum",
    "LegalQuota",
    "MeterReading",
    "MonthMark",
    "PushReceipt",
    "SiteFact",
    "SiteInterval",
    "TelemetryFrame",
    "ValidationFinding",
    "ValidationMark",
    "ValidationRule",
    "WeatherDay",
    "WeatherDependence",
]
