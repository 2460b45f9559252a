"""The duties of a site, the proof that they were done, and the packs that hand it over."""

from compliance.models.documents import Document
from compliance.models.incidents import Incident, IncidentEntry
from compliance.models.maintenance import MaintenancePlan, Subject, Task
from compliance.models.packs import AuditPack
from compliance.models.permits import Permit, PermitCondition
from compliance.models.water import WaterCircuit, WaterLimit, WaterResult, WaterSample

__all__ = [
    "AuditPack",
    "Document",
    "Incident",
    "IncidentEntry",
    "MaintenancePlan",
    "Permit",
    "PermitCondition",
    "Subject",
    "Task",
    "WaterCircuit",
    "WaterLimit",
    "WaterResult",
    "WaterSample",
]
