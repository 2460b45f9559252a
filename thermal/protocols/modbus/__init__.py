"""Modbus TCP and Modbus RTU over TCP: planned reads, nothing else. There is no way to write in here."""

from thermal.protocols.modbus.reading import ModbusRtuTcp, ModbusTcp

__all__ = ["ModbusRtuTcp", "ModbusTcp"]
