"""Where the heat is made, how it is piped, what measures it and who reads it."""

from hosting.models.equipment import Connection, Equipment, EquipmentModel
from hosting.models.exchanges import MeterPhoto, MeterSwap
from hosting.models.field import Controller, Device, Measurement, Protocol
from hosting.models.imports import ImportBatch
from hosting.models.metering import DeliveryPoint, Meter, MeterPlacement
from hosting.models.outages import PlannedOutage
from hosting.models.profiles import DeviceKind, DeviceProfile, ProfilePoint
from hosting.models.secrets import ControllerSecret
from hosting.models.sites import Site, SiteGroupObjectPermission, SiteUserObjectPermission

__all__ = [
    "Connection",
    "Controller",
    "ControllerSecret",
    "DeliveryPoint",
    "Device",
    "DeviceKind",
    "DeviceProfile",
    "Equipment",
    "EquipmentModel",
    "ImportBatch",
    "Measurement",
    "Meter",
    "MeterPhoto",
    "MeterPlacement",
    "MeterSwap",
    "PlannedOutage",
    "ProfilePoint",
    "Protocol",
    "Site",
    "SiteGroupObjectPermission",
    "SiteUserObjectPermission",
]
