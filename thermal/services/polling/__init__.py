"""Polling: claim what is due, ask it, store what it told."""

from thermal.services.polling.asking import ask_batch
from thermal.services.polling.claiming import Batch, claim_due
from thermal.services.polling.polls import poll_batch
from thermal.services.polling.probing import Probe, ProbedValue, probe_device

__all__ = ["Batch", "Probe", "ProbedValue", "ask_batch", "claim_due", "poll_batch", "probe_device"]
