"""Field languages, one module each; all of them only read."""

from typing import Final

from thermal.protocols.base import FieldProtocol, LoadedAtFirstUse
from thermal.protocols.mbus import MBusTcp
from thermal.protocols.modbus import ModbusRtuTcp, ModbusTcp
from thermal.protocols.told import Told, ToldInFiles

PROTOCOLS: Final[dict[str, FieldProtocol]] = {
    "modbus_tcp": ModbusTcp(),
    "modbus_rtu_tcp": ModbusRtuTcp(),
    "mbus_tcp": MBusTcp(),
    "snmp": LoadedAtFirstUse("thermal.protocols.snmp", "Snmp"),
    "bacnet_ip": LoadedAtFirstUse("thermal.protocols.bacnet", "BacnetIp"),
    "mqtt": LoadedAtFirstUse("thermal.protocols.mqtt", "Mqtt"),
    "opc_ua": LoadedAtFirstUse("thermal.protocols.opcua", "OpcUa"),
    "http_push": Told("http_push"),
    "csv_drop": ToldInFiles("csv_drop"),
}
"""Each field language by the name that controllers and profiles give it."""
