"""Asking all devices of a batch: different addresses at once, devices behind one address in turn."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Final

from hosting.domain.addresses import reads
from hosting.domain.field_network import FieldNetwork
from kernel.errors import Refusal
from thermal.domain import pacing
from thermal.domain.readings import Answer, Missing
from thermal.protocols import PROTOCOLS
from thermal.protocols.base import failed, resolved
from thermal.services.polling.claiming import Batch, DueController, DueDevice

log = logging.getLogger(__name__)

FLUSH_S: Final = 0.5


@dataclass(slots=True)
class Outcome:
    """What came of one controller: the answer of each device behind it."""

    controller: DueController
    answers: list[tuple[DueDevice, Answer]] = field(default_factory=list)


async def ask_batch(batch: Batch, *, network: FieldNetwork) -> AsyncIterator[list[Outcome]]:
    """Yield what has come in, every half a second, until every controller is through or out of time.

    So one dead device delays nobody else, not even in being stored.
    """
    started = asyncio.get_running_loop().time()
    pending = {
        asyncio.create_task(ask_controller(batch, controller, network=network, started=started))
        for controller in batch.controllers
    }
    try:
        while pending:
            done, pending = await asyncio.wait(pending, timeout=FLUSH_S)
            if done:
                yield [task.result() for task in done]
    finally:
        for task in pending:
            task.cancel()


async def ask_controller(batch: Batch, controller: DueController, *, network: FieldNetwork, started: float) -> Outcome:
    """Return the answers of the devices behind one address; whatever goes wrong is a reason, not an exception."""
    outcome = Outcome(controller)
    problem, missing = "", Missing.NO_ANSWER
    if controller.problem:
        outcome.answers.extend(
            (device, failed(batch.target(device), controller.problem, Missing.NOT_ASKED))
            for device in controller.devices
        )
        return outcome
    try:
        async with asyncio.timeout(pacing.cycle_limit_s(every_s=controller.poll_s)):
            await _ask_devices(batch, outcome, network, started)
    except TimeoutError:
        problem, missing = "Not reached in time: the devices before it took too long.", Missing.NOT_ASKED
    except Refusal as refusal:
        problem = refusal.detail
    except OSError as error:
        problem = f"The network fails: {error.strerror or error}."
    except Exception:
        # Without this, one device that trips over a bug would keep its whole batch from being stored for ever.
        log.exception("Reading controller %s failed", controller.id)
        problem = "Reading failed because of an error in the program; the log has the details."
    answered = {device.id for device, _answer in outcome.answers}
    for device in controller.devices:
        if device.id not in answered:
            outcome.answers.append((device, failed(batch.target(device), problem, missing)))
    return outcome


async def _ask_devices(batch: Batch, outcome: Outcome, network: FieldNetwork, started: float) -> None:
    """Add the answer of each device to the outcome as it comes."""
    controller = outcome.controller
    readable: list[DueDevice] = []
    for device in controller.devices:
        profile = batch.profiles[device.profile_id]
        problem = profile.problem
        if not reads(profile.protocol, controller.protocol):
            problem = f"The profile is written for {profile.protocol}, the controller speaks {controller.protocol}."
        if problem:
            outcome.answers.append((device, failed(batch.target(device), problem, Missing.NOT_ASKED)))
        else:
            readable.append(device)
    if not readable:
        return
    host = await resolved(controller.endpoint.host, controller.endpoint.port, network)
    by_id = {device.id: device for device in readable}
    targets = [batch.target(device) for device in readable]
    loop = asyncio.get_running_loop()
    async for target, answer in PROTOCOLS[controller.protocol].read(replace(controller.endpoint, host=host), targets):
        answer.elapsed_s = loop.time() - started
        outcome.answers.append((by_id[target.device_id], answer))
