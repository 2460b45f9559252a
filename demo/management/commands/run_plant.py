"""Runs the demo's plants and their field devices."""

import asyncio
import os
import signal
import time
from argparse import ArgumentParser
from typing import Any, Final

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from demo.devices.serving import Field
from demo.field import INSTALLATIONS
from demo.record import PlantRecord
from demo.seed.commissioning import commission_moved
from demo.seed.instruments import publish_ports
from kernel.errors import Refusal

FIRST_PORT: Final = 15_020


class Command(BaseCommand):
    """Serves the plants until it is ended."""

    help = "Runs the demo's plants and serves their Modbus and M-Bus devices on loopback."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--first-port",
            type=int,
            default=int(os.environ.get("HEATLEDGER_PLANT_PORT", FIRST_PORT)),
            help="first of the ports to listen on; 0 takes free ones",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            asyncio.run(self._run(options["first_port"]))
        except Refusal as refusal:
            raise CommandError(refusal.detail) from refusal

    async def _run(self, first_port: int) -> None:
        field = Field(INSTALLATIONS, PlantRecord(settings.VAR_DIR / "demo"), clock=time.time)
        ports = await field.start(first_port)
        await sync_to_async(publish_ports)(ports)
        await sync_to_async(commission_moved)(plants=field.plants, now=timezone.now())
        for code, found in ports.items():
            self.stdout.write(f"{code}: Modbus TCP on port {found.modbus}, M-Bus over TCP on port {found.mbus}")
        self.stdout.flush()
        going = asyncio.create_task(field.keep_going())
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, going.cancel)
        try:
            await going
        except asyncio.CancelledError:
            self.stdout.write("ending")
        finally:
            await field.stop()
